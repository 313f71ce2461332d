"""What an upload becomes: only pixels, upright, within bounds; and what each platform will receive of it."""

import zlib
from io import BytesIO
from struct import pack

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from core.domain.refusals import MediaTooLarge, MediaTooManyPixels, MediaUnreadable, MediaWrongType
from integrations.media import MOST_BYTES, clean_image, derive
from integrations.platforms.image_rules import RULES, ImageRule

CANARY = b"canary-7f3a"


def noise(width: int, height: int, mode: str = "RGB") -> Image.Image:
    gradient = Image.radial_gradient("L").resize((width, height))
    texture = Image.effect_noise((width, height), 80)
    bands = [gradient, texture, gradient, texture][: len(mode)]
    return Image.merge(mode, bands) if len(mode) > 1 else texture


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def with_everything_private(image: Image.Image, kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = CANARY.decode()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    options: dict[str, object] = {"exif": exif}
    if kind == "JPEG":
        options |= {"comment": CANARY, "xmp": b"<x:xmpmeta>" + CANARY + b"</x:xmpmeta>"}
    if kind == "PNG":
        info = PngInfo()
        info.add_text("Author", CANARY.decode())
        options |= {"pnginfo": info}
    return saved(image, kind, **options) + CANARY


@pytest.mark.parametrize(("kind", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_nothing_but_pixels_is_kept(kind: str, mime: str) -> None:
    raw = with_everything_private(noise(60, 40), kind)
    assert CANARY in raw
    clean = clean_image(raw)
    assert CANARY not in clean.data
    assert clean.mime == mime
    with Image.open(BytesIO(clean.data)) as image:
        assert not image.getexif()
        assert "xmp" not in image.info
        assert not image.info.get("comment")


def test_a_picture_taken_sideways_stands_upright() -> None:
    clean = clean_image(with_everything_private(noise(60, 40), "JPEG"))
    assert (clean.width, clean.height) == (40, 60)


def test_a_small_colour_profile_is_kept_and_a_long_one_is_not() -> None:
    from_small = clean_image(saved(noise(20, 20), "PNG", icc_profile=b"p" * 300))
    from_long = clean_image(saved(noise(20, 20), "PNG", icc_profile=CANARY * 3000))
    with Image.open(BytesIO(from_small.data)) as image:
        assert image.info["icc_profile"] == b"p" * 300
    with Image.open(BytesIO(from_long.data)) as image:
        assert "icc_profile" not in image.info


def test_a_gif_keeps_its_motion() -> None:
    frames = [Image.new("P", (30, 20), color) for color in (1, 2, 3)]
    raw = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=80, comment=CANARY)
    clean = clean_image(raw)
    assert CANARY not in clean.data
    with Image.open(BytesIO(clean.data)) as image:
        assert image.format == "GIF"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_png_is_taken(mode: str) -> None:
    clean = clean_image(saved(Image.new(mode, (30, 20)), "PNG"))
    for rule in RULES.values():
        assert derive(clean.data, rule).mime in rule.mimes


def test_a_cmyk_photograph_becomes_rgb() -> None:
    clean = clean_image(saved(Image.new("CMYK", (30, 20)), "JPEG"))
    with Image.open(BytesIO(clean.data)) as image:
        assert image.mode == "RGB"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"just words",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"BM" + bytes(64),
        b"II*\x00" + bytes(64),
    ],
)
def test_anything_but_the_four_kinds_is_refused(raw: bytes) -> None:
    with pytest.raises(MediaWrongType):
        clean_image(raw)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(kind: str, share: float) -> None:
    raw = saved(noise(200, 200), kind)
    with pytest.raises((MediaUnreadable, MediaWrongType)):
        clean_image(raw[: int(len(raw) * share)])


def chunk(name: bytes, data: bytes) -> bytes:
    return pack(">I", len(data)) + name + data + pack(">I", zlib.crc32(name + data))


def test_a_small_file_with_many_pixels_is_refused_before_it_is_decoded() -> None:
    header = chunk(b"IHDR", pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    with pytest.raises(MediaTooManyPixels):
        clean_image(bomb)


def test_the_pixels_of_all_frames_count() -> None:
    frames = [Image.new("P", (2000, 2000), color % 250) for color in range(12)]
    with pytest.raises(MediaTooManyPixels):
        clean_image(saved(frames[0], "GIF", save_all=True, append_images=frames[1:], optimize=False))


def test_more_than_ten_megabytes_is_refused() -> None:
    with pytest.raises(MediaTooLarge):
        clean_image(bytes(MOST_BYTES + 1))


def test_what_fits_the_rule_is_sent_as_the_very_same_bytes() -> None:
    clean = clean_image(saved(noise(60, 40), "JPEG"))
    assert {derive(clean.data, rule) for rule in RULES.values()} == {clean}


def test_a_kind_the_platform_does_not_take_is_converted() -> None:
    clean = clean_image(saved(noise(60, 40, "RGBA"), "WEBP"))
    derived = derive(clean.data, RULES["facebook"])
    assert derived.mime == "image/png"
    assert (derived.width, derived.height) == (60, 40)


def small_rule(max_bytes: int) -> ImageRule:
    x = RULES["x"]
    return ImageRule(max_bytes, 4, x.mimes, 4, 300, 1000, x.source, x.checked)


@pytest.mark.parametrize("max_bytes", [3_000, 20_000, 200_000])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_is_too_large_is_shrunk_until_it_fits(kind: str, max_bytes: int) -> None:
    clean = clean_image(saved(noise(500, 400), kind))
    derived = derive(clean.data, small_rule(max_bytes))
    assert len(derived.data) <= max_bytes
    assert max(derived.width, derived.height) <= 300


def test_the_same_image_gives_the_same_derivative_every_time() -> None:
    raw = saved(noise(500, 400), "PNG")
    assert clean_image(raw) == clean_image(raw)
    clean = clean_image(raw)
    assert derive(clean.data, small_rule(20_000)) == derive(clean.data, small_rule(20_000))
