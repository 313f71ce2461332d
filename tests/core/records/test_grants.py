"""The api writes what people did, the worker what the service did; each is refused every part of the other's."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from core.records.database import Database
from core.records.tables import METADATA
from tests.core.publishing import AtTheGate, as_admin
from tests.kit import ACCOUNTS, Urls, new_person

pytestmark = [pytest.mark.anyio, pytest.mark.database]

API, WORKER = "countersign_api", "countersign_worker"
TABLES = sorted(METADATA.tables)

INSERTS = {
    API: {
        *("person", "session", "draft", "manifest", "version", "contributor", "version_view", "media", "upload", "derivative"),
        *("draft_image", "schedule", "submission", "withdrawal", "decision", "awaiting", "hold", "outbox", "idempotency"),
        *("proposal", "account_watch", "alarm_answer", "target_request"),
        *("account", "connection", "connection_secret", "platform_app"),
        *("publication_act", "correction"),
    },
    WORKER: {
        *("publication", "receipt", "step_clock", "heartbeat", "outbox"),
        *("account_watch", "known_post", "alarm", "target_capture"),
        *("token", "service_secret", "worker_key", "account_health"),
        *("carried_out", "look_up", "removal_evidence", "removal_call", "unexpected_post", "quota"),
    },
}
NO_ACTS = {("heartbeat", WORKER): {"at"}, ("quota", WORKER): {"answered_at"}}
UPDATES: dict[str, dict[str, set[str]]] = {
    API: {
        "person": {"name", "email", "roles", "seen_at"},
        "session": {"data", "seen_at", "auth_time", "person_id"},
        "draft": {"revision", "changed_at"},
        "awaiting": {"due"},
        "idempotency": {"status", "body"},
        "hold": {"lifted_at", "lifted_by", "lift_confirmed_by"},
        "proposal": {"confirmed_by", "withdrawn_by"},
        "account_watch": {"every_seconds"},
    },
    WORKER: {
        "publication": {
            *("state", "epoch", "lease_until", "worker", "not_before", "schedule_revision", "publish_at"),
            *("post_id", "permalink", "note"),
        },
        "outbox": {"delivered_at", "claimed_until", "tries"},
        "heartbeat": {"at", "engine_at"},
        "quota": {"remaining", "reset_at", "answered_at"},
        "account_watch": {"next_at", "leased_until", "readings", "seen_at", "trouble"},
        "target_request": {"claimed_until", "tries"},
        "connection": {"status", "note", "found", "moved_at"},
        "platform_app": {"client_id", "note", "retry_at"},
        "token": {
            *("version", "sealed", "wrapped_key", "kek_id", "refreshable", "sealed_at", "expires_at", "ends_at"),
            *("refused", "tries", "retry_at"),
        },
        "service_secret": {"wrapped_key", "kek_id"},
        "account_health": {
            *("can_post", "problem", "expires_at", "ends_at", "last_checked_at", "last_refresh_at", "last_success_at"),
            "warned_days",
        },
    },
}
DELETES = {
    API: {"session", "awaiting", "idempotency"},
    WORKER: {"heartbeat", "outbox", "connection_secret", "token", "service_secret", "worker_key"},
}
# What the api may put down it may not always take up again: nothing sealed is ever read by it.
UNREAD = {API: {"connection_secret", "token", "service_secret"}, WORKER: {"session", "idempotency"}}
FUNCTIONS = {
    API: {
        *("audit_append", "hold_lock_key", "lock_before_holding", "hold_stands"),
        *("connect_account", "disconnect_account", "disconnect_in_emergency", "accounts_losing_tokens", "deny_consent"),
    },
    WORKER: {
        *("audit_append", "hold_lock_key", "hold_stands", "hold_stops", "fully_authorised", "dispatch"),
        *("record_receipt", "may_have_reached", "two_people_said", "note_unexpected_post"),
    },
}
BOTH = pytest.mark.parametrize("login", [API, WORKER])
EVERY_TABLE = pytest.mark.parametrize("table", TABLES)


def privilege(urls: Urls, login: str, table: str, kind: str) -> bool:
    test = "has_table_privilege" if kind in ("DELETE", "TRUNCATE", "TRIGGER", "REFERENCES") else "has_any_column_privilege"
    return bool(as_admin(urls, f"SELECT {test}(%s, %s, %s) AS has", login, table, kind)[0]["has"])


@EVERY_TABLE
@BOTH
@pytest.mark.parametrize("kind", ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES"])
def test_each_login_has_its_own_part_and_no_more(urls: Urls, table: str, login: str, kind: str) -> None:
    allowed = {
        "SELECT": table not in UNREAD[login],
        "INSERT": table in INSERTS[login],
        "UPDATE": table in UPDATES[login],
        "DELETE": table in DELETES[login],
    }
    assert privilege(urls, login, table, kind) == allowed.get(kind, False)


@EVERY_TABLE
@BOTH
def test_only_the_named_columns_are_updated(urls: Urls, table: str, login: str) -> None:
    rows = as_admin(
        urls,
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
        "AND has_column_privilege(%s, attrelid, attnum, 'UPDATE')",
        table,
        login,
    )
    assert {row["attname"] for row in rows} == UPDATES[login].get(table, set())


@EVERY_TABLE
@BOTH
def test_no_process_gives_a_column_that_the_databases_clock_fills_in(urls: Urls, table: str, login: str) -> None:
    """Nobody backdates an act. (A heartbeat is none, nor is a platform's answer about a limit.)"""
    rows = as_admin(
        urls,
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s "
        "AND column_default = 'clock_timestamp()' AND has_column_privilege(%s, table_name::text, column_name::text, 'INSERT')",
        table,
        login,
    )
    assert {row["column_name"] for row in rows} == NO_ACTS.get((table, login), set())


@BOTH
def test_only_the_named_functions_are_called(urls: Urls, login: str) -> None:
    rows = as_admin(
        urls,
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND has_function_privilege(%s, oid, 'EXECUTE')",
        login,
    )
    assert {row["proname"] for row in rows} == FUNCTIONS[login]


@BOTH
def test_nothing_is_created_not_even_for_a_moment(urls: Urls, login: str) -> None:
    url = urls.api if login == API else urls.worker
    for statement in ("CREATE TABLE mine (x int)", "CREATE TEMP TABLE mine (x int)", "CREATE SCHEMA mine"):
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


@BOTH
def test_nobody_becomes_the_owner(urls: Urls, login: str) -> None:
    for role in ("countersign_owner", "countersign_migrator", API if login == WORKER else WORKER, "postgres"):
        with (
            psycopg.connect(urls.api if login == API else urls.worker) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(f"SET ROLE {role}")


def refused(url: str, statement: str, *values: Any) -> str:
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege) as error:
        connection.execute(statement, values)
    return str(error.value)


def row_of(urls: Urls, gate: AtTheGate) -> dict[str, Any]:
    """The ids an intruder would need."""
    return as_admin(
        urls,
        "SELECT p.submission_id, p.digest, s.version_id, d.authority_id, d.person_id FROM publication p "
        "JOIN submission s ON s.id = p.submission_id JOIN decision d ON d.submission_id = s.id WHERE p.id = %s LIMIT 1",
        gate.id,
    )[0]


async def test_the_api_writes_no_outcome(urls: Urls, gate: AtTheGate) -> None:
    known = row_of(urls, gate)
    attempts = {
        "INSERT INTO publication (id, draft_id, account_id, submission_id, digest, schedule_revision, publish_at) "
        "VALUES (%s, %s, %s, %s, %s, 1, now())": (
            *(uuid4(), gate.saved.draft_id, ACCOUNTS["facebook"], known["submission_id"], known["digest"]),
        ),
        "UPDATE publication SET state = 'withdrawn' WHERE id = %s": (gate.id,),
        "DELETE FROM publication WHERE id = %s": (gate.id,),
        "INSERT INTO transition (publication_id, number, before, after, epoch, note) VALUES (%s, 9, 'a', 'b', 1, '')": (gate.id,),
        "INSERT INTO attempt (id, publication_id, epoch, digest, verdict, dispatched_at, send_by) "
        "VALUES (%s, %s, 1, %s, '{}', now(), now())": (uuid4(), gate.id, known["digest"]),
        "INSERT INTO receipt (id, attempt_id, result, detail) VALUES (%s, %s, 'accepted', '')": (uuid4(), uuid4()),
        "SELECT dispatch(%s, 1, '{}')": (gate.id,),
        "INSERT INTO legal_move VALUES ('sending', 'stale')": (),
        "INSERT INTO authority (id, person_id, role, valid_from, valid_until, granted_by, confirmed_by) "
        "VALUES (%s, %s, 'press_office', now(), now() + interval '1 day', 'a', 'b')": (uuid4(), known["person_id"]),
        "UPDATE authority SET valid_until = now() WHERE id = %s": (known["authority_id"],),
    }
    for statement, values in attempts.items():
        refused(urls.api, statement, *values)


async def test_the_worker_writes_no_act_of_a_person(urls: Urls, gate: AtTheGate) -> None:
    known = row_of(urls, gate)
    draft, person = gate.saved.draft_id, known["person_id"]
    attempts = {
        "INSERT INTO decision (id, submission_id, step, person_id, authority_id, answer, digest, answers) "
        "VALUES (%s, %s, 1, %s, %s, 'authorise', %s, '{}')": (
            *(uuid4(), known["submission_id"], person, known["authority_id"], known["digest"]),
        ),
        "INSERT INTO submission (id, draft_id, number, version_id, version_number, digest, plan, account_ids, window_start, "
        "window_end, submitted_by) VALUES (%s, %s, 2, %s, 1, %s, '{}', '{}', now(), now(), %s)": (
            *(uuid4(), draft, known["version_id"], known["digest"], person),
        ),
        "INSERT INTO version (id, draft_id, number, digest, source, saved_by) VALUES (%s, %s, 2, %s, '{}', %s)": (
            *(uuid4(), draft, known["digest"], person),
        ),
        "INSERT INTO withdrawal (submission_id, person_id, reason) VALUES (%s, %s, '')": (known["submission_id"], person),
        "INSERT INTO hold (id, scope, reason, placed_by, starts_at) VALUES (%s, 'all', 'x', 'x', now())": (uuid4(),),
        "UPDATE hold SET lifted_at = now(), lifted_by = 'a', lift_confirmed_by = 'b'": (),
        "INSERT INTO schedule (draft_id, revision, publish_at, set_by) VALUES (%s, 9, now(), %s)": (draft, person),
        "UPDATE draft SET revision = 1 WHERE id = %s": (draft,),
        "DELETE FROM contributor WHERE draft_id = %s": (draft,),
        "INSERT INTO person (id, issuer, subject, name, roles) VALUES (%s, 'i', 's', 'n', '{}')": (uuid4(),),
        "SELECT data FROM session": (),
        "SELECT body FROM idempotency": (),
        "INSERT INTO attempt (id, publication_id, epoch, digest, verdict, dispatched_at, send_by) "
        "VALUES (%s, %s, 1, %s, '{}', now(), now())": (uuid4(), gate.id, known["digest"]),
        "INSERT INTO transition (publication_id, number, before, after, epoch, note) VALUES (%s, 9, 'a', 'b', 1, '')": (gate.id,),
        "UPDATE publication SET moves = 9 WHERE id = %s": (gate.id,),
        "UPDATE publication SET digest = 'x' WHERE id = %s": (gate.id,),
    }
    for statement, values in attempts.items():
        refused(urls.worker, statement, *values)


async def test_only_dispatch_moves_a_publication_to_sending(urls: Urls, gate: AtTheGate) -> None:
    said = refused(urls.worker, "UPDATE publication SET state = 'sending' WHERE id = %s", gate.id)
    assert "Only dispatch()" in said


@pytest.mark.parametrize("after", ["published", "verified", "unknown", "abandoned", "nonsense"])
async def test_the_worker_makes_no_other_move_than_the_legal_ones(urls: Urls, gate: AtTheGate, after: str) -> None:
    with psycopg.connect(urls.worker) as connection, pytest.raises(psycopg.errors.CheckViolation, match="cannot move"):
        connection.execute("UPDATE publication SET state = %s WHERE id = %s", (after, gate.id))


async def test_an_epoch_never_goes_back_and_a_publication_starts_at_the_start(urls: Urls, gate: AtTheGate) -> None:
    with psycopg.connect(urls.worker) as connection, pytest.raises(psycopg.errors.CheckViolation, match="never goes back"):
        connection.execute("UPDATE publication SET epoch = 0 WHERE id = %s", (gate.id,))
    known = row_of(urls, gate)
    with psycopg.connect(urls.worker) as connection, pytest.raises(psycopg.errors.CheckViolation, match="starts as scheduled"):
        connection.execute(
            "INSERT INTO publication (id, draft_id, account_id, submission_id, digest, schedule_revision, publish_at, state) "
            "VALUES (%s, %s, %s, %s, %s, 1, now(), 'claimed')",
            (uuid4(), gate.saved.draft_id, ACCOUNTS["facebook"], known["submission_id"], known["digest"]),
        )


async def test_even_the_owner_keeps_what_a_publication_is_of(urls: Urls, gate: AtTheGate) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="keeps its draft"):
        as_admin(urls, "UPDATE publication SET account_id = %s WHERE id = %s", ACCOUNTS["facebook"], gate.id)


