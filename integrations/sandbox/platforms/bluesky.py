"""A Bluesky PDS as a server: records under keys, blobs by their hash, in its own error words (checked against PDS 0.5)."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import filetype  # type: ignore[import-untyped]
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import ValidationError

from integrations.sandbox.platforms.bluesky_lexicons import RECORDS, Delete, Write
from integrations.sandbox.platforms.bluesky_records import POST, Records, SwapRefused, new_rkey, split_uri
from integrations.sandbox.platforms.dag_cbor import blob_cid
from integrations.sandbox.platforms.house import House, SandboxAccount
from integrations.sandbox.platforms.ledger import StoredImage, StoredPost
from integrations.sandbox.platforms.lies import Mode, tell

_POINTS_A_POST = 3


def error(status: int, name: str, message: str) -> JSONResponse:
    return JSONResponse({"error": name, "message": message}, status_code=status)


class BlueskyServer:
    def __init__(self, house: House) -> None:
        self.house = house
        self.records = Records(house)
        house.name_post = lambda account_id: f"at://{account_id}/{POST}/{new_rkey(house.clock())}"

    def routes(self) -> APIRouter:
        api = APIRouter()
        repo = "/xrpc/com.atproto.repo."
        api.add_api_route(repo + "putRecord", self.put, methods=["POST"])
        api.add_api_route(repo + "createRecord", self.create, methods=["POST"])
        api.add_api_route(repo + "deleteRecord", self.delete, methods=["POST"])
        api.add_api_route(repo + "getRecord", self.get, methods=["GET"])
        api.add_api_route(repo + "listRecords", self.list, methods=["GET"])
        api.add_api_route(repo + "uploadBlob", self.upload, methods=["POST"])
        api.add_api_route("/xrpc/com.atproto.sync.getBlob", self.blob, methods=["GET"])
        api.add_api_route("/xrpc/com.atproto.server.describeServer", self.describe, methods=["GET"])
        api.add_api_route("/xrpc/com.atproto.identity.resolveHandle", self.resolve, methods=["GET"])
        api.add_api_route("/xrpc/app.bsky.actor.getProfile", self.profile, methods=["GET"])
        api.add_api_route("/profile/{handle}/post/{rkey}", self.page, methods=["GET"])
        return api

    def _refusal(self, request: Request) -> Response:
        if self.house.token_problem(request) is Mode.TOKEN_EXPIRED:
            return error(400, "ExpiredToken", "Token has expired")
        return error(401, "AuthMissing", "Authentication Required")

    async def put(self, request: Request) -> Response:
        return await self._write(request, made_here=False)

    async def create(self, request: Request) -> Response:
        return await self._write(request, made_here=True)

    async def _write(self, request: Request, *, made_here: bool) -> Response:
        account = self.house.caller(request)
        if account is None:
            return self._refusal(request)
        body = await request.body()
        try:
            asked = Write.model_validate_json(body)
            record = RECORDS[asked.collection].model_validate(asked.record)
            target = record.target()
        except ValidationError as bad:
            return error(400, "InvalidRequest", f"Invalid record: {bad.errors()[0]['loc']} {bad.errors()[0]['msg']}")
        if asked.repo not in (account.account_id, account.handle):
            return error(403, "InvalidRequest", "Could not write to this repository")
        if made_here:
            asked = asked.model_copy(update={"rkey": asked.rkey or new_rkey(self.house.clock())})
        elif asked.rkey is None:
            return error(400, "InvalidRequest", 'Input must have the property "rkey"')
        images = self._images(account, [(image.image.ref.link, image.alt) for image in record.images()])
        if images is None:
            return error(400, "BlobNotFound", "Could not find blob")
        if self.house.used_up(account):
            return self._limited(account)

        def accept(truncated: bool) -> StoredPost:
            return self.records.write(
                request, account, body, asked, images=images, target=target, only_new=made_here, truncated=truncated
            )

        return await self._told(request, account, accept)

    async def _told(self, request: Request, account: SandboxAccount, accept: Callable[[bool], StoredPost]) -> Response:
        try:
            return await tell(
                request,
                self.house.lies.about_post(),
                accept=accept,
                answer=lambda post: self._with_limits(account, JSONResponse(self._written(post))),
                limited=lambda: self._limited(account),
                broken=lambda status: error(status, "InternalServerError", "Internal Server Error"),
            )
        except SwapRefused as refused:
            return error(400, "InvalidSwap", str(refused))
        except FileExistsError:
            # Seen at a real PDS: creating under a key that is taken is no refusal but a breakdown.
            return error(500, "InternalServerError", "Internal Server Error")

    def _images(self, account: SandboxAccount, named: list[tuple[str, str]]) -> tuple[StoredImage, ...] | None:
        found = [self.house.uploaded(account, f"{account.account_id}/{cid}", alt) for cid, alt in named]
        return tuple(image for image in found if image) if all(found) else None

    def _written(self, post: StoredPost) -> dict[str, Any]:
        row = self.records.row(post)
        return {"uri": row["uri"], "cid": row["cid"], "validationStatus": "valid"}

    def _with_limits(self, account: SandboxAccount, response: Response) -> Response:
        left = self.house.left(account)
        response.headers["ratelimit-limit"] = str(left.limit * _POINTS_A_POST)
        response.headers["ratelimit-remaining"] = str(left.remaining * _POINTS_A_POST)
        response.headers["ratelimit-reset"] = str(int(left.reset_at.timestamp()) + 1)
        response.headers["ratelimit-policy"] = f"{left.limit * _POINTS_A_POST};w={int(self.house.limit.seconds)}"
        return response

    def _limited(self, account: SandboxAccount) -> Response:
        response = self._with_limits(account, error(429, "RateLimitExceeded", "Rate Limit Exceeded"))
        response.headers["ratelimit-remaining"] = "0"
        return response

    async def get(self, request: Request, repo: str, collection: str, rkey: str) -> Response:
        self.house.caller(request)
        if self.house.token_problem(request):
            return self._refusal(request)
        account = self.records.owner(repo)
        uri = f"at://{account.account_id if account else repo}/{collection}/{rkey}"
        post = self.records.standing(uri)
        return JSONResponse(self.records.row(post)) if post else error(400, "RecordNotFound", f"Could not locate record: {uri}")

    async def list(
        self, request: Request, repo: str, collection: str, limit: int = 50, cursor: str = "", reverse: bool = False
    ) -> Response:
        self.house.caller(request)
        if self.house.token_problem(request):
            return self._refusal(request)
        account = self.records.owner(repo)
        if account is None or not 1 <= limit <= 100:
            return error(400, "InvalidRequest", f"Could not find repo: {repo}")
        rows = self.records.listed(account, collection)
        if reverse:
            rows.reverse()
        keys = [split_uri(row["uri"])[2] for row in rows]
        start = next((place + 1 for place, key in enumerate(keys) if key == cursor), 0)
        page = rows[start : start + limit]
        more = {"cursor": keys[start + len(page) - 1]} if page else {}
        return JSONResponse({"records": page, **more})

    async def delete(self, request: Request) -> Response:
        account = self.house.caller(request)
        if account is None:
            return self._refusal(request)
        try:
            asked = Delete.model_validate_json(await request.body())
        except ValidationError:
            return error(400, "InvalidRequest", "Input must have the properties repo, collection and rkey")
        if asked.repo not in (account.account_id, account.handle):
            return error(403, "InvalidRequest", "Could not write to this repository")
        uri = f"at://{account.account_id}/{asked.collection}/{asked.rkey}"

        def accept(_: bool) -> None:
            self.records.delete(uri)

        return await tell(
            request,
            self.house.lies.about_removal(),
            accept=accept,
            answer=lambda _: self._with_limits(account, JSONResponse({})),
            limited=lambda: self._limited(account),
            broken=lambda status: error(status, "InternalServerError", "Internal Server Error"),
        )

    async def upload(self, request: Request) -> Response:
        account = self.house.caller(request)
        if account is None:
            return self._refusal(request)
        data, mime = await request.body(), request.headers.get("content-type", "")
        if not data or not mime:
            return error(400, "InvalidRequest", "Request encoding (Content-Type) required but not provided")
        sniffed = filetype.guess(data)  # A PDS believes the bytes before the header.
        mime = sniffed.mime if sniffed else mime
        cid = blob_cid(data)
        media_id = f"{account.account_id}/{cid}"
        self.house.keep_upload(account, media_id, mime=mime, data=data)
        # A PDS answers when it is done with the blob, not before.
        while (media := self.house.ledger.media(media_id, account.account_id)) and not self.house.is_ready(media):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        return JSONResponse({"blob": {"$type": "blob", "ref": {"$link": cid}, "mimeType": mime, "size": len(data)}})

    async def blob(self, did: str, cid: str) -> Response:
        media = self.house.ledger.media(f"{did}/{cid}", did)
        found = self.house.ledger.blob(media.sha256) if media else None
        return Response(found[0], media_type=found[1]) if found else error(400, "BlobNotFound", "Blob not found")

    async def describe(self, request: Request) -> Response:
        return JSONResponse({"did": "did:web:localhost", "availableUserDomains": [".test"], "inviteCodeRequired": False})

    async def resolve(self, handle: str) -> Response:
        account = self.records.owner(handle)
        return JSONResponse({"did": account.account_id}) if account else error(400, "HandleNotFound", "Unable to resolve handle")

    async def profile(self, request: Request, actor: str) -> Response:
        if self.house.caller(request) is None:
            return self._refusal(request)
        account = self.records.owner(actor)
        if account is None:
            return error(400, "InvalidRequest", "Profile not found")
        return JSONResponse({"did": account.account_id, "handle": account.handle, "displayName": account.name})

    async def page(self, handle: str, rkey: str) -> Response:
        """The address at the site: here, the ledger's page of that post."""
        account = self.records.owner(handle)
        post = self.records.standing(f"at://{account.account_id}/{POST}/{rkey}") if account else None
        if post is None:
            return Response(status_code=404)
        return RedirectResponse(f"/_post/{quote(post.post_id, safe='')}")
