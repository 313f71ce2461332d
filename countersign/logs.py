"""Logs as JSON lines of named fields: what is not named on purpose cannot get in."""

import sys

import structlog


def write_logs() -> None:
    """Configure this process's log. Exceptions carry their traceback, never the values of its variables."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
