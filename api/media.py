"""Images in and out, by the SHA-256 of what is kept of them."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from api.answered import MediaOut
from api.door import Call, Posting, Reading
from api.openapi import refusals
from core.domain.people import Person
from core.domain.refusals import BadInput

router = APIRouter(tags=["media"])

_BINARY = {"type": "string", "format": "binary"}
_TAKEN = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": {"type": "object", "properties": {"file": _BINARY}, "required": ["file"]}},
        "image/*": {"schema": _BINARY},
        "application/octet-stream": {"schema": _BINARY},
    },
}


class FileMissing(BadInput):
    code = "file_missing"
    sentence = "Send one image: as the body itself, or as the part “file” of multipart/form-data."


@router.post(
    "/media",
    status_code=201,
    responses={**refusals(400, 403, 409, 413, 422), 201: {"model": MediaOut}},
    openapi_extra={"requestBody": _TAKEN},
)
async def upload(request: Request, call: Posting) -> Response:
    """Take one image in (JPEG, PNG, GIF or WebP, up to 10 MB): only its pixels are kept. The same image has the same address."""
    raw = await _raw(request)
    kept = await call.answered_before(raw)
    if kept is not None:
        return call.replay(kept, MediaOut, lambda out: _headers(call, out))
    uploaded = await call.door.upload_image(by=await call.person(), raw=raw)

    async def act(session: Any, person: Person) -> MediaOut:
        return MediaOut.model_validate(uploaded)

    return await call.once(act, MediaOut, headers=lambda out: _headers(call, out), content=raw)


@router.get(
    "/media/{sha256}", responses={**refusals(404), 200: {"description": "The image", "content": {"image/*": {"schema": _BINARY}}}}
)
async def download(sha256: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")], call: Reading) -> Response:
    """The bytes of an image that the caller uploaded or that stands in a draft they may see."""
    data, mime = await call.door.read_image(by=await call.person(), sha256=sha256)
    # The name is the content, so it serves as a strong validator of itself.
    return Response(data, media_type=mime, headers={"ETag": f'"{sha256}"'})


async def _raw(request: Request) -> bytes:
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raw = await request.body()
        if not raw:
            raise FileMissing(field="file")
        return raw
    async with request.form(max_files=1, max_fields=1) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise FileMissing(field="file")
        return await file.read()


def _headers(call: Call, out: MediaOut) -> dict[str, str]:
    return {"Location": call.address(f"/media/{out.sha256}")}
