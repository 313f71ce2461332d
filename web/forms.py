"""What people type into the write form, kept as typed, and read as a draft's source once all of it can be."""

import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from starlette.datastructures import FormData, UploadFile

from core.domain.content import Source, SourceImage, Window
from core.domain.refusals import AltTextMissing, BadInput, NoAccount, PurposeMissing, Several, WindowBackwards
from web.typed_times import TypedTime

MOST_IMAGES = 4


class ImageShelf(Protocol):
    """Where uploads go: cleaned and stored at once, so that none is lost when another field must be put right."""

    async def keep(self, raw: bytes) -> SourceImage:
        """Store an upload; its alt text is still empty. Raises BadInput for a file that is no acceptable image."""

    async def find(self, sha256: str) -> SourceImage | None:
        """A stored image by its SHA-256, None if there is none."""


@dataclass(frozen=True)
class TypedDraft:
    """The write form as typed. `slots` are the alt texts typed beside uploads that could not be kept; `target` is the capture
    asked for by the form before, of the post that this one answers; `target_again` asks for it anew."""

    window_start: TypedTime
    window_end: TypedTime
    publish: TypedTime
    purpose: str = ""
    text: str = ""
    overrides: tuple[tuple[str, str], ...] = ()
    link: str = ""
    account_ids: tuple[str, ...] = ()
    images: tuple[SourceImage, ...] = ()
    slots: tuple[str, ...] = ()
    target_kind: str = ""
    target_address: str = ""
    target: str = ""
    target_again: bool = False

    def override(self, platform: str) -> str:
        return dict(self.overrides).get(platform, "")

    @property
    def free_slots(self) -> tuple[str, ...]:
        """One typed alt text (mostly empty) per image that may still be added."""
        return tuple((*self.slots, "", "", "", "")[: MOST_IMAGES - len(self.images)])

    @classmethod
    def blank(cls, window: Window, publish_at: datetime) -> "TypedDraft":
        """An empty form with a window to start from."""
        return cls(*_times(window, publish_at))

    @classmethod
    def of(cls, source: Source, publish_at: datetime) -> "TypedDraft":
        """The form as it would be typed to give `source` again."""
        return cls(
            *_times(source.window, publish_at),
            purpose=source.purpose,
            text=source.text,
            overrides=tuple(source.overrides.items()),
            link=source.link or "",
            account_ids=tuple(source.account_ids),
            images=source.images,
        )


def _times(window: Window, publish_at: datetime) -> tuple[TypedTime, TypedTime, TypedTime]:
    named = {"window_start": window.start, "window_end": window.end, "publish": publish_at}
    start, end, publish = (TypedTime.of(instant, name) for name, instant in named.items())
    return start, end, publish


def _words(form: FormData, name: str) -> str:
    """One typed value: NFC and plain newlines, as everything behind this door expects it."""
    value = form.get(name)
    typed = value if isinstance(value, str) else ""
    return unicodedata.normalize("NFC", typed.replace("\r\n", "\n").replace("\r", "\n"))


async def typed_draft(form: FormData, shelf: ImageShelf) -> tuple[TypedDraft, list[BadInput]]:
    """The form as typed, uploads already kept, and what was wrong with the uploads."""
    kept = await _kept(form, shelf)
    added, slots, refusals = await _uploads(form, shelf)
    overrides = ((name.removeprefix("text-"), _words(form, name)) for name in form if name.startswith("text-"))
    typed = TypedDraft(
        window_start=TypedTime.from_form(form, "window_start"),
        window_end=TypedTime.from_form(form, "window_end"),
        publish=TypedTime.from_form(form, "publish"),
        purpose=_words(form, "purpose").strip(),
        text=_words(form, "text"),
        overrides=tuple((platform, text) for platform, text in overrides if text.strip()),
        link=_words(form, "link").strip(),
        account_ids=tuple(dict.fromkeys(value for value in form.getlist("accounts") if isinstance(value, str))),
        images=(*kept, *added),
        slots=tuple(slots),
        target_kind=_words(form, "target_kind").strip(),
        target_address=_words(form, "target_address").strip(),
        target=_words(form, "target").strip(),
        target_again=bool(form.get("target_again")),
    )
    return typed, refusals


async def _kept(form: FormData, shelf: ImageShelf) -> list[SourceImage]:
    """Images the form already held, but for those it asks to remove. One that is not stored is left out."""
    kept = []
    for number in range(1, MOST_IMAGES + 1):
        sha256 = _words(form, f"image-{number}")
        if not sha256 or form.get(f"remove-{number}"):
            continue
        found = await shelf.find(sha256)
        if found is not None:
            kept.append(replace(found, alt=_words(form, f"alt-{number}").strip()))
    return kept


async def _uploads(form: FormData, shelf: ImageShelf) -> tuple[list[SourceImage], list[str], list[BadInput]]:
    added: list[SourceImage] = []
    slots: list[str] = []
    refusals: list[BadInput] = []
    for number in range(1, MOST_IMAGES + 1):
        upload, alt = form.get(f"upload-{number}"), _words(form, f"upload-{number}-alt").strip()
        if not isinstance(upload, UploadFile) or not upload.filename:
            slots += [alt] if alt else []
            continue
        try:
            added.append(replace(await shelf.keep(await upload.read()), alt=alt))
        except BadInput as refusal:
            slots.append(alt)
            refusal.field = f"upload-{len(slots)}"
            refusals.append(refusal)
    return added, slots, refusals


def source_of(typed: TypedDraft, also: list[BadInput] | None = None) -> tuple[Source, datetime]:
    """The source and publish time (UTC) that were typed, or Several with everything that must be put right, in form order.

    What the use-case would refuse anyway is also said here, so that one unreadable time does not hide the rest.
    """
    wrong: list[BadInput] = []
    if not typed.purpose:
        wrong.append(PurposeMissing(field="purpose"))
    if not typed.account_ids:
        wrong.append(NoAccount(field="accounts"))
    for number, image in enumerate(typed.images, start=1):
        if not image.alt:
            wrong.append(AltTextMissing(field=f"alt-{number}"))
    wrong += also or []
    publish_at, start, end = [_instant(*pair, wrong) for pair in _asked(typed)]
    if start and end and end <= start:
        wrong.append(WindowBackwards(field="window_end"))
    if wrong or not (start and end and publish_at):
        raise Several(wrong)
    source = Source(
        purpose=typed.purpose,
        text=typed.text,
        overrides=dict(typed.overrides),
        link=typed.link or None,
        images=typed.images,
        window=Window(start, end),
        account_ids=typed.account_ids,
        target=typed.target or None,
    )
    return source, publish_at


def _asked(typed: TypedDraft) -> list[tuple[TypedTime, str]]:
    return [
        (typed.publish, "the publish time"),
        (typed.window_start, "the start of the window"),
        (typed.window_end, "the end of the window"),
    ]


def _instant(typed: TypedTime, what: str, wrong: list[BadInput]) -> datetime | None:
    try:
        return typed.to_utc(what)
    except BadInput as refusal:
        wrong.append(refusal)
        return None
