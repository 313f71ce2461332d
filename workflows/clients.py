"""How the platforms know this service: by its settings, or, where each server is asked, by an introduction of the worker's."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncSession

from core.records.consents import AppWish, app_client_id
from core.records.service_secrets import service_secret
from integrations.connections.base import Client, ConnectFailed, Connection
from workflows.strongbox import Strongbox


@dataclass(frozen=True)
class KnownAs:
    """Client id and secret by platform; where its API answers (`urls`) and people consent (`sites`), if not at its own."""

    clients: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    urls: Mapping[str, str] = field(default_factory=dict)
    sites: Mapping[str, str] = field(default_factory=dict)


class Clients:
    def __init__(self, strongbox: Strongbox, connections: Mapping[str, Connection], known: KnownAs) -> None:
        self.connections = connections
        self._strongbox = strongbox
        self._known = known

    async def client(self, session: AsyncSession, platform: str, server: str, redirect_uri: str) -> Client:
        """This service as the platform, or this one server, knows it. Raises ConnectFailed, KeyTrouble."""
        connection = self.connections[platform]
        base, site = self.base_url(platform, server), self._known.sites.get(platform, "")
        if connection.kind != "oauth":
            return Client("", "", base, site)
        if not connection.needs_app_registration:
            client_id, secret = self._known.clients.get(platform, ("", ""))
            if not client_id:
                raise ConnectFailed(
                    f"The service's settings do not say how {connection.label} knows it. Ask who runs the service."
                )
            return Client(client_id, secret, base, site)
        wish = AppWish(platform, server, redirect_uri)
        kept = await service_secret(session, kind="app", subject=app_subject(wish))
        if kept is None:
            raise ConnectFailed("This server does not know the service. Begin connecting the account again.")
        client_id = await app_client_id(session, wish) or ""
        return Client(client_id, (await self._strongbox.open_own(kept)).decode(), base, site)

    def base_url(self, platform: str, server: str) -> str:
        """Where the account's platform answers: as the settings say, else its server, else the platform's own address."""
        return self._known.urls.get(platform) or server or self.connections[platform].api_url


def app_subject(wish: AppWish) -> str:
    """What the secret of an introduction is kept under."""
    return f"{wish.platform}|{wish.server}|{wish.redirect_uri}"