@pytest.mark.parametrize("login", ["api", "worker"])
def test_the_chain_is_written_only_through_its_function(urls: Urls, login: str) -> None:
    url = getattr(urls, login)
    refused(
        url,
        "INSERT INTO audit_event (subject, number, prev, hash, body, at, actor, action) "
        "VALUES ('s', 1, '', sha256(''), '', now(), 'a', 'a')",
    )
    refused(url, "UPDATE audit_event SET actor = 'x'")
    refused(url, "DELETE FROM audit_event")
    refused(url, "INSERT INTO audit_head VALUES ('s', 1, '')")
    refused(url, "UPDATE audit_head SET number = 1")


def test_the_worker_speaks_for_no_person_and_the_api_not_for_the_service(urls: Urls) -> None:
    append = "SELECT audit_append(%s, %s, 'draft.authorise', 36, NULL, '{}', NULL)"
    subject = f"test:{uuid4()}"
    assert "cannot record" in refused(urls.worker, append, subject, "https://identity.test|olivia")
    assert "cannot record" in refused(urls.api, append, subject, "service")
    with psycopg.connect(urls.worker) as connection, pytest.raises(psycopg.errors.NotNullViolation):
        connection.execute(append, (subject, None))
    with psycopg.connect(urls.worker) as connection:
        connection.execute(append, (subject, "service"))
    with psycopg.connect(urls.api) as connection:
        connection.execute(append, (subject, "https://identity.test|olivia"))


