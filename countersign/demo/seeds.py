"""What the demo begins with: accounts, routes and authorities as two administrators would have set them up."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import psycopg

# Made-up ids of made-up accounts; the sandbox platforms know the same ones.
NAMESPACE = UUID("6f9c1a52-58a5-4c0e-9d5b-3f1f54b7a001")
ACCOUNTS: dict[str, tuple[str, str, str]] = {
    "x": ("2244994945", "DeptExamples", "Department for Examples"),
    "facebook": ("104938271650", "deptexamples", "Department for Examples"),
    "linkedin": ("5583111", "department-for-examples", "Department for Examples"),
}
# In the register and not connected yet: what connecting looks like is for whoever tries the demo.
TO_CONNECT: dict[str, tuple[str, str, str]] = {
    "bluesky": ("did:plc:deptexamples2345672345672", "examples.department.example", "Department for Examples"),
    "mastodon": ("110224538612341312", "examples", "Department for Examples"),
}
# What the same people may post on besides: whoever consents there has to choose.
BESIDES: dict[str, tuple[str, str, str]] = {
    "facebook": ("104938271651", "examplesjobs", "Examples Jobs"),
    "linkedin": ("5583112", "examples-jobs", "Examples Jobs"),
    "mastodon": ("110224538612341313", "examplesjobs", "Examples Jobs"),
}
BY_HAND, POSTS_BY_HAND = ("staff-intranet", "Staff intranet"), "olivia"
STEPS = [
    {"role": "press_office", "label": "Press office", "quorum": 1, "paragraph": 36},
    {"role": "policy_owner", "label": "Policy owner", "quorum": 1, "paragraph": 37},
]
# Who holds which step role. Samira drafts too: what she touched she cannot authorise.
AUTHORITIES = {"ade": ("press_office",), "priya": ("policy_owner",), "sam": ("press_office", "policy_owner")}
FIRST, SECOND = "demo administrator one", "demo administrator two"


def account_id(platform: str) -> UUID:
    return uuid5(NAMESPACE, f"account:{platform}")


def seed_register(owner_url: str, *, people: Mapping[str, UUID], servers: Mapping[str, str]) -> None:
    """Accounts, the default route and a year of authorities; what is there already stays as it is.

    `servers`: where the accounts that live on a server of somebody's live, by platform.
    """
    with psycopg.connect(owner_url) as connection:
        connection.execute("SET ROLE countersign_owner")
        _seed_accounts(connection, people[POSTS_BY_HAND], servers)
        connection.execute(
            "INSERT INTO route (id, version, name, steps, made_by, confirmed_by) "
            "VALUES (%s, 1, 'Default route', %s, %s, %s) ON CONFLICT DO NOTHING",
            (uuid5(NAMESPACE, "route:default:1"), json.dumps(STEPS), FIRST, SECOND),
        )
        _seed_authorities(connection, people)


def _seed_accounts(connection: psycopg.Connection[Any], by_hand: UUID, servers: Mapping[str, str]) -> None:
    for platform, (platform_id, handle, name) in ACCOUNTS.items():
        connection.execute(
            "INSERT INTO account (id, platform, platform_account_id, handle, name, owner_team, status) "
            "VALUES (%s, %s, %s, %s, %s, 'Digital communications', 'connected') ON CONFLICT DO NOTHING",
            (account_id(platform), platform, platform_id, handle, name),
        )
    for platform, (_, handle, name) in TO_CONNECT.items():
        connection.execute(
            "INSERT INTO account (id, platform, handle, name, owner_team, server) "
            "VALUES (%s, %s, %s, %s, 'Digital communications', %s) ON CONFLICT DO NOTHING",
            (account_id(platform), platform, handle, name, servers[platform]),
        )
    connection.execute(
        "INSERT INTO account (id, platform, handle, name, owner_team, releaser) "
        "VALUES (%s, 'manual', %s, %s, 'Internal communications', %s) ON CONFLICT DO NOTHING",
        (account_id("manual"), *BY_HAND, by_hand),
    )


def _seed_authorities(connection: psycopg.Connection[Any], people: Mapping[str, UUID]) -> None:
    now = datetime.now(UTC)
    for subject, roles in AUTHORITIES.items():
        for role in roles:
            connection.execute(
                "INSERT INTO authority (id, person_id, role, valid_from, valid_until, granted_by, confirmed_by) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (
                    uuid5(NAMESPACE, f"authority:{people[subject]}:{role}"),
                    people[subject],
                    role,
                    now,
                    now + timedelta(days=365),
                    FIRST,
                    SECOND,
                ),
            )
