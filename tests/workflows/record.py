"""`python -m tests.workflows.record`: record the lives of both workflows again, and their fingerprints.

Only after a change of a definition that is meant, and gated by `workflow.patched()` while lives of before still run.
"""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from temporalio.client import Client

from countersign.embedded.temporal import EmbeddedTemporal
from tests.workflows.variants import VARIANTS, fingerprint, played

HISTORIES = Path(__file__).with_name("histories")
FINGERPRINTS = HISTORIES / "fingerprints.json"


async def record(address: str) -> None:
    client = await Client.connect(address, identity="recorder")
    HISTORIES.mkdir(exist_ok=True)
    prints = {}
    for name, variant in VARIANTS.items():
        history = await played(client, variant)
        recorded = without_places(json.loads(history.to_json()))
        (HISTORIES / f"{name}.json").write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")
        prints[name] = fingerprint(history)
        print(f"{name}: {len(history.events)} events")
    FINGERPRINTS.write_text(json.dumps(prints, indent=1, sort_keys=True) + "\n")


def without_places(data: Any) -> Any:
    """Without stack traces: they name folders of the machine that recorded."""
    if isinstance(data, dict):
        return {key: without_places(value) for key, value in data.items() if key != "stackTrace"}
    return [without_places(item) for item in data] if isinstance(data, list) else data


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedTemporal(Path(folder))
        server.start()
        try:
            asyncio.run(record(server.address))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
