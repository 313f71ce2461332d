"""What the demo begins with: accounts, routes and authorities as two administrators would have set them up."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import psycopg

# Made-up ids of made-up accounts; the sandbox platforms know the same ones.
NAMESPACE = UUID("6f9c1a52-58a5-4c0e-9d5b-3f1f54b7a001")
ACCOUNTS: dict[str, tuple[str, str, str]] = {
    "x": ("2244994945", "DeptExamples", "Department for Examples"),
    "facebook": ("104938271650", "deptexamples", "Department for Examples"),
    "linkedin": ("5583111", "department-for-examples", "Department for Examples"),
}
STEPS = [
    {"role": "press_office", "label": "Press office", "quorum": 1, "paragraph": 36},
    {"role": "policy_owner", "label": "Policy owner", "quorum": 1, "paragraph": 37},
]
# Who holds which step role. Samira drafts too: what she touched she cannot authorise.
AUTHORITIES = {"ade": ("press_office",), "priya": ("policy_owner",), "sam": ("press_office", "policy_owner")}
FIRST, SECOND = "demo administrator one", "demo administrator two"


def account_id(platform: str) -> UUID:
    return uuid5(NAMESPACE, f"account:{platform}")


def seed_register(owner_url: str, *, people: dict[str, UUID]) -> None:
    """Accounts, the default route and a year of authorities; what is there already stays as it is."""
    now = datetime.now(UTC)
    with psycopg.connect(owner_url) as connection:
        connection.execute("SET ROLE countersign_owner")
        for platform, (platform_id, handle, name) in ACCOUNTS.items():
            connection.execute(
                "INSERT INTO account (id, platform, platform_account_id, handle, name, owner_team, status) "
                "VALUES (%s, %s, %s, %s, %s, 'Digital communications', 'connected') ON CONFLICT DO NOTHING",
                (account_id(platform), platform, platform_id, handle, name),
            )
        connection.execute(
            "INSERT INTO route (id, version, name, steps, made_by, confirmed_by) "
            "VALUES (%s, 1, 'Default route', %s, %s, %s) ON CONFLICT DO NOTHING",
            (uuid5(NAMESPACE, "route:default:1"), json.dumps(STEPS), FIRST, SECOND),
        )
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
