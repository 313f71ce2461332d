"""Vendor the compiled GOV.UK Frontend files into `web/static/govuk`, so that a user needs no Node.

A maintainer runs it after `npm pack govuk-frontend@6.3.0`:

    python scripts/vendor_govuk_assets.py govuk-frontend-6.3.0.tgz web/static/govuk
    python scripts/vendor_govuk_assets.py govuk-frontend-6.3.0.tgz /srv/govuk --brand govuk

`generic` (the default, and what is checked in) leaves out the font, the crest and the icons: their licence allows them
only on gov.uk domains. `govuk` writes an untouched copy for a service that stands on one.
"""

import argparse
import base64
import hashlib
import io
import re
import sys
import tarfile
from pathlib import Path

VERSION = "6.3.0"
# `npm view govuk-frontend@6.3.0 dist.integrity`. The templates of govuk-frontend-jinja 4.1.0 match this release and no later one.
INTEGRITY = "sha512-cXIQxm5PHCsbic47GXZrVBZhAeeshTLRL6ZBKilLsR6rMCjJuWb7Fruq0VUNMBJFlJk/srsRj/q8d5bM9cgKoA=="
ROOT = "package/dist/govuk/"
CSS, JS = "govuk-frontend.min.css", "govuk-frontend.min.js"


class NotAsPublished(Exception):
    """The tarball is not the one whose hash this script knows, or its contents are not laid out as expected."""


def verified(tarball: Path) -> bytes:
    """The tarball's bytes, once their SHA-512 equals `INTEGRITY`."""
    blob = tarball.read_bytes()
    found = "sha512-" + base64.b64encode(hashlib.sha512(blob).digest()).decode()
    if found != INTEGRITY:
        raise NotAsPublished(f"{tarball} is not govuk-frontend {VERSION}: its hash is {found}, and {INTEGRITY} was expected.")
    return blob


def generic_css(css: str) -> str:
    """The stylesheet without the font and crest that only gov.uk domains may use."""
    css = re.sub(r"/\*![^*]*Margaret Calvert.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"@font-face\{[^}]*\}", "", css).replace("GDS Transport,arial", "Helvetica,arial")
    css = css.replace("url(/assets/images/govuk-crest.svg)", "none")
    for left in ("GDS Transport", "/assets/", "url(http"):
        if left in css:
            raise NotAsPublished(
                f"The stylesheet still holds {left!r}. Look at what changed in GOV.UK Frontend before vendoring it."
            )
    return css


def wanted(name: str, data: bytes, brand: str) -> bytes | None:
    """What to write for one file of the tarball; None for a file that the service does not serve."""
    if name == CSS:
        css = re.sub(r"/\*# sourceMappingURL=.*?\*/", "", data.decode())
        return (css if brand == "govuk" else generic_css(css)).strip().encode() + b"\n"
    if name == JS:
        return re.sub(rb"//# sourceMappingURL=.*", b"", data).strip() + b"\n"
    return data if brand == "govuk" and name.startswith("assets/") else None


def vendor(tarball: Path, dest: Path, brand: str) -> list[Path]:
    """Write the wanted files below `dest` and return their paths."""
    written = []
    with tarfile.open(fileobj=io.BytesIO(verified(tarball))) as archive:
        for member in archive.getmembers():
            opened = archive.extractfile(member) if member.isfile() else None
            if opened is None or not member.name.startswith(ROOT):
                continue
            name = member.name.removeprefix(ROOT)
            data = wanted(name, opened.read(), brand)
            if data is None:
                continue
            target = dest / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            written.append(target)
    if {dest / CSS, dest / JS} - set(written):
        raise NotAsPublished(f"{tarball} holds no {CSS} or no {JS}.")
    (dest / "VERSION").write_text(f"govuk-frontend {VERSION} {INTEGRITY} brand={brand}\n")
    return written


def main() -> int:
    parser = argparse.ArgumentParser(description="Vendor GOV.UK Frontend into web/static/govuk.")
    parser.add_argument("tarball", type=Path)
    parser.add_argument("dest", type=Path)
    parser.add_argument("--brand", choices=("generic", "govuk"), default="generic")
    given = parser.parse_args()
    try:
        written = vendor(given.tarball, given.dest, given.brand)
    except (NotAsPublished, OSError, tarfile.TarError) as trouble:
        print(trouble, file=sys.stderr)
        return 1
    for path in written:
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
