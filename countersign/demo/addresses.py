"""Where the demo's parts listen, kept between starts: the identity provider's address is part of who people are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from countersign.embedded.ports import LOOPBACK, free_port, port_taken
from countersign.embedded.trouble import EmbeddedTrouble

PARTS = ("identity", "x", "facebook", "linkedin", "bluesky", "mastodon")


@dataclass(frozen=True)
class Addresses:
    """The port of each part that listens for others."""

    ports: Mapping[str, int]

    def port(self, part: str) -> int:
        return self.ports[part]

    def url(self, part: str) -> str:
        return f"http://{LOOPBACK}:{self.ports[part]}"


def kept_addresses(state: Path) -> Addresses:
    """The ports of the first start. Raises EmbeddedTrouble if somebody else has taken one since."""
    file = state / "ports.json"
    ports: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    for part, port in ports.items():
        if port_taken(LOOPBACK, port):
            raise EmbeddedTrouble(
                f"Port {port}, where the demo's {part} listened before, is taken by another program; "
                "stop that program, or forget the demo's data with `make demo-reset`."
            )
    for part in PARTS:
        while part not in ports:
            port = free_port()
            if port not in ports.values():
                ports[part] = port
    file.write_text(json.dumps(ports))
    return Addresses(ports)


def login_url(login: str, password: str, port: int, database: str = "countersign") -> str:
    return f"postgresql://{quote(login)}:{quote(password, safe='')}@{LOOPBACK}:{port}/{database}"
