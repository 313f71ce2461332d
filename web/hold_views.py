"""Holds in words, and in the shapes that pages show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.publication import State
from core.use_cases.following import SHOWN, Followed, Following
from core.use_cases.holding import Hold
from web.chrome import Notice
from web.draft_views import Fact, accounts_in_words
from web.when import london
from web.words import account_on, label_of, platform_name

TOLD_AHEAD = timedelta(hours=24)


@dataclass(frozen=True)
class Line:
    """One publication on a hold's page."""

    href: str
    title: str
    state: State
    text: str
    facts: tuple[tuple[str, str], ...]


def everything_on(platform: str) -> str:
    return "Everything posted by hand" if platform == "manual" else f"Everything on {platform_name(platform)}"


def held_in_words(hold: Hold) -> str:
    """Where nothing goes out: `anywhere`, `on X`, `on Department on X`, `of the draft “Jobs fair”`."""
    if hold.scope == "all":
        return "anywhere"
    if hold.scope == "platform":
        return f"on {platform_name(hold.target)}" if hold.target != "manual" else "by hand"
    if hold.scope == "account":
        return f"on {accounts_in_words([hold.name])}"
    return f"of the draft “{hold.name}”" if hold.name else "of one draft"


def span_in_words(hold: Hold) -> str:
    end = f"until {london(hold.ends_at)}" if hold.ends_at else "until two people lift it"
    return end if hold.stands else f"from {london(hold.starts_at)} {end}"


def title_of(hold: Hold) -> str:
    if hold.over:
        return f"A hold that is over: nothing went out {held_in_words(hold)}"
    return f"Nothing {'goes' if hold.stands else 'will go'} out {held_in_words(hold)}"


def hold_notices(holds: Sequence[Hold], now: datetime) -> tuple[Notice, ...]:
    """For every page, while a hold stands or begins within a day."""
    near = [hold for hold in holds if hold.stands or hold.starts_at - now <= TOLD_AHEAD]
    if not near:
        return ()
    if len(near) == 1:
        hold = near[0]
        sentence = f"{title_of(hold)} {span_in_words(hold)}: {hold.reason.rstrip('.')}."
        return (Notice("A hold stands" if hold.stands else "A hold begins soon", sentence, f"/holds/{hold.id}", "See the hold"),)
    standing = sum(hold.stands for hold in near)
    sentence = f"{standing} {'hold stands' if standing == 1 else 'holds stand'} now"
    sentence += f" and {len(near) - standing} will within a day." if standing < len(near) else "."
    return (Notice("Holds", sentence, "/holds", "See the holds"),)


def hold_facts(hold: Hold) -> list[Fact]:
    facts = [
        Fact("Reason", hold.reason),
        Fact("Placed by", f"{hold.placed_by}, {london(hold.placed_at)}"),
        Fact("Begins" if not hold.stands else "Began", london(hold.starts_at)),
        Fact("Ends", london(hold.ends_at) if hold.ends_at else "When two people lift it"),
    ]
    if hold.lifted_at:
        facts.append(Fact("Lifted", london(hold.lifted_at)))
    return facts


def flight_sentence(seen: Following) -> str:
    """What is to be said first about what was with a platform when the hold began."""
    if not seen.hold.stands:
        return "Nothing is followed before the hold begins."
    if not seen.in_flight:
        return "Nothing was with a platform when the hold began. Nothing was sent since."
    count, open_ = len(seen.in_flight), len(seen.unsettled)
    were = f"{'At least ' if count == SHOWN else ''}{count} {'post was' if count == 1 else 'posts were'}"
    if not open_:
        return f"{were} with a platform when the hold began. The outcome of {'it' if count == 1 else 'each'} is known."
    return f"{were} with a platform when the hold began. The outcome of {open_} is not known yet."


def followed_line(one: Followed) -> Line:
    facts = [("Account", account_on(one.account, one.platform)), ("Since", london(one.moved_at))]
    if one.was is not None and one.was is not one.state:
        facts.insert(1, ("When the hold began", label_of(one.was).text))
    return Line(f"/publications/{one.id}", one.purpose, one.state, label_of(one.state).means, tuple(facts))


def waiting_line(one: Followed) -> Line:
    facts = (("Account", account_on(one.account, one.platform)), ("Publish time", london(one.publish_at)))
    return Line(f"/publications/{one.id}", one.purpose, one.state, one.note or label_of(one.state).means, facts)
