"""What goes into a platform's calls and comes out of them when they fail."""

from dataclasses import dataclass, field
from datetime import datetime

from core.domain.outcome import Outcome, Result
from core.domain.refusals import BadInput


@dataclass(frozen=True)
class Count:
    """How much of a platform's text limit is used, counted as that platform counts."""

    used: int
    limit: int


@dataclass(frozen=True)
class Access:
    """One account's way in. `platform_account_id` is the platform's own id (X user, Facebook Page, LinkedIn organisation).

    `base_url` is where its API answers; `public_url` where the public reads it, empty for the platform's own site.
    `public_only`: a person named the server, so it is called on the public internet or not at all.
    """

    platform_account_id: str
    handle: str
    token: str = field(repr=False)
    base_url: str
    public_url: str = ""
    public_only: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
        object.__setattr__(self, "public_url", self.public_url.rstrip("/"))


@dataclass(frozen=True)
class Prepared:
    """The platform's ids of the uploaded images, in the rendition's order. Uploading again is harmless: nobody sees them yet."""

    media_ids: tuple[str, ...] = ()


class PrepareFailed(Exception):
    """Nothing was published. `outcome.result` is NOT_SENT (try again later) or REFUSED (to a person)."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


class TokenRefused(PrepareFailed):
    """The platform did not take the account's access token; a refreshed one may do."""


class ReadFailed(Exception):
    """The platform could not be read just now; this says nothing about whether the post stands. `retry_at` if it named a time."""

    def __init__(self, detail: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(detail)
        self.retry_at = retry_at


class NoAccess(Exception):
    """The account has no token that works: nothing can be asked of its platform until somebody connects it again."""


class TargetNotOffered(BadInput):
    """The platform's API has no such thing, so no post could keep what was authorised."""

    code = "target_not_offered"

    def __init__(self, *, platform: str, kind: str, field: str = "target") -> None:
        super().__init__(
            f"Through {platform}'s API a post cannot be a {kind}. Choose other accounts, or write a post of its own.", field=field
        )


class RepostHasWords(BadInput):
    """A repost shows the other post and nothing of ours."""

    code = "repost_has_words"
    sentence = "A repost carries no words, link or images of its own. Remove them, or choose to quote the post."


class NoAccessNow(PrepareFailed, ReadFailed):
    """The account's access could not be renewed just now: for sending it is for later, for reading it says nothing."""

    def __init__(self, detail: str) -> None:
        super().__init__(Outcome(Result.NOT_SENT, detail))
