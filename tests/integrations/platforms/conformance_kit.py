"""What the conformance suites are built with: texts that platforms spoil, images, a sandbox, and one way to publish."""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid4

import pytest
from PIL import Image

from core.domain.content import Rendition, RenditionImage, Target
from core.domain.outcome import Outcome, SendKey
from integrations.media import derive
from integrations.platforms.base import Platform
from integrations.platforms.values import Access
from integrations.platforms.wire import utc_now
from integrations.sandbox.platforms.house import SandboxAccount
from tests.integrations.platforms.serving import Sandbox, sandbox

TOKEN = "token-canary-51c9"
KEY = SendKey(UUID("0b9de7b2-6b33-4a7e-9a5c-6a1d1f2c3e4f"), datetime(2026, 11, 23, 9, 30, tzinfo=UTC))
LINK = "https://www.gov.uk/guidance/example?a=1&b=2"
HARD = (
    "R&D <briefing> \"quoted\" 'single' (round) [square] {curly} @name #tag *star* _low_ ~tilde~ back\\slash | pipe\n\n"
    "Second café 👩‍👩‍👧‍👦 日本 &amp; £5 100%"
)


def picture(shade: str) -> bytes:
    out = BytesIO()
    Image.new("RGB", (40, 30), shade).save(out, "JPEG")
    return out.getvalue()


def another_key() -> SendKey:
    return SendKey(uuid4(), utc_now())


class PlatformKit:
    """Subclasses say which platform, its sandbox account, and texts at and one over its limit."""

    platform: ClassVar[Platform]
    account: ClassVar[SandboxAccount]
    full: ClassVar[str]
    proves_limits: ClassVar[bool] = True
    """Whether the platform's answers say what is left of its limits; where they do not, a 429 proves nothing."""

    @pytest.fixture
    def there(self, tmp_path: Path) -> Iterator[Sandbox]:
        with sandbox(self.platform.name, self.account, tmp_path) as running:
            yield running

    @pytest.fixture
    def access(self, there: Sandbox) -> Access:
        return self.access_to(there.url)

    def access_to(self, url: str) -> Access:
        return Access(self.account.account_id, self.account.handle, TOKEN, url, public_url=url)

    def impatient(self, **settings: float) -> Platform:
        return type(self.platform)(**{"poll_seconds": 0.02, **settings})  # type: ignore[arg-type]

    def images(self, count: int) -> tuple[tuple[RenditionImage, ...], dict[str, bytes]]:
        shades = ("navy", "teal", "olive", "maroon", "grey")[:count]
        made = [derive(picture(shade), self.platform.image_rule) for shade in shades]
        shown = tuple(
            RenditionImage(image.sha256, image.mime, len(image.data), image.width, image.height, f"A {shade} (plain) field & sky")
            for image, shade in zip(made, shades, strict=True)
        )
        return shown, {image.sha256: image.data for image in made}

    def rendition(
        self,
        text: str = HARD,
        link: str | None = LINK,
        images: tuple[RenditionImage, ...] = (),
        target: Target | None = None,
    ) -> Rendition:
        return self.platform.render(account_id="a1", text=text, link=link, images=images, target=target)

    async def publish(
        self,
        access: Access,
        rendition: Rendition,
        files: dict[str, bytes] | None = None,
        platform: Platform | None = None,
        key: SendKey = KEY,
    ) -> Outcome:
        used = platform or self.platform
        prepared = await used.prepare(access, rendition, files or {})
        return await used.send(access, rendition, prepared, key=key, may_start=lambda: True)

    def absent_id(self) -> str:
        return "1999999999999999999"
