"""The bytes of an image, for whoever may see a draft it stands in."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from web.desk import Desk, Visitor

_SHA256 = r"^[0-9a-f]{64}$"


def image_routes(desk: Desk) -> APIRouter:
    """Mounts GET /media/{sha256}. Private to the browser, and for ever: the address names the bytes."""
    router = APIRouter()

    async def image(by: Visitor, sha256: Annotated[str, Path(pattern=_SHA256)]) -> Response:
        data, mime = await desk.read_image(by=by, sha256=sha256)
        headers = {
            "cache-control": "private, max-age=3600, immutable",
            "etag": f'"{sha256}"',
            # Images were re-encoded on arrival; this keeps a browser from ever treating one as a page.
            "content-security-policy": "default-src 'none'; sandbox",
        }
        return Response(data, media_type=mime, headers=headers)

    router.add_api_route("/media/{sha256}", image, methods=["GET"], response_model=None)
    return router
