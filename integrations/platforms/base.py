"""The contract every platform keeps: a pure `render`, then `prepare` (redoable), one `send`, `read_back` and a comparison."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from core.domain.content import Rendition, RenditionImage, Target
from core.domain.outcome import Outcome, Quota, ReadBack, SeenPost, SendKey
from core.domain.refusals import AltTextMissing, AltTextTooLong, TextMissing, TextTooLong, TooManyImages
from integrations.platforms.image_rules import RULES, ImageRule
from integrations.platforms.judgement import judge, judge_failure, token_refused
from integrations.platforms.text import normalise, require_web_address, same_address
from integrations.platforms.values import Access, Count, Prepared, RepostHasWords, TargetNotOffered
from integrations.platforms.wire import Answer, Call, CallFailed, make_call, scrub, utc_now, without

SEND_SECONDS = 20.0
"""How long one send may take from connecting to the last byte of the answer; after that its outcome is unknown."""

READ_SECONDS = 20.0

CLOCK_SKEW = timedelta(seconds=30)
"""How far a platform's clock may be behind ours, its rounding to whole seconds included, when posts are looked up by time."""


class Platform(ABC):
    """One platform. Stateless: every call opens its own connection, so that nothing stale can make a false unknown."""

    name: str
    label: str
    limit: int
    api_url: str
    """The platform's own address, used when an account names no other."""
    keeps_keys: timedelta | None = None
    """For how long the same call with the same SendKey is the same post. None: never; such a call is not repeated."""
    targets: frozenset[str] = frozenset()
    """What a post here may be besides itself: reply, quote, repost."""

    def __init__(
        self,
        *,
        send_seconds: float = SEND_SECONDS,
        read_seconds: float = READ_SECONDS,
        media_seconds: float = 60.0,
        poll_seconds: float = 0.5,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.send_seconds = send_seconds
        self.read_seconds = read_seconds
        self.media_seconds = media_seconds
        self.poll_seconds = poll_seconds
        self.clock = clock

    @property
    def image_rule(self) -> ImageRule:
        return RULES[self.name]

    @abstractmethod
    def count(self, text: str) -> Count:
        """Count `text` as the platform does; where its way is not published, never lower than it could."""

    @abstractmethod
    def permalink(self, access: Access, post_id: str) -> str:
        """Where the public reads the post."""

    @abstractmethod
    def compose(self, text: str, link: str | None, images: tuple[RenditionImage, ...]) -> tuple[str, str | None]:
        """The text as the public will read it, and the link if the platform takes it apart from the text."""

    @abstractmethod
    async def prepare(self, access: Access, rendition: Rendition, files: Mapping[str, bytes]) -> Prepared:
        """Upload the images (`files` by SHA-256) with their alt text. Redoable. Raises PrepareFailed."""

    @abstractmethod
    async def read_back(self, access: Access, post_id: str) -> ReadBack:
        """What stands at the platform now, with the platform's own rewriting undone. Raises ReadFailed."""

    @abstractmethod
    async def timeline(self, access: Access, *, since: datetime) -> tuple[SeenPost, ...]:
        """What the account's own timeline shows from `since` (UTC) on, newest first. Raises ReadFailed."""

    async def look_up(
        self, access: Access, rendition: Rendition, key: SendKey, *, since: datetime, named: str | None = None
    ) -> tuple[SeenPost, ...]:
        """Every post since then that may be what a send of `rendition` made: by key where the platform keeps keys, else
        those of the own timeline that match. `named`: the post that the platform called a duplicate of it (`post_id` of the
        unknown outcome), found only if it can be read. Empty proves nothing: a timeline may lag. Raises ReadFailed."""
        seen = await self.timeline(access, since=since - CLOCK_SKEW)
        return tuple(post for post in seen if not self.matches(rendition, post.content))

    @abstractmethod
    async def delete(self, access: Access, post_id: str) -> Outcome:
        """Remove the post. ACCEPTED: the platform says that it is gone, now or before. Repeating it is harmless."""

    async def read_target(self, access: Access, address: str, kind: str) -> Target | None:
        """The post at this public address as it stands now, or None if there is none that can be a target of this kind.

        Raises ReadFailed. A platform that offers no targets finds none.
        """
        return None

    def quota(self, answer: Answer) -> Quota | None:
        """What the answer's headers say is left of the limit on posts."""
        return None

    def limit_proven(self, answer: Answer) -> bool:
        """Whether the answer proves that a limit turned the call away before it was accepted: by default the platform's own
        headers, saying that nothing is left. A bare 429 proves nothing; anything between us and the platform can say it."""
        quota = self.quota(answer)
        return quota is not None and quota.remaining <= 0

    @abstractmethod
    def post_call(self, access: Access, rendition: Rendition, prepared: Prepared, key: SendKey) -> Call:
        """The one request that publishes `rendition`; the same key makes the same bytes."""

    @abstractmethod
    def accepted(self, access: Access, answer: Answer) -> Outcome | None:
        """ACCEPTED with the id if a 2xx answer proves it, else None (unknown)."""

    @abstractmethod
    def retry_at(self, answer: Answer) -> datetime | None:
        """When the platform says a rate limit resets, from its own headers (UTC)."""

    def platform_words(self, answer: Answer) -> str:
        """What the platform said went wrong, in its words, or nothing."""
        return ""

    def refuses_token(self, answer: Answer) -> bool:
        """Whether this is the platform's way of saying that the access token is no good, so that nothing was done with it."""
        return answer.status == 401

    def special_case(self, answer: Answer) -> Outcome | None:
        """An answer below 500 that this platform means otherwise than the rule all platforms share."""
        return None

    def same_text(self, rendition: Rendition, read_back: ReadBack) -> bool:
        return rendition.text == read_back.text

    def same_target(self, rendition: Rendition, read_back: ReadBack) -> bool:
        return (rendition.target.post_id if rendition.target else None) == read_back.target_id

    def render(
        self,
        *,
        account_id: str,
        text: str,
        link: str | None,
        images: tuple[RenditionImage, ...],
        target: Target | None = None,
    ) -> Rendition:
        """What this account will receive (promise 2). Pure, and rendering its own output changes nothing.

        A repost is the target and nothing else. Raises TextMissing, TextTooLong, LinkInvalid, TooManyImages, AltTextMissing,
        AltTextTooLong, TargetNotOffered or RepostHasWords, before any request.
        """
        field_name = f"text-{self.name}"
        if target is not None and target.kind not in self.targets:
            raise TargetNotOffered(platform=self.label, kind=target.kind)
        if target is not None and target.kind == "repost":
            if normalise(text) or link is not None or images:
                raise RepostHasWords(field=field_name)
            return Rendition(account_id=account_id, platform=self.name, text="", link=None, images=(), target=target)
        clean = normalise(text)
        if not clean:
            raise TextMissing(field=field_name)
        if link is not None:
            require_web_address(link)
        self._check_images(images)
        public_text, apart = self.compose(clean, link, images)
        count = self.count(public_text)
        if count.used > count.limit:
            raise TextTooLong(platform=self.label, count=count.used, limit=count.limit, field=field_name)
        return Rendition(account_id=account_id, platform=self.name, text=public_text, link=apart, images=images, target=target)

    def _check_images(self, images: tuple[RenditionImage, ...]) -> None:
        rule = self.image_rule
        if len(images) > rule.most:
            raise TooManyImages(field="images")
        for number, image in enumerate(images, start=1):
            if not image.alt.strip():
                raise AltTextMissing(field=f"alt-{number}")
            if len(image.alt.encode("utf-16-le")) // 2 > rule.alt_max:
                raise AltTextTooLong(platform=self.label, limit=rule.alt_max, field=f"alt-{number}")

    async def send(
        self, access: Access, rendition: Rendition, prepared: Prepared, *, key: SendKey, may_start: Callable[[], bool]
    ) -> Outcome:
        """Publish with exactly one HTTP call: no retries, no redirects, a connection of its own (promise 3).

        `may_start` is asked once, after the connection stands and before the first byte of the request; if it says no,
        nothing was sent.
        """
        call = self.post_call(access, rendition, prepared, key)
        try:
            answer = await make_call(call, seconds=self.send_seconds, public_only=access.public_only, may_start=may_start)
        except CallFailed as failure:
            return judge_failure(self.label, failure)
        return self.judge(access, answer)

    def judge(self, access: Access, answer: Answer) -> Outcome:
        """What the answer to a send means: platforms' one rule, with this platform's own cases (see `judgement`)."""
        accepted = self.accepted(access, answer) if 200 <= answer.status < 300 else None
        special = None if answer.status >= 500 or not answer.complete else self.special_case(answer)
        words = scrub(self.platform_words(answer), access.token)
        outcome = accepted or special or self._judged(answer, words)
        return replace(outcome, detail=without(access.token, outcome.detail), quota=self.quota(answer))

    def _judged(self, answer: Answer, words: str) -> Outcome:
        if answer.status < 500 and self.refuses_token(answer):
            return token_refused(self.label, answer, said=f' {self.label} said: "{words}"' if words else "")
        proven = answer.status == 429 and self.limit_proven(answer)
        return judge(self.label, answer, words=words, limit_proven=proven, retry_at=self.retry_at(answer))

    def matches(self, rendition: Rendition, read_back: ReadBack) -> list[str]:
        """How what stands differs from what was authorised, one sentence each; empty when it is the same (promise 2)."""
        if not read_back.found:
            return [f"The post is not on {self.label}."]
        differences = []
        if not self.same_text(rendition, read_back):
            differences.append(f"The text on {self.label} is not the authorised text.")
        if not same_address(rendition.link, read_back.link):
            differences.append(f"The link on {self.label} is not the authorised link.")
        if len(rendition.images) != len(read_back.alts):
            differences.append(f"{self.label} shows {len(read_back.alts)} images and {len(rendition.images)} were authorised.")
        elif tuple(image.alt for image in rendition.images) != read_back.alts:
            differences.append(f"The alt text on {self.label} is not the authorised alt text.")
        if not self.same_target(rendition, read_back):
            differences.append(f"What the post on {self.label} replies to, quotes or reposts is not what was authorised.")
        return differences
