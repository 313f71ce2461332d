"""The JSON door as one application, to be mounted at /api/v1; everything it needs is given to it."""

from collections.abc import Collection, Sequence
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request

from api import authorising, drafts, health, holds, media, publications, reading, register, targets
from api.bearer import TokenVerifier, bearer
from api.door import Database, Door, ReadImage, UploadImage
from api.envelope import BodyBound, RequestIds
from api.failures import take_over_failures
from api.openapi import describe
from core.domain.identity import Caller
from core.use_cases.connecting import Consent

DESCRIPTION = (
    "Publishing on a department's official accounts: authorised or silent. The same acts as the pages offer, by the same rules. "
    "Refusals are problems (RFC 9457) with a code, and the paragraph of the Standards where one is the reason."
)


def build(
    *,
    database: Database,
    upload_image: UploadImage,
    read_image: ReadImage,
    tokens: TokenVerifier,
    platforms: Collection[str],
    consent: Consent,
    unavailable: Sequence[type[Exception]] = (),
    mounted_at: str = "/api/v1",
) -> FastAPI:
    """The application. `platforms`: names that may have a text of their own; `consent`: how platforms know this service;
    `unavailable`: the exceptions of a database that cannot be reached. There are no cookies, no sessions and no CORS
    headers: another site's script gets nowhere.
    """
    app = FastAPI(
        title="Countersign",
        version="1",
        description=DESCRIPTION,
        servers=[{"url": mounted_at}],
        root_path_in_servers=False,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.door = Door(database, upload_image, read_image, platforms, consent)
    _include_routes(app, tokens)
    take_over_failures(app, unavailable)
    # The one added last is outermost.
    app.add_middleware(BodyBound)
    app.add_middleware(RequestIds)
    return app


def _include_routes(app: FastAPI, tokens: TokenVerifier) -> None:
    """Health is public; every other router asks for a token first."""
    verified = bearer(tokens)

    async def authenticate(request: Request, caller: Annotated[Caller, Depends(verified)]) -> None:
        request.state.caller = caller

    app.include_router(health.router)
    for guarded in (
        drafts.router,
        authorising.router,
        media.router,
        targets.router,
        reading.router,
        holds.router,
        publications.router,
        register.router,
    ):
        app.include_router(guarded, dependencies=[Depends(authenticate)])

    def openapi() -> dict[str, Any]:
        return describe(app)

    app.openapi = openapi  # type: ignore[method-assign]
