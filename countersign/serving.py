"""The api process."""

import logging

import uvicorn

from countersign.logs import write_logs
from countersign.settings import ApiSettings, read
from countersign.wiring import build_api


def serve_api(host: str, port: int) -> None:
    """Serve until told to stop; answers in flight are finished."""
    settings = read(ApiSettings)
    write_logs()
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
