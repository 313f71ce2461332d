"""The api process."""

import asyncio
import logging

import structlog
import uvicorn

from core.domain.identity import ProviderUnreachable
from countersign.logs import write_logs
from countersign.settings import ApiSettings, read
from countersign.wiring import build_api, build_provider

log = structlog.get_logger(__name__)


def serve_api(host: str, port: int) -> None:
    """Serve until told to stop; answers in flight are finished."""
    settings = read(ApiSettings)
    write_logs()
    asyncio.run(_require_a_fit_provider(settings))
    logging.getLogger("uvicorn.access").disabled = True
    uvicorn.run(
        build_api(settings),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )


async def _require_a_fit_provider(settings: ApiSettings) -> None:
    """Raise SignInRefused, with what to put right, where nobody could ever decide; one that is away may come back."""
    try:
        await build_provider(settings).check()
    except ProviderUnreachable as away:
        log.warning("identity_provider_away", reason=away.reason)
