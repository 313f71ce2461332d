"""Image intake and derivatives: only what the sniffed decoder could read is kept, drawn again without any metadata.

OWASP ASVS 5.0, 5.2.1 (size), 5.2.2 (content, not name), 5.2.6 (pixel flood), 14.2.8 (metadata). All of it is plain
computing on bytes: call it in a thread. The same input gives the same bytes with the same Pillow.
"""

import hashlib
import warnings
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import filetype  # type: ignore[import-untyped]
from PIL import Image, ImageOps, ImageSequence

from core.domain.refusals import MediaTooLarge, MediaTooManyPixels, MediaUnreadable, MediaWrongType
from integrations.platforms.image_rules import ImageRule

MOST_BYTES = 10 * 1000 * 1000
MOST_PIXELS = 40_000_000
"""Over all frames together: what is bounded is the memory that decoding takes."""

_MOST_ICC_BYTES = 16 * 1024
_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF", "image/webp": "WEBP"}
_QUALITIES = (90, 82, 74)
_SHRINK = 0.8


@dataclass(frozen=True)
class CleanImage:
    """Image bytes without metadata, their kind, their size in pixels, and the SHA-256 (hex) of exactly these bytes."""

    data: bytes = field(repr=False)
    mime: str
    width: int
    height: int
    sha256: str


def clean_image(raw: bytes) -> CleanImage:
    """What an author uploaded, turned upright and drawn again: EXIF, GPS, XMP, comments and trailing bytes are gone.

    Only GIF keeps its motion. Raises MediaTooLarge, MediaWrongType, MediaTooManyPixels or MediaUnreadable.
    """
    if len(raw) > MOST_BYTES:
        raise MediaTooLarge(field="images")
    kind = filetype.guess(raw)
    if kind is None or kind.mime not in _FORMATS:
        raise MediaWrongType(field="images")
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(BytesIO(raw), formats=[_FORMATS[kind.mime]]) as image:
                if image.width * image.height * getattr(image, "n_frames", 1) > MOST_PIXELS:
                    raise MediaTooManyPixels(field="images")
                return _redraw(image, kind.mime)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
            raise MediaTooManyPixels(field="images") from bomb
        except (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, TypeError, MemoryError) as error:
            # Pillow's decoders raise all of these on damaged files.
            raise MediaUnreadable(field="images") from error


def _redraw(image: Image.Image, mime: str) -> CleanImage:
    if mime == "image/gif" and getattr(image, "n_frames", 1) > 1:
        return _redraw_motion(image)
    image.seek(0)
    image.load()
    icc = _small_profile(image)
    upright = ImageOps.exif_transpose(image)
    if upright.mode == "CMYK":
        # Browsers and platforms disagree on CMYK; a CMYK profile says nothing about the RGB that comes of it.
        upright, icc = upright.convert("RGB"), None
    still = _without_info(upright)
    return _encode(still, mime, quality=92, icc=icc)


def _redraw_motion(image: Image.Image) -> CleanImage:
    frames, durations = [], []
    loop = int(image.info.get("loop", 0))
    for frame in ImageSequence.Iterator(image):
        durations.append(int(frame.info.get("duration", 100)))
        frames.append(_without_info(frame.convert("RGBA")))
    out = BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], loop=loop, duration=durations, disposal=2, comment=b"")
    return _as_clean(out.getvalue(), "image/gif", frames[0].size)


def _small_profile(image: Image.Image) -> bytes | None:
    """The colour profile, without which colours shift; a long one could carry more than colours."""
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and 0 < len(profile) <= _MOST_ICC_BYTES else None


def _without_info(image: Image.Image) -> Image.Image:
    bare = image.copy()
    bare.info = {key: value for key, value in image.info.items() if key == "transparency"}
    return bare


def _encode(image: Image.Image, mime: str, *, quality: int, icc: bytes | None) -> CleanImage:
    options: dict[str, Any] = {"icc_profile": icc} if icc else {}
    if mime == "image/jpeg":
        options |= {"quality": quality, "subsampling": 0, "comment": b""}
    elif mime == "image/png":
        options |= {"optimize": False, "compress_level": 6}
    elif mime == "image/webp":
        options |= {"quality": quality, "method": 4, "exif": b"", "xmp": b""}
    else:
        options |= {"comment": b""}
    out = BytesIO()
    image.save(out, _FORMATS[mime], **options)
    return _as_clean(out.getvalue(), mime, image.size)


def _as_clean(data: bytes, mime: str, size: tuple[int, int]) -> CleanImage:
    return CleanImage(data, mime, size[0], size[1], hashlib.sha256(data).hexdigest())


def derive(data: bytes, rule: ImageRule) -> CleanImage:
    """The bytes one platform will receive of a cleaned image: the very same where they fit the rule, else converted and shrunk.

    Deterministic: the authorised digest names these bytes (promise 2). Raises MediaUnreadable where nothing fits.
    """
    kind = filetype.guess(data)
    if kind is None or kind.mime not in _FORMATS:
        raise MediaWrongType(field="images")
    try:
        with Image.open(BytesIO(data), formats=[_FORMATS[kind.mime]]) as image:
            if min(image.size) < rule.min_px:
                raise MediaUnreadable(f"The image must be at least {rule.min_px} pixels wide and high.", field="images")
            if kind.mime in rule.mimes and len(data) <= rule.max_bytes and max(image.size) <= rule.max_px:
                return _as_clean(data, kind.mime, image.size)
            image.seek(0)
            image.load()
            return _fit(image, rule)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise MediaUnreadable(field="images") from error


def _fit(image: Image.Image, rule: ImageRule) -> CleanImage:
    icc = _small_profile(image)
    see_through = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    lossless = "image/png" in rule.mimes and image.format != "JPEG"
    drawn = image.convert("RGBA" if see_through else "RGB")
    drawn.thumbnail((rule.max_px, rule.max_px), Image.Resampling.LANCZOS)
    if lossless:
        png = _encode(_without_info(drawn), "image/png", quality=0, icc=icc)
        if len(png.data) <= rule.max_bytes:
            return png
    return _fit_jpeg(_on_white(drawn), rule, icc)


def _on_white(image: Image.Image) -> Image.Image:
    """JPEG has no transparency: on white, as a page would show it."""
    if image.mode != "RGBA":
        return _without_info(image)
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _fit_jpeg(image: Image.Image, rule: ImageRule, icc: bytes | None) -> CleanImage:
    while min(image.size) >= rule.min_px:
        for quality in _QUALITIES:
            jpeg = _encode(image, "image/jpeg", quality=quality, icc=icc)
            if len(jpeg.data) <= rule.max_bytes:
                return jpeg
        smaller = (int(image.width * _SHRINK), int(image.height * _SHRINK))
        if min(smaller) < 1:
            break
        image = image.resize(smaller, Image.Resampling.LANCZOS)
    raise MediaUnreadable("The image cannot be made small enough for this platform. Use a simpler one.", field="images")
