"""The calls that may be made again at will: uploading what nobody sees yet, reading, and removing."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime

from core.domain.outcome import Outcome, Result, SeenPost
from integrations.platforms.base import Platform
from integrations.platforms.judgement import judge_failure
from integrations.platforms.values import Access, PrepareFailed, ReadFailed, TokenRefused
from integrations.platforms.wire import Answer, Call, CallFailed, make_call, poll, scrub

MOST_PAGES = 10
"""How many pages of a timeline are read at most; with a hundred posts to a page, no department posts more in a look."""


async def upload(platform: Platform, access: Access, call: Call) -> Answer:
    """Make one call of `prepare`. Raises PrepareFailed: refused goes to a person, anything else may be tried again."""
    try:
        answer = await make_call(call, seconds=platform.media_seconds, public_only=access.public_only)
    except CallFailed as failure:
        detail = f"The images could not be uploaded to {platform.label}: {failure}."
        raise PrepareFailed(Outcome(Result.NOT_SENT, detail)) from failure
    if not 200 <= answer.status < 300:
        raise _not_uploaded(platform, access, answer)
    return answer


def _not_uploaded(platform: Platform, access: Access, answer: Answer) -> PrepareFailed:
    # `judge` would call a broken upload unknown; an image that nobody sees cannot be published twice, so it is not sent.
    # What is left of the limit on uploads says nothing about posts.
    judged = replace(platform.judge(access, answer), quota=None)
    if platform.refuses_token(answer):
        return TokenRefused(judged)
    if judged.result in (Result.REFUSED, Result.NOT_SENT):
        return PrepareFailed(judged)
    words = scrub(platform.platform_words(answer), access.token)
    said = f' {platform.label} said: "{words}"' if words else ""
    detail = f"{platform.label} answered {answer.status} to an upload, so nothing was published.{said}"
    return PrepareFailed(Outcome(Result.NOT_SENT, detail, status=answer.status, retry_at=judged.retry_at))


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
        answer = await make_call(call, seconds=platform.read_seconds, public_only=access.public_only)
    except CallFailed as failure:
        raise ReadFailed(f"{platform.label} could not be read: {failure}.") from failure
    if answer.complete and missing(answer):
        return None
    if not 200 <= answer.status < 300 or not answer.data():
        words = scrub(platform.platform_words(answer), access.token)
        said = f' It said: "{words}"' if words else ""
        raise ReadFailed(f"{platform.label} answered {answer.status} when it was read.{said}", retry_at=platform.retry_at(answer))
    return answer


def newest_first(seen: Iterable[SeenPost], since: datetime) -> tuple[SeenPost, ...]:
    """Those from `since` on, each once (pages may overlap while posts arrive)."""
    once = {post.post_id: post for post in seen if post.at >= since}
    return tuple(sorted(once.values(), key=lambda post: post.at, reverse=True))


async def remove(platform: Platform, access: Access, call: Call, *, gone: Callable[[Answer], bool]) -> Outcome:
    """Make one removing call. ACCEPTED if `gone` says that the answer proves the post gone, now or before; a limit is not
    sent, for removing may be repeated whatever happened; a failing platform or no answer is unknown."""
    try:
        answer = await make_call(call, seconds=platform.send_seconds, public_only=access.public_only)
    except CallFailed as failure:
        if not failure.sent:
            return judge_failure(platform.label, failure)
        detail = f"{platform.label} did not answer: {failure}. It cannot be told whether the post still stands."
        return Outcome(Result.UNKNOWN, detail)
    if answer.complete and answer.status < 500 and gone(answer):
        return Outcome(Result.ACCEPTED, f"The post is gone from {platform.label}.", status=answer.status)
    return _not_removed(platform, access, answer)


def _not_removed(platform: Platform, access: Access, answer: Answer) -> Outcome:
    judged = platform.judge(access, answer)
    words = scrub(platform.platform_words(answer), access.token)
    said = f' {platform.label} said: "{words}"' if words else ""
    if answer.status == 429 or judged.result is Result.NOT_SENT:
        detail = f"{platform.label} takes no more calls just now, so the post was not removed.{said}"
        return Outcome(Result.NOT_SENT, detail, status=answer.status, retry_at=platform.retry_at(answer))
    if platform.refuses_token(answer):
        detail = (
            f"{platform.label} did not accept the account's access token, so the post was not removed. Connect it again.{said}"
        )
        return Outcome(Result.REFUSED, detail, status=answer.status)
    if judged.result is Result.REFUSED:
        return Outcome(Result.REFUSED, f"{platform.label} refused to remove the post.{said}", status=answer.status)
    detail = f"{platform.label} answered {answer.status} and it cannot be told whether the post still stands.{said}"
    return Outcome(Result.UNKNOWN, detail, status=answer.status)
