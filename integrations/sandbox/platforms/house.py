"""What every sandbox platform has: its accounts, its ledger, its lies, a clock and a source of ids."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hmac import compare_digest

from fastapi import Request

from integrations.sandbox.platforms.ledger import Ledger, StoredImage, StoredMedia, StoredPost
from integrations.sandbox.platforms.lies import Lies, Mode


@dataclass(frozen=True)
class SandboxAccount:
    """An account that exists on the sandbox platform: the platform's own id, its handle, its name, the token it accepts.

    `may_post`: whether the person who consents has a role in which they may post as it.
    """

    account_id: str
    handle: str
    name: str
    token: str = field(repr=False)
    may_post: bool = True


@dataclass(frozen=True)
class Limit:
    """So many posts of one account in any `seconds`. The first one is wide: a demo or a measurement is not a department."""

    posts: int = 100_000
    seconds: float = 900.0


@dataclass(frozen=True)
class Left:
    """What is left of a limit, and when (UTC) the first of the posts counted falls out of it."""

    limit: int
    remaining: int
    reset_at: datetime

    @property
    def percent_used(self) -> int:
        return 100 * (self.limit - self.remaining) // max(1, self.limit)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class House:
    """One running sandbox platform."""

    platform: str
    accounts: Sequence[SandboxAccount]
    ledger: Ledger
    lies: Lies = field(default_factory=Lies)
    refuse_duplicates: bool = False
    clock: Callable[[], datetime] = _utc_now
    opened_by: Callable[[str], tuple[str, ...]] = lambda token: ()
    """The ids of the accounts that a token issued here posts to."""
    limit: Limit = field(default_factory=Limit)
    name_post: Callable[[str], str] | None = None
    """How this platform names a new post of an account, where that is not digits alone."""
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def caller(self, request: Request, about: str = "") -> SandboxAccount | None:
        """The account whose token the request bears; where the token opens several, the one that the request is `about`."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self.bearer(request, token, about) if scheme.lower() == "bearer" else None

    def bearer(self, request: Request, token: str, about: str = "") -> SandboxAccount | None:
        """The account that this token opens, unless a lie says that the token has ended."""
        account = self._opened(token, about)
        if account is None:
            return None
        if "sandbox.token_problem" not in request.scope:
            lie = self.lies.about_token()
            request.scope["sandbox.token_problem"] = lie.mode if lie else None
        return None if self.token_problem(request) else account

    def _opened(self, token: str, about: str) -> SandboxAccount | None:
        own = next((account for account in self.accounts if compare_digest(account.token.encode(), token.encode())), None)
        if own is not None:
            return own
        opened = self.opened_by(token)
        return self.account(about if about in opened else opened[0]) if opened else None

    def token_problem(self, request: Request) -> Mode | None:
        """Why a token that was once good found no caller: expired or revoked."""
        problem: Mode | None = request.scope.get("sandbox.token_problem")
        return problem

    def account(self, account_id: str) -> SandboxAccount | None:
        return next((account for account in self.accounts if account.account_id == account_id), None)

    def new_id(self) -> str:
        """Digits that grow with time, as the platforms' do, and stay unique over restarts."""
        microseconds = int(self.clock().timestamp() * 1_000_000)
        return str(microseconds * 1000 + next(self._numbers) % 1000)

    def new_post_id(self, account_id: str) -> str:
        return self.name_post(account_id) if self.name_post else self.new_id()

    def left(self, account: SandboxAccount) -> Left:
        """What is left of the limit on posts."""
        now, window = self.clock(), timedelta(seconds=self.limit.seconds)
        sent, first = self.ledger.sent_since(account.account_id, now - window)
        return Left(self.limit.posts, max(0, self.limit.posts - sent), (first or now) + window)

    def used_up(self, account: SandboxAccount) -> bool:
        return self.left(account).remaining == 0

    def keep_upload(self, account: SandboxAccount, media_id: str, *, mime: str, alt: str = "", data: bytes | None = None) -> None:
        """Store an upload; it stays in work for a while when a lie says so."""
        lie = self.lies.about_upload() if data is not None else None
        ready = self.clock() + timedelta(seconds=lie.seconds if lie else 0)
        self.ledger.keep_media(StoredMedia(media_id, account.account_id, "", mime, alt, ready), data)

    def describe(self, media: StoredMedia, alt: str) -> None:
        """Give an upload its alt text."""
        self.ledger.keep_media(replace(media, alt=alt))

    def is_ready(self, media: StoredMedia) -> bool:
        return bool(media.sha256) and media.ready_at <= self.clock()

    def uploaded(self, account: SandboxAccount, media_id: str, alt: str | None = None) -> StoredImage | None:
        """The image that a post may show under this id: uploaded by this account and ready. `alt` overrides the upload's."""
        media = self.ledger.media(media_id, account.account_id)
        if media is None or not self.is_ready(media):
            return None
        return StoredImage(media.media_id, media.sha256, media.mime, media.alt if alt is None else alt)

    def take(
        self,
        request: Request,
        account: SandboxAccount,
        body: bytes,
        *,
        post_id: str,
        text: str,
        link: str | None = None,
        images: tuple[StoredImage, ...] = (),
        target: tuple[str, str] | None = None,
    ) -> StoredPost:
        """Accept a post: it is in the ledger when this returns. `target` is the kind and id of the post it refers to."""
        content_type = request.headers.get("content-type", "")
        kind, target_id = target or (None, None)
        post = StoredPost(
            post_id,
            account.account_id,
            text,
            link,
            content_type,
            body,
            self.clock(),
            images,
            target_kind=kind,
            target_id=target_id,
        )
        self.ledger.accept(post)
        return post

    def standing(self, post_id: str) -> StoredPost | None:
        """A post that can be read now."""
        post = self.ledger.post(post_id)
        return post if post and post.deleted_at is None else None

    def listed(self, account_id: str) -> list[StoredPost]:
        """What the account's timeline shows now, newest first; a lie may hold back what is young."""
        lie = self.lies.about_listing()
        latest = self.clock() - timedelta(seconds=lie.seconds if lie else 0)
        return [post for post in self.ledger.posts(account_id, deleted=False) if post.received_at <= latest]
