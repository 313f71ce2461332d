"""What stands around every page: who is signed in, where they may go, whether delivery waits, what was just done."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.people import Person, Role
from core.use_cases.record import ServiceState
from web.when import span
from web.words import ROLES

# (words, address, roles that have a use for it); what a person may do is refused or allowed by the use-cases, not here.
_PLACES: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("For me", "/queue", frozenset({Role.AUTHORISER})),
    ("My drafts", "/drafts", frozenset({Role.OFFICER})),
    ("All waiting", "/queue/all", frozenset(Role)),
    ("Decided", "/queue/decided", frozenset(Role)),
    ("Needs a person", "/needs-a-person", frozenset(Role)),
    ("Stop all posts", "/holds", frozenset(Role)),
    ("Accounts", "/accounts", frozenset(Role)),
    ("Audit", "/audit", frozenset({Role.AUDITOR})),
)


@dataclass(frozen=True)
class Flash:
    """Said once at the top of the next page. `good` is a thing done; otherwise a thing to know."""

    sentence: str
    good: bool = True

    @property
    def title(self) -> str:
        return "Done" if self.good else "Important"


@dataclass(frozen=True)
class Notice:
    """What everybody must know while it is so, on every page: a hold that stands, an alarm nobody has answered."""

    title: str
    sentence: str
    href: str
    link: str


@dataclass(frozen=True)
class Delivery:
    """That what people did is not reaching the delivery engine, in a sentence and a detail."""

    sentence: str
    detail: str


@dataclass(frozen=True)
class Chrome:
    """Everything `layout.html` needs beside the page itself."""

    nonce: str
    viewer: str | None
    roles: str
    navigation: list[dict[str, str | bool]]
    flashes: tuple[Flash, ...]
    delivery: Delivery | None
    notices: tuple[Notice, ...]
    sandbox: bool
    version: str


def navigation(person: Person, path: str, counts: Mapping[str, int] | None = None) -> list[dict[str, str | bool]]:
    """The places this person has a use for; the one they are at is marked. `counts`: how much waits at an address."""
    known = counts or {}
    named = [(f"{text} ({known[href]})" if known.get(href) else text, href, roles) for text, href, roles in _PLACES]
    places = [(text, href) for text, href, roles in named if person.has(*roles)]
    here = max((href for _, href in places if path == href or path.startswith(f"{href}/")), key=len, default="")
    return [{"text": text, "href": href, "active": href == here, "current": href == path} for text, href in places]


def roles_in_words(person: Person) -> str:
    return " and ".join(words for role, words in ROLES.items() if role in person.roles) or "no role in this service"


def delivery_notice(state: ServiceState) -> Delivery | None:
    """The sentence for people when the engine does not answer; None while everything is delivered promptly."""
    if not state.delayed:
        return None
    detail = f"Oldest waiting: {span(state.waiting_for)}." if state.waiting_for else "Nothing is waiting now."
    return Delivery("The delivery engine is not answering. Decisions are kept and will be delivered when it returns.", detail)


def alarm_notices(count: int) -> tuple[Notice, ...]:
    """For those who own alarms, until each is answered."""
    if not count:
        return ()
    sentence = "An alarm waits for somebody’s answer." if count == 1 else f"{count} alarms wait for somebody’s answer."
    return (Notice("Alarm", sentence, "/alarms", "See what was found"),)
