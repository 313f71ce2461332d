"""Where the demo's parts listen, kept between starts: the identity provider's address is part of who people are."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from countersign.embedded.ports import LOOPBACK, free_port, port_taken
from countersign.embedded.trouble import EmbeddedTrouble


@dataclass(frozen=True)
class Addresses:
    identity: int
    x: int
    facebook: int
    linkedin: int

    def url(self, part: str) -> str:
        return f"http://{LOOPBACK}:{getattr(self, part)}"


def kept_addresses(state: Path) -> Addresses:
    """The ports of the first start. Raises EmbeddedTrouble if somebody else has taken one since."""
    file = state / "ports.json"
    if file.exists():
        kept = Addresses(**json.loads(file.read_text()))
        for part, port in asdict(kept).items():
            if port_taken(LOOPBACK, port):
                raise EmbeddedTrouble(
                    f"Port {port}, where the demo's {part} listened before, is taken by another program; "
                    "stop that program, or forget the demo's data with `make demo-reset`."
                )
        return kept
    ports: list[int] = []
    while len(ports) < 4:
        port = free_port()
        if port not in ports:
            ports.append(port)
    chosen = Addresses(*ports)
    file.write_text(json.dumps(asdict(chosen)))
    return chosen


def login_url(login: str, password: str, port: int, database: str = "countersign") -> str:
    return f"postgresql://{quote(login)}:{quote(password, safe='')}@{LOOPBACK}:{port}/{database}"