def test_a_stamp_given_by_a_process_is_refused(urls: Urls) -> None:
    refused(urls.api, "INSERT INTO outbox (kind, subject_id, created_at) VALUES ('draft', gen_random_uuid(), '2020-01-01')")


async def test_an_account_is_connected_only_by_what_two_people_said_in_the_same_transaction(
    urls: Urls, database: Database
) -> None:
    """One administrator alone cannot, whatever statements the api is brought to make."""
    first, second = await new_person(database, "account_manager"), await new_person(database, "account_manager")
    account, proposal = uuid4(), uuid4()
    ask = (
        "INSERT INTO proposal (id, kind, subject, detail, reason, asked_by, good_until) "
        "VALUES (%s, 'account.connect', %s, %s, 'r', %s, now() + interval '1 hour')"
    )
    detail = Jsonb({"platform_account_id": "1"})
    with psycopg.connect(urls.api, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO account (id, platform, handle, name, owner_team, releaser) VALUES (%s, 'manual', 'h', 'n', 't', %s)",
            (account, first.id),
        )
        connection.execute(ask, (proposal, f"account:{account}", detail, first.id))
        for _ in range(2):
            # First nobody confirmed it; then somebody did, but in another transaction than the act.
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="second person"):
                connection.execute("SELECT connect_account(%s)", (proposal,))
            connection.execute(
                "UPDATE proposal SET confirmed_by = %s WHERE id = %s AND confirmed_by IS NULL", (second.id, proposal)
            )
        again = uuid4()
        connection.execute(ask, (again, f"account:{account}", detail, first.id))
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("UPDATE proposal SET confirmed_by = %s WHERE id = %s", (first.id, again))
        with connection.transaction():
            connection.execute("UPDATE proposal SET confirmed_by = %s WHERE id = %s", (second.id, again))
            connection.execute("SELECT connect_account(%s)", (again,))
    (row,) = as_admin(urls, "SELECT status, platform_account_id, revision FROM account WHERE id = %s", account)
    assert tuple(row.values()) == ("connected", "1", 2)


def test_the_api_registers_an_account_and_says_nothing_of_its_status_or_platform_id(urls: Urls) -> None:
    refused(
        urls.api,
        "INSERT INTO account (id, platform, handle, name, owner_team, status) VALUES (%s, 'x', 'h', 'n', 't', 'connected')",
        uuid4(),
    )
    refused(
        urls.api,
        "INSERT INTO account (id, platform, handle, name, owner_team, platform_account_id) VALUES (%s, 'x', 'h', 'n', 't', '1')",
        uuid4(),
    )
    for column in ("status", "platform_account_id", "revision", "handle", "server"):
        for url in (urls.api, urls.worker):
            refused(url, f"UPDATE account SET {column} = {column}")  # noqa: S608
