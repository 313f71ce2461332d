"""What the decide, confirm and outcome pages show."""

from collections.abc import Sequence
from typing import Any

from core.domain.content import Rendition
from core.domain.prompts import PROMPTS
from core.domain.publication import BY_HAND
from core.domain.route import Answer
from core.domain.standing import Standing
from core.use_cases.lists import Waiting
from core.use_cases.looking import DraftView
from web.draft_views import Fact, changes_since, facts_in, history_in, previews_in, steps_in, targets, targets_by_line
from web.when import between, from_now, london
from web.words import platform_name

_BUTTONS = {
    Answer.AUTHORISE: ("Authorise", ""),
    Answer.ASK_FOR_CHANGES: ("Ask for changes", ""),
    Answer.REJECT: ("Reject", "govuk-button--warning"),
}


def decide_view(view: DraftView, before: tuple[int, tuple[Rendition, ...]] | None, *, link: str) -> dict[str, Any]:
    """Everything an authoriser judges, and the form where it is theirs to answer."""
    step = view.open_step
    facts = facts_in(view)
    facts[1] = Fact("Publish time", f"{london(view.publish_at)} ({from_now(view.publish_at, view.now)})")
    return {
        "caption": f"Waiting for: {step.label}" if step else "Draft",
        "facts": facts,
        "changed": _changed(view, before),
        "previews": previews_in(view),
        "steps": steps_in(view),
        "history": history_in(view),
        "can_decide": "decide" in view.may,
        "why_not": view.cannot_decide or "This step is not yours to decide.",
        "prompts": [{"value": p.key, "text": f"{p.statement} (paragraph {p.paragraph})"} for p in PROMPTS],
        "authorise_means": f"You authorise exactly this version for {targets(view)}.",
        "action": f"/drafts/{view.id}/decide",
        "digest": view.digest,
        "step": step.number if step else 0,
        "step_label": step.label if step else "",
        "link": link,
        "draft": f"/drafts/{view.id}",
    }


def _changed(view: DraftView, before: tuple[int, tuple[Rendition, ...]] | None) -> dict[str, Any] | None:
    if before is None:
        return None
    number, renditions = before
    lines = changes_since(renditions, view.previews)
    about = (
        f"Struck out is what version {number} said, underlined is what this version says. What is not listed did not change."
        if lines
        else "Nothing that would be published differs. The window, the purpose or the declarations may have changed: see above."
    )
    return {"heading": f"What changed since version {number}, the last you saw", "about": about, "lines": lines}


def audience(view: DraftView) -> str:
    """Who will be able to read it, in words."""
    platforms = {preview.account.platform for preview in view.previews}
    public = sorted(platform_name(platform) for platform in platforms - {BY_HAND})
    by_hand = "whoever reads the place where it is posted by hand"
    if not public:
        return by_hand.capitalize()
    named = " and ".join(filter(None, (", ".join(public[:-1]), public[-1])))
    return f"Everybody: public posts on {named}" + (f"; and {by_hand}" if BY_HAND in platforms else "")


def confirm_view(view: DraftView, answer: Answer, reason: str, name: str) -> dict[str, Any]:
    step = view.open_step
    text, classes = _BUTTONS[answer]
    facts = [
        Fact("Accounts", targets_by_line(view)),
        Fact("Audience", audience(view)),
        Fact("Publish time", london(view.publish_at)),
        Fact("Window", between(view.window.start, view.window.end)),
        Fact("Version", f"{view.version}, saved by {view.saved_by}"),
        Fact("You decide as", step.label if step else ""),
    ]
    if reason.strip():
        facts.append(Fact("Your reason", reason))
    return {
        "caption": view.purpose,
        "facts": facts,
        "digest": view.digest,
        "warning": f"This goes on the record under your name, {name} (paragraph 35). It cannot be taken back.",
        "action": f"/drafts/{view.id}/decide/confirm",
        "button": text,
        "button_classes": classes,
        "back": f"/drafts/{view.id}/decide",
    }


def outcome_view(view: DraftView, answer: Answer, step: str, queue: Sequence[Waiting]) -> dict[str, Any]:
    following = next((item for item in queue if item.draft_id != view.id), None)
    return {
        "under": f"as {step}",
        "purpose": view.purpose,
        "next": _next_sentences(view, answer),
        "next_item": following and {"title": following.purpose, "href": f"/drafts/{following.draft_id}/decide"},
        "nothing_next": "Nothing else waits for your decision.",
        "draft": f"/drafts/{view.id}",
        "queue": "/queue",
        "queue_text": "Back to what waits for me",
    }


def _next_sentences(view: DraftView, answer: Answer) -> list[str]:
    if answer is Answer.ASK_FOR_CHANGES:
        return ["The author sees your reason. A new version has to be submitted and authorised from the start."]
    if answer is Answer.REJECT:
        return ["It will not be published. The author sees your reason."]
    waiting = [step.step.label for step in view.steps if step.state in ("open", "later")]
    if view.standing is Standing.AWAITING and waiting:
        return [f"It still waits for: {', '.join(waiting)}. Nothing goes out before."]
    if view.standing is Standing.NEEDS_NEW_TIME:
        return ["Its publish time passed before it was authorised. The author must choose a new time inside the window."]
    if view.standing is Standing.AUTHORISED:
        return [f"Everybody required has authorised it. It is published on {london(view.publish_at)} on {targets(view)}."]
    return ["See the draft for where it stands now."]
