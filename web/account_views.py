"""An account of the register in words: can the service post there, until when, and what is near."""

from datetime import datetime
from typing import Any

from core.use_cases.accounts import AccountSeen
from core.use_cases.alarms import Watch
from web.draft_views import Fact
from web.when import from_now, london
from web.words import Label, account_on

_STATUS = {
    "registered": Label(
        "Not connected yet", "yellow", "It is in the register. Two people must connect it before anything is posted."
    ),
    "connected": Label("Connected", "green", "The service can post here what was authorised."),
    "disconnected": Label("Disconnected", "grey", "Nothing is posted here."),
}
_TROUBLED = Label("Cannot post", "red", "It is connected, and the service cannot post there now.")
# Between the second person's yes and the worker's next look, a second later: nothing is wrong yet.
_CHECKING = Label("Being checked", "turquoise", "It is connected. The service is finding out whether it can post there.")
_BY_HAND = Label("Connected", "green", "What was authorised for it goes to the person named below, who posts it by hand.")

PROPOSALS = {"account.connect": "Connect it", "account.disconnect": "Disconnect it"}


def status_of(account: AccountSeen) -> Label:
    if account.status == "connected" and account.kind == "by_hand":
        return _BY_HAND
    if account.status == "connected" and not account.can_post:
        return _TROUBLED if account.problem else _CHECKING
    return _STATUS.get(account.status, Label(account.status.capitalize(), "grey", ""))


def warning_of(account: AccountSeen, now: datetime) -> str | None:
    """What somebody should do soon, 14, 7 and 1 days ahead; or now, where nothing can be posted."""
    if account.status != "connected":
        return None
    if not account.can_post:
        return account.problem or None
    if account.warned_days is not None and account.ends_at is not None:
        return (
            f"Connect it again before {london(account.ends_at)} ({from_now(account.ends_at, now)}): after that nothing is posted."
        )
    return None


def account_facts(account: AccountSeen) -> list[Fact]:
    facts = [
        Fact("Platform", account.platform_label + (f", {account.server}" if account.server else "")),
        Fact("Where it is posted" if account.kind == "by_hand" else "Name on the platform", account.handle),
        Fact("Owner", account.owner_team),
    ]
    if account.platform_account_id and account.kind != "by_hand":
        facts.append(Fact("The platform’s number for it", account.platform_account_id))
    if account.kind == "by_hand":
        facts.append(Fact("Posts by hand", account.releaser or "Nobody is named"))
    return facts


def health_facts(account: AccountSeen) -> list[Fact]:
    """Can we post, until when, and when it last worked."""
    if account.status != "connected" or account.kind == "by_hand":
        return []
    cannot = f"No. {account.problem}" if account.problem else "Being checked"
    facts = [Fact("Can we post?", "Yes" if account.can_post else cannot)]
    if account.can_post:
        until = london(account.ends_at) if account.ends_at else "No end: the service renews it by itself"
        facts.append(Fact("Until when", until))
    if account.expires_at:
        facts.append(Fact("The token in use", f"valid until {london(account.expires_at)}; the service renews it before"))
    for name, at in (
        ("Last posted or read", account.last_success_at),
        ("Last checked", account.last_checked_at),
        ("Last renewed", account.last_refresh_at),
    ):
        if at is not None:
            facts.append(Fact(name, london(at)))
    return facts


def watch_facts(watch: Watch) -> list[Fact]:
    """How soon a post that nobody here authorised would be seen."""
    facts = [
        Fact("Its posts are read", f"every {watch.every_seconds} seconds"),
        Fact("Last read", london(watch.seen_at) if watch.seen_at else "Not yet"),
    ]
    return [*facts, Fact("Trouble", watch.trouble)] if watch.trouble else facts


def account_row(account: AccountSeen, now: datetime) -> dict[str, Any]:
    facts = [("Owner", account.owner_team)]
    if account.last_success_at:
        facts.append(("Last posted or read", london(account.last_success_at)))
    if account.status == "connected" and account.ends_at:
        facts.append(("Until", london(account.ends_at)))
    return {
        "href": f"/accounts/{account.id}",
        "title": account_on(account.name, account.platform),
        "handle": account.handle,
        "status": status_of(account),
        "warning": warning_of(account, now),
        "waiting": "It waits for a second person." if account.waiting else None,
        "facts": facts,
    }
