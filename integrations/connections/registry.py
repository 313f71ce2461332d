"""How every platform is connected. Its keys are those of the platforms; `private_servers` is for sandbox and peers alone."""

from integrations.connections.base import Connection
from integrations.connections.bluesky import Bluesky
from integrations.connections.facebook import Facebook
from integrations.connections.linkedin import LinkedIn
from integrations.connections.manual import Manual
from integrations.connections.mastodon import Mastodon
from integrations.connections.x import X


def connections(*, private_servers: bool = False) -> dict[str, Connection]:
    """`private_servers` lets a person name a Mastodon or Bluesky server on this machine or inside the network."""
    return {
        "x": X(),
        "facebook": Facebook(),
        "linkedin": LinkedIn(),
        "bluesky": Bluesky(private_servers=private_servers),
        "mastodon": Mastodon(private_servers=private_servers),
        "manual": Manual(),
    }


CONNECTIONS: dict[str, Connection] = connections()
