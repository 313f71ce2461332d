"""The contract every platform keeps: a pure `render`, then `prepare` (redoable), one `send`, `read_back` and a comparison."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.domain.content import Rendition, RenditionImage
from core.domain.outcome import Outcome, ReadBack
from core.domain.refusals import AltTextMissing, AltTextTooLong, TextMissing, TextTooLong, TooManyImages
from integrations.platforms.image_rules import RULES, ImageRule
from integrations.platforms.judgement import judge, judge_failure
from integrations.platforms.text import normalise, require_web_address, same_address
from integrations.platforms.wire import Answer, Call, CallFailed, make_call, scrub, utc_now, without

SEND_SECONDS = 20.0
"""How long one send may take from connecting to the last byte of the answer; after that its outcome is unknown."""

READ_SECONDS = 20.0


@dataclass(frozen=True)
class Count:
    """How much of a platform's text limit is used, counted as that platform counts."""

    used: int
    limit: int


@dataclass(frozen=True)
class Access:
    """One account's way in. `platform_account_id` is the platform's own id (X user, Facebook Page, LinkedIn organisation).

    `base_url` is where its API answers; `public_url` where the public reads it, empty for the platform's own site.
    """

    platform_account_id: str
    handle: str
    token: str = field(repr=False)
    base_url: str
    public_url: str = ""

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


class ReadFailed(Exception):
    """The platform could not be read just now; this says nothing about whether the post stands. `retry_at` if it named a time."""

    def __init__(self, detail: str, *, retry_at: datetime | None = None) -> None:
        super().__init__(detail)
        self.retry_at = retry_at


class Platform(ABC):
    """One platform. Stateless: every call opens its own connection, so that nothing stale can make a false unknown."""

    name: str
    label: str
    limit: int
    api_url: str
    """The platform's own address, used when an account names no other."""

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
    def post_call(self, access: Access, rendition: Rendition, prepared: Prepared) -> Call:
        """The one request that publishes `rendition`."""

    @abstractmethod
    def accepted(self, access: Access, answer: Answer) -> Outcome | None:
        """ACCEPTED with the id if a 2xx answer proves it, else None (unknown)."""

    @abstractmethod
    def retry_at(self, answer: Answer) -> datetime | None:
        """When the platform says a rate limit resets, from its own headers (UTC)."""

    def platform_words(self, answer: Answer) -> str:
        """What the platform said went wrong, in its words, or nothing."""
        return ""

    def special_case(self, answer: Answer) -> Outcome | None:
        """An answer below 500 that this platform means otherwise than the rule all platforms share."""
        return None

    def same_text(self, rendition: Rendition, read_back: ReadBack) -> bool:
        return rendition.text == read_back.text

    def render(self, *, account_id: str, text: str, link: str | None, images: tuple[RenditionImage, ...]) -> Rendition:
        """What this account will receive (promise 2). Pure, and rendering its own output changes nothing.

        Raises TextMissing, TextTooLong, LinkInvalid, TooManyImages, AltTextMissing or AltTextTooLong, before any request.
        """
        field_name = f"text-{self.name}"
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
        return Rendition(account_id=account_id, platform=self.name, text=public_text, link=apart, images=images)

    def _check_images(self, images: tuple[RenditionImage, ...]) -> None:
        rule = self.image_rule
        if len(images) > rule.most:
            raise TooManyImages(field="images")
        for number, image in enumerate(images, start=1):
            if not image.alt.strip():
                raise AltTextMissing(field=f"alt-{number}")
            if len(image.alt.encode("utf-16-le")) // 2 > rule.alt_max:
                raise AltTextTooLong(platform=self.label, limit=rule.alt_max, field=f"alt-{number}")

    async def send(self, access: Access, rendition: Rendition, prepared: Prepared, *, may_start: Callable[[], bool]) -> Outcome:
        """Publish with exactly one HTTP call: no retries, no redirects, a connection of its own (promise 3).

        `may_start` is asked once, after the connection stands and before the first byte of the request; if it says no,
        nothing was sent.
        """
        call = self.post_call(access, rendition, prepared)
        try:
            answer = await make_call(call, seconds=self.send_seconds, may_start=may_start)
        except CallFailed as failure:
            return judge_failure(self.label, failure)
        return self.judge(access, answer)

    def judge(self, access: Access, answer: Answer) -> Outcome:
        """What the answer to a send means: platforms' one rule, with this platform's own cases (see `judgement`)."""
        accepted = self.accepted(access, answer) if 200 <= answer.status < 300 else None
        special = None if answer.status >= 500 or not answer.complete else self.special_case(answer)
        words = scrub(self.platform_words(answer), access.token)
        outcome = accepted or special or judge(self.label, answer, words=words, retry_at=self.retry_at(answer))
        return replace(outcome, detail=without(access.token, outcome.detail))

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
        return differences
