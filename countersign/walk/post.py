"""What the walk publishes: new words, a new image with secrets in its metadata, and the soonest time the form can name."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO

from PIL import Image, ImageDraw

from core.domain.calendar import LONDON

PLATFORMS = ("X", "Facebook", "LinkedIn")
# Long enough for submitting and two decisions, with time left over on a busy machine.
LEAST_AHEAD = timedelta(seconds=25)
OPEN_FOR = timedelta(minutes=30)
_HIDDEN = "taken at home, camera 4711"
_ARTIST, _DESCRIPTION, _GPS, _LATITUDE = 0x013B, 0x010E, 0x8825, 2


@dataclass(frozen=True)
class Post:
    """`run` makes everything unlike every run before. `secret` stands in the image's metadata and must not go out."""

    run: str
    purpose: str
    text: str
    linkedin_text: str
    alt: str
    image: bytes
    secret: bytes
    publish_at: datetime
    window_end: datetime

    def typed(self, accounts: list[str]) -> dict[str, str | list[str]]:
        """The write form filled in, in London's time as a person would."""
        return {
            "purpose": self.purpose,
            "accounts": accounts,
            "text": self.text,
            "text-linkedin": self.linkedin_text,
            "upload-1-alt": self.alt,
            **_moment("publish", self.publish_at),
            **_moment("window_start", self.publish_at - timedelta(minutes=1)),
            **_moment("window_end", self.window_end),
        }


def new_post(now: datetime) -> Post:
    run = f"{now:%d%m%H%M%S}-{random.randrange(16**6):06x}"  # noqa: S311 - a name, no secret
    publish_at = soonest(now)
    return Post(
        run=run,
        purpose=f"Walk {run}: Pension Credit awareness",
        text=f"Could you, or somebody you know, get Pension Credit? It takes ten minutes & a phone call to find out ☎️ ({run})",
        linkedin_text=f"Not everybody claims what is theirs [yet] – *our team* explains who can (and how). #PensionCredit {run}",
        alt=f"A card of one colour with the words “Ten minutes could be worth it” and the number {run}.",
        image=new_image(run),
        secret=_HIDDEN.encode(),
        publish_at=publish_at,
        window_end=publish_at + OPEN_FOR,
    )


def soonest(now: datetime) -> datetime:
    """The next full minute (UTC) that is far enough ahead: the form names minutes."""
    ahead = now + LEAST_AHEAD
    return ahead.replace(second=0, microsecond=0) + timedelta(minutes=1)


def new_image(run: str) -> bytes:
    """A JPEG whose EXIF names an artist, a description and a place."""
    chance = random.Random(run)  # noqa: S311 - a colour
    picture = Image.new("RGB", (1200, 675), tuple(chance.randrange(40, 216) for _ in range(3)))
    ImageDraw.Draw(picture).text((80, 300), f"Ten minutes could be worth it. {run}", fill="white", font_size=40)
    exif = Image.Exif()
    exif[_ARTIST] = _HIDDEN
    exif[_DESCRIPTION] = _HIDDEN
    exif[_GPS] = {_LATITUDE: (51.0, 30.0, 12.0)}
    out = BytesIO()
    picture.save(out, "JPEG", exif=exif, quality=90)
    return out.getvalue()


def metadata_in(image: bytes) -> dict[int, object]:
    """The EXIF tags that an image still carries."""
    with Image.open(BytesIO(image)) as opened:
        return dict(opened.getexif())


def _moment(name: str, instant: datetime) -> dict[str, str]:
    local = instant.astimezone(LONDON)
    typed = {"day": f"{local.day}", "month": f"{local.month}", "year": f"{local.year}", "time": f"{local:%H:%M}"}
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        typed["which"] = str(local.fold)
    return {f"{name}-{part}": value for part, value in typed.items()}


def now_utc() -> datetime:
    return datetime.now(UTC)
