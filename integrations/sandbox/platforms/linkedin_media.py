"""LinkedIn's images: an upload is begun, its bytes are put at the address it names, and it stays in work for a while."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, ValidationError

from integrations.sandbox.platforms.house import House
from integrations.sandbox.platforms.linkedin_words import error, organisation_of, owner, refusal


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Owner(_Strict):
    owner: str


class _Initialize(_Strict):
    initializeUploadRequest: _Owner


class LinkedInMedia:
    def __init__(self, house: House) -> None:
        self.house = house

    def routes(self) -> APIRouter:
        api = APIRouter()
        api.add_api_route("/rest/images", self.begin_upload, methods=["POST"])
        api.add_api_route("/rest/images/{urn}", self.image, methods=["GET"])
        api.add_api_route("/dms-uploads/{urn}", self.upload, methods=["PUT"])
        return api

    async def begin_upload(self, request: Request, action: str = "") -> Response:
        body = await request.body()
        refused = refusal(request, self.house)
        if refused:
            return refused
        try:
            asked = _Initialize.model_validate_json(body).initializeUploadRequest.owner
        except ValidationError:
            return error(400, "ILLEGAL_ARGUMENT", "initializeUploadRequest is required")
        account = self.house.caller(request, organisation_of(asked))
        if action != "initializeUpload" or account is None or asked != owner(account):
            return error(403, "ACCESS_DENIED", "Not enough permissions to access: images.initializeUpload")
        urn = f"urn:li:image:{self.house.new_id()}-{account.account_id}"
        self.house.keep_upload(account, urn, mime="")
        return JSONResponse({"value": {"uploadUrl": f"{request.base_url}dms-uploads/{urn}", "image": urn}})

    async def upload(self, request: Request, urn: str) -> Response:
        account = self.house.caller(request, urn.rpartition("-")[2])
        if account is None or self.house.ledger.media(urn, account.account_id) is None:
            return error(401, "INVALID_ACCESS_TOKEN", "Invalid access token")
        kind = request.headers.get("content-type", "")
        self.house.keep_upload(account, urn, mime=kind, data=await request.body())
        return Response(status_code=201)

    async def image(self, request: Request, urn: str) -> Response:
        refused = refusal(request, self.house)
        account = self.house.caller(request, urn.rpartition("-")[2])
        if refused or account is None:
            return refused or error(401, "INVALID_ACCESS_TOKEN", "Invalid access token")
        media = self.house.ledger.media(urn, account.account_id)
        if media is None:
            return error(404, "NOT_FOUND", f"Could not find entity {urn}")
        waiting = "PROCESSING" if media.sha256 else "WAITING_UPLOAD"
        return JSONResponse({"id": urn, "status": "AVAILABLE" if self.house.is_ready(media) else waiting})
