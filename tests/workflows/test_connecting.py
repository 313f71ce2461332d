"""Connecting an account: one person consents, another confirms; what the browser brought rests nowhere."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.domain.refusals import BadInput, NoRole, StepUpNeeded
from core.records.consents import Taken
from core.use_cases.account_changes import (
    ConsentGone,
    HandleDiffers,
    OtherAccount,
    ask_to_disconnect,
    confirm_connect,
    confirm_disconnect,
    take_back_account_proposal,
)
from core.use_cases.accounts import AccountTaken, register_account
from core.use_cases.connecting import receive_code
from core.use_cases.consent_refusals import ConsentRefused
from core.use_cases.emergency import disconnect_everything, tokens_left, what_became_of_tokens
from core.use_cases.second_person import AskerMayNoMore, NothingToConfirm, SecondPersonNeeded
from integrations.connections.base import FoundAccount
from integrations.platforms.values import NoAccess
from tests.integrations.connections.harness import consent
from tests.kit import Urls, new_person
from tests.workflows.safe import BROWSER, Safe, open_safe, platforms
from workflows.connecting import shown

pytestmark = [pytest.mark.anyio, pytest.mark.database]

WITH_TOKENS = ("x", "facebook", "linkedin", "mastodon", "bluesky")


@pytest.fixture
def names() -> tuple[str, ...]:
    return ("x",)


@pytest.fixture
async def safe(urls: Urls, tmp_path: Path, names: tuple[str, ...]) -> AsyncIterator[Safe]:
    with platforms(tmp_path, *names) as there:
        async with open_safe(urls, tmp_path, there) as opened:
            yield opened


def on(*wanted: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("names", [(name,) for name in wanted], ids=list(wanted))


@on(*WITH_TOKENS)
async def test_two_people_connect_an_account_and_its_token_works(safe: Safe) -> None:
    (platform,) = safe.there
    account_id = await safe.registered(platform)
    seen = await safe.found(account_id)
    assert (seen.status, [one.handle for one in seen.found]) == ("found", ["DeptExample"])
    proposal = await safe.asked(account_id, seen)
    assert (await safe.account(account_id)).status == "registered"
    with pytest.raises(NoAccess):
        await safe.tokens.token_for(account_id)
    await safe.confirmed(proposal)
    account = await safe.account(account_id)
    assert (account.status, account.revision, account.platform_account_id) == ("connected", 2, seen.found[0].platform_account_id)
    token = await safe.tokens.token_for(account_id)
    assert len(token) > 10
    await safe.refreshing.look_after_health()
    assert (await safe.account(account_id)).can_post
    assert safe.events(account_id)[-2:] == ["account.connect.confirm", "account.connected"]


async def test_nobody_confirms_what_they_asked_for(safe: Safe) -> None:
    account_id = await safe.registered("x")
    proposal = await safe.asked(account_id, await safe.found(account_id))
    now = datetime.now(UTC)
    with pytest.raises(SecondPersonNeeded):
        async with safe.api.transaction() as session:
            await confirm_connect(session, by=safe.marcus, authenticated_at=now, proposal_id=proposal)
    officer = await new_person(safe.api, "officer")
    with pytest.raises(NoRole):
        async with safe.api.transaction() as session:
            await confirm_connect(session, by=officer, authenticated_at=now, proposal_id=proposal)
    with pytest.raises(StepUpNeeded):
        async with safe.api.transaction() as session:
            await confirm_connect(session, by=safe.grace, authenticated_at=None, proposal_id=proposal)
    assert (await safe.account(account_id)).status == "registered"


async def test_what_the_browser_brought_is_deleted_as_it_is_taken(safe: Safe) -> None:
    account_id = await safe.registered("x")
    assert (await safe.found(account_id)).status == "found"
    assert safe.rows("SELECT * FROM connection_secret") == []


async def test_a_consent_serves_its_own_person_in_their_own_browser_once(safe: Safe) -> None:
    account_id = await safe.registered("x")
    begun = await safe.begun(account_id)
    back = await consent(begun.address, decision="allow")
    for by, browser, answer in (
        (safe.grace, BROWSER, back),
        (safe.marcus, "another browser", back),
        (safe.marcus, BROWSER, {**back, "state": "guessed"}),
        (safe.marcus, BROWSER, {"code": back["code"]}),
    ):
        with pytest.raises(ConsentRefused):
            async with safe.api.transaction() as session:
                await receive_code(session, by=by, browser=browser, answer=answer)
    async with safe.api.transaction() as session:
        await receive_code(session, by=safe.marcus, browser=BROWSER, answer=back)
    with pytest.raises(ConsentRefused):
        async with safe.api.transaction() as session:
            await receive_code(session, by=safe.marcus, browser=BROWSER, answer=back)


async def test_a_consent_that_took_too_long_is_not_taken_and_its_secrets_go(safe: Safe) -> None:
    begun = await safe.begun(await safe.registered("x"))
    back = await consent(begun.address, decision="allow")
    safe.rows("UPDATE connection SET begun_at = now() - interval '12 minutes'")
    safe.rows("UPDATE connection_secret SET sealed_at = now() - interval '12 minutes'")
    with pytest.raises(ConsentRefused):
        async with safe.api.transaction() as session:
            await receive_code(session, by=safe.marcus, browser=BROWSER, answer=back)
    await safe.connecting.tidy()
    assert safe.rows("SELECT * FROM connection_secret") == []
    assert (await safe.connection(begun.connection_id)).status == "ended"


async def test_who_says_no_at_the_platform_is_told_and_nothing_is_kept(safe: Safe) -> None:
    begun = await safe.begun(await safe.registered("x"))
    back = await consent(begun.address, decision="deny")
    with pytest.raises(BadInput, match="did not allow"):
        async with safe.api.transaction() as session:
            await receive_code(session, by=safe.marcus, browser=BROWSER, answer=back)
    assert [row["purpose"] for row in safe.rows("SELECT purpose FROM connection_secret")] == ["verifier"]


async def test_a_code_that_the_platform_does_not_take_is_a_sentence(safe: Safe) -> None:
    safe.there["x"].switch(code_expires_in=0.001)
    seen = await safe.found(await safe.registered("x"))
    assert seen.status == "failed"
    assert "connect again" in seen.note
    assert safe.rows("SELECT * FROM token") == []


async def test_a_consent_that_was_interrupted_is_said_so(safe: Safe) -> None:
    begun = await safe.begun(await safe.registered("x"))
    safe.rows("UPDATE connection SET status = 'exchanging', moved_at = now() - interval '3 minutes'")
    await safe.connecting.tidy()
    seen = await safe.connection(begun.connection_id)
    assert (seen.status, "interrupted" in seen.note) == ("failed", True)


async def test_tokens_that_were_taken_back_are_revoked_and_destroyed(safe: Safe) -> None:
    account_id = await safe.registered("x")
    seen = await safe.found(account_id)
    proposal = await safe.asked(account_id, seen)
    await safe.connecting.tidy()
    assert (await safe.connection(seen.id)).status == "found", "while it waits for a second person it is kept"
    async with safe.api.transaction() as session:
        await take_back_account_proposal(session, by=safe.grace, proposal_id=proposal)
    await safe.connecting.tidy()
    assert await safe.refreshing.let_go_of_one()
    assert safe.rows("SELECT * FROM token") == []
    assert [row["live"] for row in safe.there["x"].tokens("access")] == [False]
    assert (await safe.connection(seen.id)).status == "ended"


@pytest.mark.parametrize("asked_for", [True, False])
async def test_a_consent_that_nobody_confirms_in_time_is_over(safe: Safe, asked_for: bool) -> None:
    account_id = await safe.registered("x")
    seen = await safe.found(account_id)
    proposal = await safe.asked(account_id, seen) if asked_for else None
    safe.rows("ALTER TABLE proposal DISABLE TRIGGER proposal_is_answered_once")
    safe.rows("UPDATE proposal SET good_until = now() - interval '1 second'")
    safe.rows("ALTER TABLE proposal ENABLE TRIGGER proposal_is_answered_once")
    safe.rows("UPDATE connection SET moved_at = now() - interval '61 minutes'")
    await safe.connecting.tidy()
    await safe.refreshing.let_go_of_one()
    assert safe.rows("SELECT * FROM token") == []
    if proposal is None:
        with pytest.raises(ConsentGone):
            await safe.asked(account_id, seen)


@on("facebook")
async def test_one_of_several_pages_is_chosen_and_the_others_tokens_are_destroyed(safe: Safe) -> None:
    account_id = await safe.registered("facebook", "OfficeExample")
    seen = await safe.found(account_id, accounts=("1001", "1002", "1003"))
    assert [one.platform_account_id for one in seen.found] == ["1001", "1002"]
    with pytest.raises(BadInput, match="Choose"):
        await safe.asked(account_id, seen)
    await safe.confirmed(await safe.asked(account_id, seen, "1002"))
    while await safe.refreshing.let_go_of_one():
        pass
    assert [row["platform_account_id"] for row in safe.rows("SELECT platform_account_id FROM token")] == ["1002"]
    # Taking the other Page's token back would have ended the whole consent.
    assert all(row["live"] for row in safe.there["facebook"].tokens("page"))
    assert (await safe.account(account_id)).platform_account_id == "1002"


@on("facebook")
async def test_disconnecting_one_page_leaves_another_of_the_same_consent_alone(safe: Safe) -> None:
    first, second = await safe.registered("facebook"), await safe.registered("facebook", "OfficeExample")
    for account_id, page in ((first, "1001"), (second, "1002")):
        seen = await safe.found(account_id, accounts=("1001", "1002"))
        await safe.confirmed(await safe.asked(account_id, seen, page))
    await safe.disconnected(first)
    while await safe.refreshing.let_go_of_one():
        pass
    assert [row["platform_account_id"] for row in safe.rows("SELECT platform_account_id FROM token")] == ["1002"]
    assert any(row["live"] for row in safe.there["facebook"].tokens("page"))
    await safe.disconnected(second)
    while await safe.refreshing.let_go_of_one():
        pass
    assert not any(row["live"] for row in safe.there["facebook"].tokens("page"))


async def test_an_account_is_the_one_that_was_registered(safe: Safe) -> None:
    account_id = await safe.registered("x", "SomebodyElse")
    seen = await safe.found(account_id)
    with pytest.raises(HandleDiffers, match="SomebodyElse"):
        await safe.asked(account_id, seen)


async def test_reconnecting_takes_the_same_account_and_replaces_its_token(safe: Safe) -> None:
    account_id = await safe.connected("x")
    before = await safe.tokens.token_for(account_id)
    seen = await safe.found(account_id)
    await safe.confirmed(await safe.asked(account_id, seen))
    assert await safe.tokens.token_for(account_id) != before
    assert (await safe.account(account_id)).revision == 3
    while await safe.refreshing.let_go_of_one():
        pass
    assert len(safe.rows("SELECT * FROM token")) == 1
    other = await safe.found(account_id, accounts=("1002",))
    with pytest.raises(OtherAccount):
        await safe.asked(account_id, other)


async def test_one_account_of_a_platform_is_in_the_register_once(safe: Safe) -> None:
    await safe.connected("x")
    with pytest.raises(AccountTaken):
        await safe.registered("x", "@deptEXAMPLE")
    safe.rows("UPDATE account SET handle = 'Renamed' WHERE handle = 'DeptExample'")
    again = await safe.registered("x")
    seen = await safe.found(again)
    with pytest.raises(AccountTaken):
        await safe.asked(again, seen)


@on("bluesky")
async def test_one_bluesky_account_is_connected_by_one_server_alone(safe: Safe) -> None:
    first = await safe.connected("bluesky")
    safe.rows("UPDATE account SET server = 'https://other.example' WHERE id = %s", first)
    again = await safe.registered("bluesky")
    seen = await safe.found(again)
    with pytest.raises(AccountTaken):
        await safe.asked(again, seen)
    safe.rows("UPDATE account SET status = 'disconnected' WHERE id = %s", first)
    proposal = await safe.asked(again, seen)
    safe.rows("UPDATE account SET status = 'connected' WHERE id = %s", first)
    with pytest.raises(AccountTaken):
        await safe.confirmed(proposal)


async def test_an_emergency_ends_what_waits_for_a_yes_and_revokes_its_tokens(safe: Safe) -> None:
    account_id = await safe.registered("x")
    seen = await safe.found(account_id)
    proposal = await safe.asked(account_id, seen)
    async with safe.api.transaction() as session:
        silenced = await disconnect_everything(session, by="operator|root|Marcus", reason="Keys were stolen.")
        assert account_id not in {one.id for one in silenced}
        assert account_id in await tokens_left(session)
    with pytest.raises(NothingToConfirm):
        await safe.confirmed(proposal)
    assert await safe.refreshing.let_go_of_one()
    assert safe.rows("SELECT * FROM token") == []
    assert not any(row["live"] for row in safe.there["x"].tokens())


async def test_an_emergency_ends_what_was_asked_for_an_account_that_is_posted_to_by_hand(safe: Safe) -> None:
    given = {"by": safe.marcus, "platform": "manual", "handle": "@dept", "name": "Department", "owner_team": "Press"}
    async with safe.api.transaction() as session:
        account_id = await register_account(session, **given, official=True, releaser_id=safe.grace.id)  # type: ignore[arg-type]
    proposal = await safe.asked(account_id, None, "dept")
    async with safe.api.transaction() as session:
        await disconnect_everything(session, by="operator|root|Marcus", reason="Keys were stolen.")
    with pytest.raises(NothingToConfirm):
        await safe.confirmed(proposal)
    await safe.confirmed(await safe.asked(account_id, None, "dept"))


@on("x", "mastodon", "bluesky", "linkedin")
async def test_what_comes_after_an_emergency_is_given_back_to_the_platform(safe: Safe, monkeypatch: pytest.MonkeyPatch) -> None:
    (platform,) = safe.there
    account_id, exchanged = await safe.registered(platform), safe.connecting._exchanged

    async def then_an_emergency(taken: Taken) -> tuple[FoundAccount, ...]:
        found = await exchanged(taken)
        assert any(row["live"] for row in safe.there[platform].tokens())
        async with safe.api.transaction() as session:
            await disconnect_everything(session, by="operator|root|Marcus", reason="Keys were stolen.")
        return found

    monkeypatch.setattr(safe.connecting, "_exchanged", then_an_emergency)
    assert (await safe.found(account_id)).status == "ended"
    for _ in range(100):
        if not any(row["live"] for row in safe.there[platform].tokens()):
            break
        await asyncio.sleep(0.05)
    assert not any(row["live"] for row in safe.there[platform].tokens())
    assert (
        safe.rows("SELECT 1 FROM token t JOIN connection c ON c.id = t.connection_id WHERE c.account_id = %s", account_id) == []
    )


async def test_nobody_connects_or_disconnects_with_somebody_who_lost_the_role(safe: Safe) -> None:
    account_id = await safe.registered("x")
    proposal = await safe.asked(account_id, await safe.found(account_id))
    safe.rows("UPDATE person SET roles = '{officer}' WHERE id = %s", safe.marcus.id)
    with pytest.raises(AskerMayNoMore):
        await safe.confirmed(proposal)
    assert (await safe.account(account_id)).status == "registered"
    safe.rows("UPDATE person SET roles = '{account_manager}' WHERE id = %s", safe.marcus.id)
    await safe.confirmed(proposal)
    now = datetime.now(UTC)
    async with safe.api.transaction() as session:
        leave = await ask_to_disconnect(session, by=safe.marcus, authenticated_at=now, account_id=account_id, reason="Closed.")
    safe.rows("UPDATE person SET roles = '{}' WHERE id = %s", safe.marcus.id)
    with pytest.raises(AskerMayNoMore):
        async with safe.api.transaction() as session:
            await confirm_disconnect(session, by=safe.grace, authenticated_at=now, proposal_id=leave)


async def test_disconnecting_takes_two_and_the_token_is_revoked_and_destroyed(safe: Safe) -> None:
    account_id = await safe.connected("x")
    await safe.disconnected(account_id)
    account = await safe.account(account_id)
    assert (account.status, account.revision, account.can_post) == ("disconnected", 3, False)
    with pytest.raises(NoAccess):
        await safe.tokens.token_for(account_id)
    assert await safe.refreshing.let_go_of_one()
    assert safe.rows("SELECT * FROM token") == []
    assert not any(row["live"] for row in safe.there["x"].tokens())
    assert safe.events(account_id)[-1] == "account.token_destroyed"
    seen = await safe.found(account_id)
    await safe.confirmed(await safe.asked(account_id, seen))
    assert await safe.tokens.token_for(account_id)


@pytest.mark.parametrize("names", [()])
async def test_a_manual_account_names_who_releases_and_takes_two_people(safe: Safe) -> None:
    given = {"by": safe.marcus, "platform": "manual", "handle": "Notice board", "name": "Lobby", "owner_team": "Comms"}
    with pytest.raises(BadInput, match="posts by hand"):
        async with safe.api.transaction() as session:
            await register_account(session, **given, official=True)  # type: ignore[arg-type]
    async with safe.api.transaction() as session:
        account_id = await register_account(session, **given, official=True, releaser_id=safe.grace.id)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="nothing to consent"):
        await safe.begun(account_id)
    await safe.confirmed(await safe.asked(account_id, None))
    account = await safe.account(account_id)
    assert (account.status, account.releaser) == ("connected", "Grace Obi")
    await safe.refreshing.look_after_health()
    assert (await safe.account(account_id)).can_post


async def test_in_an_emergency_one_named_person_disconnects_everything_and_the_tokens_are_taken_back(safe: Safe) -> None:
    account_id = await safe.connected("x")
    waiting = await safe.found(account_id)
    proposal = await safe.asked(account_id, waiting)
    for by, reason in (("", "Our tokens were stolen."), ("operator|root|Marcus Bell", " ")):
        with pytest.raises(BadInput, match="--by"):
            async with safe.api.transaction() as session:
                await disconnect_everything(session, by=by, reason=reason)
    async with safe.api.transaction() as session:
        silenced = await disconnect_everything(session, by="operator|root|Marcus Bell", reason="Our tokens were stolen.")
    assert account_id in {one.id for one in silenced}
    assert safe.rows("SELECT 1 FROM account WHERE status = 'connected'") == []
    with pytest.raises(NothingToConfirm):
        await safe.confirmed(proposal)
    async with safe.api.transaction() as session:
        assert await tokens_left(session) == {account_id}
    while await safe.refreshing.let_go_of_one():
        pass
    async with safe.api.transaction() as session:
        assert await tokens_left(session) == frozenset()
        assert "revoked at the platform" in await what_became_of_tokens(session, account_id)
    assert not any(row["live"] for row in safe.there["x"].tokens())
    (event,) = safe.rows(
        "SELECT actor FROM audit_event WHERE action = 'account.disconnected_in_emergency' AND subject = %s",
        f"account:{account_id}",
    )
    assert event["actor"] == "operator|root|Marcus Bell"


async def test_only_official_accounts_are_registered_and_only_by_account_managers(safe: Safe) -> None:
    officer = await new_person(safe.api, "officer")
    given = {"platform": "x", "handle": "h", "name": "n", "owner_team": "t"}
    for by, official, refusal in ((officer, True, NoRole), (safe.marcus, False, BadInput)):
        with pytest.raises(refusal):
            async with safe.api.transaction() as session:
                await register_account(session, by=by, official=official, **given)  # type: ignore[arg-type]
    for missing in ("platform", "handle", "name", "owner_team"):
        with pytest.raises(BadInput) as refused:
            async with safe.api.transaction() as session:
                await register_account(session, by=safe.marcus, official=True, **{**given, missing: " "})  # type: ignore[arg-type]
        assert refused.value.field == missing


def test_a_platforms_names_are_short_and_reorder_nothing() -> None:
    assert shown("Dept\x00 of \u202eExamples\u2066\n") == "Dept of Examples"
    assert shown("Zoë 👩‍👩‍👧 日本") == "Zoë 👩‍👩‍👧 日本"
    assert len(shown("a" * 1_000_000)) == 200


@pytest.mark.parametrize(("field", "status"), [("name", "found"), ("platform_account_id", "failed")])
async def test_odd_names_are_shown_plainly_and_odd_ids_connect_nothing(
    safe: Safe, monkeypatch: pytest.MonkeyPatch, field: str, status: str
) -> None:
    exchanged = safe.connecting._exchanged

    async def oddly(taken: Taken) -> tuple[FoundAccount, ...]:
        return tuple(replace(one, **{field: "1001\x00\u202e"}) for one in await exchanged(taken))  # type: ignore[arg-type]

    monkeypatch.setattr(safe.connecting, "_exchanged", oddly)
    seen = await safe.found(await safe.registered("x"))
    assert (seen.status, [one.name for one in seen.found]) == (status, ["1001"] if status == "found" else [])
