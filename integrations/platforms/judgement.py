"""What came back, and what it means: the one rule that holds on every platform.

| what came back | what it means |
|---|---|
| no byte was sent (refused, DNS, TLS, too late) | not sent |
| 429 with the platform's own headers saying that nothing is left | not sent, again at the reset |
| 429 without: it may come from anything in between, after the post was accepted | unknown |
| timeout, reset, 5xx, an answer that cannot be read | unknown: look it up, never resend |
| 400, 401, 403, 404, 422 and the like | refused: nothing was accepted, a person must look |
"""

from dataclasses import replace
from datetime import datetime

from core.domain.outcome import Outcome, Result
from integrations.platforms.wire import Answer, CallFailed

# 408 (the server gave up waiting), 409 (something already stands) and 425 are missing on purpose: they prove nothing.
_REFUSALS = frozenset({400, 401, 402, 403, 404, 405, 406, 410, 411, 413, 414, 415, 422, 426, 431, 451})
_LOOK_UP = "Look for the post on the account before doing anything else."


def judge_failure(label: str, failure: CallFailed) -> Outcome:
    """A call without an answer: not sent if no byte left, else unknown."""
    if not failure.sent:
        return Outcome(Result.NOT_SENT, f"Nothing was sent to {label}: {failure}.")
    return Outcome(Result.UNKNOWN, f"The request reached {label} but no answer came back: {failure}. {_LOOK_UP}")


def judge(label: str, answer: Answer, *, words: str, limit_proven: bool, retry_at: datetime | None) -> Outcome:
    """An answer without a case of its own, by its status. `words` is what the platform said, already free of secrets."""
    status = answer.status
    said = f' {label} said: "{words}"' if words else ""
    if status == 429:
        return limited(label, answer, proven=limit_proven, said=said, retry_at=retry_at)
    if status not in _REFUSALS or not answer.complete:
        return unknown(label, answer, said=said)
    return Outcome(Result.REFUSED, f"{label} refused the post.{said}", status=status)


def limited(label: str, answer: Answer, *, proven: bool, said: str = "", retry_at: datetime | None) -> Outcome:
    """The platform says "too many": not sent if its own figures prove it, else unknown, because it may have accepted."""
    if not proven:
        return replace(unknown(label, answer, said=said), retry_at=retry_at)
    return Outcome(Result.NOT_SENT, f"{label} takes no more posts just now.{said}", status=answer.status, retry_at=retry_at)


def unknown(label: str, answer: Answer, *, said: str = "") -> Outcome:
    """The call may or may not have published: never resent automatically (promise 3)."""
    return Outcome(
        Result.UNKNOWN,
        f"{label} answered {answer.status} and it cannot be told whether the post stands.{said} {_LOOK_UP}",
        status=answer.status,
    )


def duplicate(label: str, answer: Answer, *, said: str = "", named: str | None = None) -> Outcome:
    """The platform says that it already has this post: perhaps from a call of ours that seemed to fail.

    `post_id` is then the post that it named, if any. That proves nothing: it may be gone, or another's.
    """
    return Outcome(
        Result.UNKNOWN,
        f"{label} says that it already has a post like this one.{said} {_LOOK_UP}",
        post_id=named,
        status=answer.status,
    )


def token_refused(label: str, answer: Answer, *, said: str = "") -> Outcome:
    """Nothing was accepted; somebody must connect the account again."""
    return Outcome(
        Result.REFUSED,
        f"{label} did not accept the account's access token, so nothing was published. Connect the account again.{said}",
        status=answer.status,
    )
