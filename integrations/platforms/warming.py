"""What platforms load at first use, loaded before: nobody's first post should wait for it."""

from integrations.platforms.registry import PLATFORMS
from integrations.platforms.wire import tls_context


def warm() -> None:
    """Trusted certificates and X's tables: a second of work, for a thread at start-up."""
    tls_context()
    for platform in PLATFORMS.values():
        platform.count("")
