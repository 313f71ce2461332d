"""One publication's next steps and evidence in the shapes that pages show."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.domain.publication import State
from core.use_cases.correcting import Correction
from core.use_cases.next_steps import NextSteps
from core.use_cases.record import PublicationView
from core.use_cases.resolving import Act
from core.use_cases.unresolved import Evidence, FoundPost, Removal, Said
from web.draft_views import Entry, Fact
from web.evidence_views import seen_in_words
from web.when import london
from web.words import account_on, label_of


@dataclass(frozen=True)
class Choice:
    """What the page says of an act that two people decide: its title, what it does, and the risk that remains."""

    title: str
    link: str
    button: str
    done: str
    sentences: tuple[str, ...]
    warning: str = ""


CHOICES: dict[Act, Choice] = {
    Act.RESEND: Choice(
        "Send it again",
        "Ask to send it again",
        "Ask a second person to send it again",
        "It is being sent again.",
        ("It is sent once more, as it was authorised, inside its window.",),
        "If the first one stands after all, readers will see the post twice. That the service has not found it is no proof: "
        "look at the account yourself first.",
    ),
    Act.ABANDON: Choice(
        "Give it up",
        "Ask to give it up",
        "Ask a second person to give it up",
        "It is given up and will not be sent again.",
        ("It is never sent again. If it stands on the platform after all, nobody here will know it as authorised.",),
        "Look at the account yourself first: what stands there stays there.",
    ),
    Act.ADOPT: Choice(
        "This post is ours",
        "Name the post",
        "Ask a second person to confirm that it is ours",
        "The post is read back and compared with what was authorised.",
        ("You name the post on the platform that this one became. It is read back and compared before it counts as published.",),
    ),
    Act.ACCEPT: Choice(
        "Accept the difference",
        "Ask to let it stand",
        "Ask a second person to let it stand",
        "It stands as it is. The difference stays on the record.",
        ("What stands on the platform differs from what was authorised. You say that it may stand as it is.",),
    ),
    Act.REMOVED: Choice(
        "It is gone",
        "Ask to record that it is gone",
        "Ask a second person to confirm that it is gone",
        "It is recorded as taken down.",
        ("You looked on the platform, and the post is not there any more.",),
    ),
}

_SAID = {
    "take_down": "Asked to take it down",
    "give_up": "Gave it up",
    "posted": "Said that it was posted",
    "not_posted": "Said that it was not posted",
    "seen_same": "Compared it: the same as authorised",
    "seen_different": "Compared it: it differs",
    "correct": "Wrote a correction",
    **{str(act): f"Asked: {choice.title.lower()}" for act, choice in CHOICES.items()},
}
# Acts that lead to a page of their own, in the order they are offered; the others are asked for (CHOICES).
_PAGES = (
    ("post", "Post it and give its link", "/publications/{id}/release"),
    ("compare", "Compare what was posted", "/publications/{id}/release"),
    ("reschedule", "Give it a new time", "/drafts/{draft}/reschedule"),
    ("submit", "Check and submit it again", "/drafts/{draft}/check"),
    ("withdraw", "Withdraw it", "/drafts/{draft}/withdraw"),
    ("give_up", "Give it up", "/publications/{id}/act/give-up"),
    ("take_down", "Take it down", "/publications/{id}/act/take-down"),
)


def steps_view(steps: NextSteps, draft_id: UUID) -> dict[str, Any]:
    """What can be done about it now, and what waits for a second person."""
    here = f"/publications/{steps.publication_id}"
    links = [
        {"text": text, "href": path.format(id=steps.publication_id, draft=draft_id)}
        for act, text, path in _PAGES
        if act in steps.acts
    ]
    links += [{"text": choice.link, "href": f"{here}/ask/{act}"} for act, choice in CHOICES.items() if act in steps.acts]
    waiting = [
        {
            "text": f"{one.proposal.asked_by_name} asked: {CHOICES[one.act].title.lower()}. Why: {one.proposal.reason}",
            "href": f"{here}/proposals/{one.proposal.id}",
        }
        for one in steps.waiting
    ]
    return {
        "sentence": steps.sentence,
        "links": links,
        "waiting": waiting,
        "cannot": steps.cannot,
        "correct": f"{here}/correct" if "correct" in steps.acts else None,
    }


def evidence_view(found: Evidence, corrections: tuple[Correction, ...], state: State) -> dict[str, Any]:
    return {
        "unexpected": found.unexpected,
        "looks": [
            {"at": look.at, "sentence": look.sentence, "posts": [_post(post) for post in look.found]} for look in found.looks
        ],
        "removals": [_removal(one) for one in found.removals],
        "corrections": [
            {"href": f"/drafts/{one.draft_id}", "text": one.purpose, "by": f"{one.by}, {london(one.at)}"} for one in corrections
        ],
        "open": state in (State.UNKNOWN, State.MISMATCH, State.REMOVAL_UNKNOWN),
    }


def said_entries(found: Evidence) -> list[Entry]:
    """What people asked of it, for the timeline."""
    return [_said(one) for one in found.said]


def _said(one: Said) -> Entry:
    kind = one.kind.removeprefix("publication.")
    people = one.by + (f" and {one.confirmed_by}" if one.confirmed_by else "")
    more = [one.reason, f"The service: {one.result.replace('_', ' ')}." if one.result else "", one.note]
    words = " ".join(part for part in more if part)
    return Entry(
        one.at, _SAID.get(kind, kind.replace("_", " ").capitalize()), people, words, one.link if _web(one.link) else None
    )


def _web(link: str | None) -> bool:
    return bool(link) and str(link).startswith("https://")


def _post(post: FoundPost) -> dict[str, Any]:
    means = (
        "It is another publication’s." if post.taken else " ".join(post.differences) or "It is the same as what was authorised."
    )
    return {
        "text": post.text,
        "at": post.at,
        "means": means,
        "href": post.permalink if _web(post.permalink) else None,
        "id": post.post_id,
    }


def _removal(one: Removal) -> dict[str, Any]:
    return {"at": one.at, "post": one.post_id, "stood": seen_in_words(one.stood), "answers": one.answers}


def caption_of(record: PublicationView) -> str:
    return f"{record.purpose}: {account_on(record.account, record.platform)}"


def facts_of(record: PublicationView) -> list[Fact]:
    label = label_of(record.state)
    calls = {attempt.dispatched_at for attempt in record.attempts}
    sent = f"{len(calls)}, the last on {london(record.attempts[-1].dispatched_at)}" if record.attempts else "None"
    facts = [Fact("Now", f"{label.text}. {label.means}"), Fact("Calls to the platform", sent)]
    return [*facts, Fact("Note", record.note)] if record.note else facts
