"""The calls that may be made again at will: uploading what nobody sees yet, and reading."""

from collections.abc import Awaitable, Callable

from core.domain.outcome import Outcome, Result
from integrations.platforms.base import Platform
from integrations.platforms.values import Access, PrepareFailed, ReadFailed
from integrations.platforms.wire import Answer, Call, CallFailed, make_call, poll, scrub


async def upload(platform: Platform, access: Access, call: Call) -> Answer:
    """Make one call of `prepare`. Raises PrepareFailed: refused goes to a person, anything else may be tried again."""
    try:
        answer = await make_call(call, seconds=platform.media_seconds)
    except CallFailed as failure:
        detail = f"The images could not be uploaded to {platform.label}: {failure}."
        raise PrepareFailed(Outcome(Result.NOT_SENT, detail)) from failure
    if not 200 <= answer.status < 300:
        raise _not_uploaded(platform, access, answer)
    return answer


def _not_uploaded(platform: Platform, access: Access, answer: Answer) -> PrepareFailed:
    # `judge` would call a broken upload unknown; an image that nobody sees cannot be published twice, so it is not sent.
    judged = platform.judge(access, answer)
    if judged.result in (Result.REFUSED, Result.NOT_SENT):
        return PrepareFailed(judged)
    words = scrub(platform.platform_words(answer), access.token)
    said = f' {platform.label} said: "{words}"' if words else ""
    detail = f"{platform.label} answered {answer.status} to an upload, so nothing was published.{said}"
    return PrepareFailed(Outcome(Result.NOT_SENT, detail, status=answer.status))


def upload_failed(platform: Platform, answer: Answer) -> PrepareFailed:
    """An upload that was answered but not with an image that can be used."""
    detail = f"{platform.label} did not take an image, so nothing was published. It may take it another time."
    return PrepareFailed(Outcome(Result.NOT_SENT, detail, status=answer.status))


async def until_ready(platform: Platform, check: Callable[[], Awaitable[bool]]) -> None:
    """Wait while the platform works on an image. Raises PrepareFailed (not sent) past the platform's `media_seconds`."""
    if not await poll(check, every=platform.poll_seconds, seconds=platform.media_seconds):
        detail = f"{platform.label} was still working on an image after {platform.media_seconds:g} seconds."
        raise PrepareFailed(Outcome(Result.NOT_SENT, detail))


async def read(platform: Platform, access: Access, call: Call, *, missing: Callable[[Answer], bool]) -> Answer | None:
    """Make one reading call: the answer, or None where `missing` says that the thing is not there. Else raises ReadFailed."""
    try:
        answer = await make_call(call, seconds=platform.read_seconds)
    except CallFailed as failure:
        raise ReadFailed(f"The post could not be read from {platform.label}: {failure}.") from failure
    if answer.complete and missing(answer):
        return None
    if not 200 <= answer.status < 300 or not answer.data():
        words = scrub(platform.platform_words(answer), access.token)
        said = f' It said: "{words}"' if words else ""
        raise ReadFailed(
            f"{platform.label} answered {answer.status} when the post was read back.{said}", retry_at=platform.retry_at(answer)
        )
    return answer
