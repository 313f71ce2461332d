import io
from datetime import UTC, datetime

import pytest
from starlette.datastructures import FormData, UploadFile

from core.domain.content import SourceImage, Window
from core.domain.refusals import MediaUnreadable, Several
from web.forms import TypedDraft, source_of, typed_draft


class Shelf:
    """Keeps any upload but one that says it is broken."""

    def __init__(self) -> None:
        self.kept: dict[str, SourceImage] = {}

    async def keep(self, raw: bytes) -> SourceImage:
        if raw == b"broken":
            raise MediaUnreadable()
        image = SourceImage(raw.decode(), "image/png", 10, 10, "")
        self.kept[image.sha256] = image
        return image

    async def find(self, sha256: str) -> SourceImage | None:
        return self.kept.get(sha256)


def _form(*extra: tuple[str, str | UploadFile], without: tuple[str, ...] = ()) -> FormData:
    typed = {
        "purpose": "Tell people about winter payments",
        "text": "Winter payments\r\nare here",
        "link": "https://www.gov.uk/winter",
        **_moment("window_start", "24", "9am"),
        **_moment("window_end", "25", "5pm"),
        **_moment("publish", "24", "9:30am"),
    }
    items = [(name, value) for name, value in typed.items() if name not in without]
    return FormData([*items, ("accounts", "a1"), *extra])


def _moment(prefix: str, day: str, time: str) -> dict[str, str]:
    return {f"{prefix}-day": day, f"{prefix}-month": "11", f"{prefix}-year": "2026", f"{prefix}-time": time}


def _upload(data: bytes) -> UploadFile:
    return UploadFile(io.BytesIO(data), filename="a.png")


async def _refused(form: FormData, shelf: Shelf | None = None) -> tuple[TypedDraft, list[tuple[str | None, str]]]:
    typed, uploads = await typed_draft(form, shelf or Shelf())
    with pytest.raises(Several) as refused:
        source_of(typed, uploads)
    return typed, [(one.field, one.code) for one in refused.value.refusals]


@pytest.mark.anyio
async def test_a_complete_form_gives_a_source_with_utc_times_and_plain_newlines() -> None:
    typed, uploads = await typed_draft(_form(("text-x", "Short"), ("text-linkedin", "  ")), Shelf())
    source, publish_at = source_of(typed, uploads)
    assert source.text == "Winter payments\nare here"
    assert source.overrides == {"x": "Short"}
    assert source.window == Window(datetime(2026, 11, 24, 9, tzinfo=UTC), datetime(2026, 11, 25, 17, tzinfo=UTC))
    assert publish_at == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.mark.anyio
async def test_everything_wrong_is_said_at_once_and_everything_typed_is_kept() -> None:
    form = _form(("publish-time", "soon"), without=("purpose", "publish-time"))
    typed, wrong = await _refused(form)
    assert wrong == [("purpose", "purpose_missing"), ("publish-time", "time_not_readable")]
    assert typed.text == "Winter payments\nare here"
    assert typed.publish.time == "soon"


@pytest.mark.anyio
async def test_an_image_kept_on_a_refused_form_comes_back_with_its_hash() -> None:
    shelf = Shelf()
    typed, _ = await _refused(_form(("upload-1", _upload(b"aaa")), ("upload-1-alt", "A fire"), without=("purpose",)), shelf)
    assert [image.sha256 for image in typed.images] == ["aaa"]
    again, uploads = await typed_draft(_form(("image-1", "aaa"), ("alt-1", "A fire")), shelf)
    source, _ = source_of(again, uploads)
    assert [(image.sha256, image.alt) for image in source.images] == [("aaa", "A fire")]


@pytest.mark.anyio
async def test_an_unreadable_upload_is_refused_beside_its_field_and_keeps_its_alt_text() -> None:
    form = _form(
        ("upload-1", _upload(b"aaa")),
        ("upload-1-alt", "A fire"),
        ("upload-2", _upload(b"broken")),
        ("upload-2-alt", "A stove"),
    )
    typed, wrong = await _refused(form)
    assert wrong == [("upload-1", "media_unreadable")]
    assert typed.free_slots == ("A stove", "", "")


@pytest.mark.anyio
async def test_an_image_without_alt_text_is_refused_beside_it() -> None:
    _, wrong = await _refused(_form(("upload-1", _upload(b"aaa"))))
    assert wrong == [("alt-1", "alt_text_missing")]


@pytest.mark.anyio
async def test_an_image_ticked_for_removal_is_gone() -> None:
    shelf = Shelf()
    await shelf.keep(b"aaa")
    form = _form(("image-1", "aaa"), ("remove-1", "yes"))
    typed, _ = await typed_draft(form, shelf)
    assert typed.images == ()


@pytest.mark.anyio
async def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    form = _form(*_moment("window_end", "23", "9am").items(), without=tuple(_moment("window_end", "", "")))
    _, wrong = await _refused(form)
    assert wrong == [("window_end", "window_backwards")]


def test_a_saved_source_shown_and_saved_again_is_the_same_source() -> None:
    window = Window(datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC))
    typed = TypedDraft.blank(window, window.start)
    filled = TypedDraft(
        typed.window_start, typed.window_end, typed.publish, purpose="P", text="T", account_ids=("a1",), overrides=(("x", "S"),)
    )
    source, publish_at = source_of(filled)
    assert source.window == window
    assert source_of(TypedDraft.of(source, publish_at)) == (source, publish_at)
