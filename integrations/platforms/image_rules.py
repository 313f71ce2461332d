"""What each platform takes as an image: the one dated table, because platforms change it without notice."""

from dataclasses import dataclass
from datetime import date

OUR_MOST_IMAGES = 4
"""Our own cap on every platform, so that one draft fits all its accounts."""

_MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class ImageRule:
    """One platform's bounds: bytes per image, images per post, kinds, pixels per side, alt text in UTF-16 code units.

    `source` and `checked` say where the figures come from and when they were read.
    """

    max_bytes: int
    max_images: int
    mimes: frozenset[str]
    min_px: int
    max_px: int
    alt_max: int
    source: str
    checked: date

    @property
    def most(self) -> int:
        """How many images one post may carry here: the platform's cap or ours, whichever is lower."""
        return min(self.max_images, OUR_MOST_IMAGES)


RULES: dict[str, ImageRule] = {
    # GIF is left out on X and Facebook: there it is a category of its own that cannot stand beside other images.
    "x": ImageRule(
        max_bytes=5 * _MEBIBYTE,
        max_images=4,
        mimes=frozenset({"image/jpeg", "image/png", "image/webp"}),
        min_px=4,
        max_px=8192,
        alt_max=1000,
        source="docs.x.com, Media best practices; OpenAPI CreateMediaMetadataRequest",
        checked=date(2026, 11, 23),
    ),
    "facebook": ImageRule(
        max_bytes=4 * _MEBIBYTE,
        max_images=10,
        mimes=frozenset({"image/jpeg", "image/png"}),
        min_px=4,
        max_px=8192,
        alt_max=1000,
        source="developers.facebook.com, Page Photos; no limit for alt text is published, so this one is ours",
        checked=date(2026, 11, 23),
    ),
    "linkedin": ImageRule(
        max_bytes=5 * _MEBIBYTE,
        max_images=20,
        mimes=frozenset({"image/jpeg", "image/png", "image/gif"}),
        min_px=4,
        # LinkedIn counts pixels (36,152,320), so a square of 6,012 is the largest that fits whatever its shape.
        max_px=6012,
        alt_max=4086,
        source="learn.microsoft.com/linkedin, Images API and MultiImage API",
        checked=date(2026, 11, 23),
    ),
    "bluesky": ImageRule(
        # GIF would stand still; the site shows images at up to 2,000 pixels, and the lexicon bounds bytes alone.
        max_bytes=2_000_000,
        max_images=4,
        mimes=frozenset({"image/jpeg", "image/png", "image/webp"}),
        min_px=4,
        max_px=8192,
        alt_max=2000,
        source="app.bsky.embed.images lexicon; alt text as Bluesky's own client bounds it",
        checked=date(2026, 11, 23),
    ),
    "mastodon": ImageRule(
        max_bytes=10 * _MEBIBYTE,
        max_images=4,
        # GIF becomes a video there, which cannot stand beside images.
        mimes=frozenset({"image/jpeg", "image/png", "image/webp"}),
        min_px=4,
        # Mastodon shrinks above 8,294,400 pixels, so a square of 2,880 is the largest that it leaves alone.
        max_px=2880,
        alt_max=1500,
        source="docs.joinmastodon.org, Posting and Media; servers before 4.2 take 10 MB",
        checked=date(2026, 11, 23),
    ),
    "manual": ImageRule(
        max_bytes=10 * _MEBIBYTE,
        max_images=10,
        mimes=frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"}),
        min_px=1,
        max_px=16_384,
        alt_max=4000,
        source="ours: no platform is known, so that nothing is changed that need not be",
        checked=date(2026, 11, 23),
    ),
}
