"""A draft's read model in the shapes that pages show: rows of facts, previews, what changed, history, steps."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from core.domain.content import Rendition
from core.domain.publication import BY_HAND
from core.domain.route import Answer
from core.domain.standing import Standing
from core.use_cases.looking import DraftView, StepView
from core.use_cases.looking import Preview as AccountPreview
from web.diff import word_diff
from web.previews import Preview, preview_of
from web.when import between, london
from web.words import account_on, digest_shortly, label_of


@dataclass(frozen=True)
class Fact:
    """One row of a summary list; `href` and `action` where something can be done about it."""

    name: str
    value: str | Markup
    href: str | None = None
    action: str = "Change"


@dataclass(frozen=True)
class Entry:
    """One line of a timeline."""

    at: datetime
    title: str
    by: str = ""
    text: str = ""
    link: str | None = None
    trouble: bool = False


@dataclass(frozen=True)
class ChangedLine:
    name: str
    diff: Markup


@dataclass(frozen=True)
class StepLine:
    label: str
    tag: str
    tag_classes: str
    text: str


def image_url(sha256: str) -> str:
    return f"/media/{sha256}"


def accounts_in_words(accounts: Iterable[str]) -> str:
    """`Name on platform` as the read models give it, with the platform's own spelling."""
    named = (account.rpartition(" on ") for account in accounts)
    return ", ".join(account_on(name, platform) if name else platform for name, _, platform in named)


def targets(view: DraftView) -> str:
    return accounts_in_words(f"{preview.account.name} on {preview.account.platform}" for preview in view.previews)


def targets_by_line(view: DraftView) -> Markup:
    """The same, one account under another."""
    return Markup("<br>").join(account_on(preview.account.name, preview.account.platform) for preview in view.previews)


def means_of(view: DraftView) -> str:
    """What its standing means for people; while a hold stands on what is yet to go out, that comes first."""
    if not view.holds or view.standing not in (Standing.AUTHORISED, Standing.AWAITING, Standing.PUBLISHING):
        return label_of(view.standing).means
    reasons = " ".join(reason.rstrip(".") + "." for reason in view.holds)
    return f"A hold stands, and nothing of it is sent until two people lift it: {reasons}"


def previews_in(view: DraftView) -> list[Preview]:
    return [
        preview_of(
            preview.rendition,
            name=preview.account.name,
            handle=preview.account.handle,
            at=view.publish_at,
            image_url=image_url,
            count=_count_of(preview),
        )
        for preview in view.previews
    ]


def _count_of(preview: AccountPreview) -> str:
    counted = f"{preview.used:,} of {preview.limit:,} characters."
    return counted if preview.account.platform == BY_HAND else f"{preview.platform_label} counts {counted}"


def facts_in(view: DraftView) -> list[Fact]:
    facts = [
        Fact("Accounts", targets_by_line(view)),
        Fact("Publish time", london(view.publish_at)),
        Fact("Window", between(view.window.start, view.window.end)),
        Fact("Version", f"{view.version}, saved by {view.saved_by}"),
    ]
    if view.submitted_at:
        facts.append(Fact("Submitted", london(view.submitted_at)))
    return facts


def history_in(view: DraftView) -> list[Entry]:
    """Versions, submissions, withdrawals and decisions, oldest first."""
    entries = [
        Entry(version.saved_at, f"Version {version.number} saved", version.saved_by, f"Digest {digest_shortly(version.digest)}")
        for version in view.versions
    ]
    entries += [Entry(it.at, f"Version {it.version} submitted for authorisation", it.by) for it in view.submissions]
    entries += [
        Entry(it.withdrawn_at, f"Version {it.version} withdrawn", it.withdrawn_by or "", it.reason or "")
        for it in view.submissions
        if it.withdrawn_at
    ]
    entries += [
        Entry(
            decision.at,
            f"{label_of(decision.answer).means.replace('this version', f'version {decision.version}')}, {decision.step_label}",
            decision.person,
            decision.reason,
            trouble=decision.answer is not Answer.AUTHORISE,
        )
        for decision in view.history
    ]
    return sorted(entries, key=lambda entry: entry.at)


def changes_since(before: tuple[Rendition, ...], previews: tuple[AccountPreview, ...]) -> list[ChangedLine]:
    """Per account, what changed between the renditions this person saw and those of now; accounts without change are left out."""
    old = {rendition.account_id: rendition for rendition in before}
    lines = []
    for preview in previews:
        name = account_on(preview.account.name, preview.account.platform)
        seen = old.pop(preview.rendition.account_id, None)
        if seen is None:
            lines.append(ChangedLine(f"{name}: a new account", word_diff("", _as_text(preview.rendition))))
        elif seen != preview.rendition:
            lines.append(ChangedLine(name, word_diff(_as_text(seen), _as_text(preview.rendition))))
    lines += [
        ChangedLine(f"{account_on('An account', gone.platform)} was taken out", word_diff(_as_text(gone), ""))
        for gone in old.values()
    ]
    return lines


def _as_text(rendition: Rendition) -> str:
    """Everything of a rendition that a person can read, line by line; an image is named by the first digits of its hash."""
    lines = [rendition.text]
    if rendition.target:
        answered = rendition.target
        lines.append(f"{answered.kind.capitalize()} of {answered.author} ({answered.permalink}): {answered.text}")
    if rendition.link:
        lines.append(f"Link: {rendition.link}")
    lines += [f"Image {n} ({image.sha256[:8]}): {image.alt}" for n, image in enumerate(rendition.images, start=1)]
    return "\n".join(lines)


# Once the submission has ended nobody is asked any more: open and later steps are then shown as stopped.
_ENDED = {Standing.CHANGES_ASKED, Standing.REJECTED, Standing.WITHDRAWN, Standing.EXPIRED}
_STEP_TAGS = {
    "met": ("Authorised", "govuk-tag--green"),
    "open": ("Waiting", "govuk-tag--yellow"),
    "later": ("Later", "govuk-tag--grey"),
}


def steps_in(view: DraftView) -> list[StepLine]:
    return [_step_line(step, ended=view.standing in _ENDED) for step in view.steps]


def _step_line(step: StepView, *, ended: bool) -> StepLine:
    asked = step.state in ("open", "later") and not ended
    shown = "stopped" if step.state in ("open", "later") and ended else step.state
    tag, classes = _STEP_TAGS.get(shown, ("Stopped", "govuk-tag--grey"))
    given = [decision.person for decision in step.decisions if decision.answer is Answer.AUTHORISE]
    parts = [f"{len(given)} of {step.step.quorum} authorised (paragraph {step.step.paragraph})."]
    if given:
        parts.append(f"Authorised by {', '.join(given)}.")
    if asked:
        waiting = [name for name in step.eligible if name not in given]
        parts.append(
            f"May decide: {', '.join(waiting)}." if waiting else "Nobody else may decide this step now. Tell the account manager."
        )
    return StepLine(step.step.label, tag, f"{classes} app-tag", " ".join(parts))
