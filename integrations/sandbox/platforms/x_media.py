"""X's media: uploads that may stay in work, and their alt text (docs.x.com, Media)."""

from base64 import b64decode
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile

from integrations.sandbox.platforms.house import House, SandboxAccount
from integrations.sandbox.platforms.x_words import Digits, invalid, unauthorised


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _AltText(_Strict):
    text: Annotated[str, Field(max_length=1000)]


class _Metadata(_Strict):
    alt_text: _AltText


class _MediaMetadata(_Strict):
    id: Digits
    metadata: _Metadata


class _Upload(_Strict):
    media: str
    media_category: str


class XMedia:
    def __init__(self, house: House) -> None:
        self.house = house

    def routes(self) -> APIRouter:
        api = APIRouter()
        api.add_api_route("/2/media/upload", self.upload, methods=["POST"])
        api.add_api_route("/2/media/upload", self.upload_status, methods=["GET"])
        api.add_api_route("/2/media/metadata", self.describe, methods=["POST"])
        return api

    async def upload(self, request: Request) -> Response:
        account = self.house.caller(request)
        if account is None:
            return unauthorised()
        try:
            category, mime, data = await _given(request)
        except ValueError:
            return invalid("One or more parameters to your request was invalid.")
        if category != "tweet_image":
            return invalid("Unsupported media category.")
        media_id = self.house.new_id()
        self.house.keep_upload(account, media_id, mime=mime, data=data)
        return JSONResponse({"data": self._upload_state(account, media_id)})

    async def upload_status(self, request: Request, media_id: str, command: str = "STATUS") -> Response:
        account = self.house.caller(request)
        if account is None:
            return unauthorised()
        if command != "STATUS" or self.house.ledger.media(media_id, account.account_id) is None:
            return invalid("The media id is invalid.")
        return JSONResponse({"data": self._upload_state(account, media_id)})

    def _upload_state(self, account: SandboxAccount, media_id: str) -> dict[str, Any]:
        media = self.house.ledger.media(media_id, account.account_id)
        state: dict[str, Any] = {"id": media_id, "media_key": f"3_{media_id}", "expires_after_secs": 86_400}
        if media and not self.house.is_ready(media):
            state["processing_info"] = {"state": "in_progress", "check_after_secs": 1, "progress_percent": 50}
        return state

    async def describe(self, request: Request) -> Response:
        account = self.house.caller(request)
        if account is None:
            return unauthorised()
        try:
            new = _MediaMetadata.model_validate_json(await request.body())
        except ValidationError:
            return invalid("One or more parameters to your request was invalid.")
        media = self.house.ledger.media(new.id, account.account_id)
        if media is None:
            return invalid("The media id is invalid.")
        self.house.describe(media, new.metadata.alt_text.text)
        return JSONResponse({"data": {"id": new.id, "associated_metadata": {"alt_text": new.metadata.alt_text.model_dump()}}})


async def _given(request: Request) -> tuple[str, str, bytes]:
    """Category, kind and bytes, from a form or from JSON with the bytes in base64. Raises ValueError."""
    if request.headers.get("content-type", "").startswith("application/json"):
        upload = _Upload.model_validate_json(await request.body())
        data = b64decode(upload.media, validate=True)
        return upload.media_category, _kind(data), data
    form = await request.form()
    media = form.get("media")
    if set(form) != {"media", "media_category"} or not isinstance(media, UploadFile):
        raise ValueError("not the fields of an upload")
    return str(form["media_category"]), media.content_type or "", await media.read()


def _kind(data: bytes) -> str:
    """X looks at the first bytes when nothing else names the kind."""
    known = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"RIFF": "image/webp"}
    return next((kind for start, kind in known.items() if data.startswith(start)), "application/octet-stream")
