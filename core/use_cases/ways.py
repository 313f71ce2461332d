"""How each platform's accounts are connected, for pages that ask for what it needs."""

from dataclasses import dataclass

from integrations.connections.registry import CONNECTIONS


@dataclass(frozen=True)
class Way:
    """`kind`: oauth (a consent page), app_password or by_hand (a person posts)."""

    platform: str
    label: str
    kind: str
    takes_a_server: bool


WAYS = {name: Way(name, one.label, one.kind, one.takes_a_server) for name, one in CONNECTIONS.items()}
