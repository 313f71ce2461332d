"""What keeps the secrets, as the settings say: key-encryption keys, the strongbox, the tokens. Part of the wiring."""

from pathlib import Path

from core.records.database import Database
from core.records.facts import AccountFacts
from core.use_cases.connecting import Consent
from countersign.embedded.trouble import EmbeddedTrouble
from countersign.settings import ApiSettings, KeySettings, WorkerSettings
from integrations.connections.registry import connections
from integrations.platforms.values import Access
from integrations.secrets.keyring import KeyFile, KeySource, read_keys
from integrations.secrets.vault import Transit, TransitKeys
from web.sign_in import CONSENT_CALLBACK
from workflows.clients import Clients, KnownAs
from workflows.strongbox import Strongbox
from workflows.tokens import Tokens


def build_consent(settings: ApiSettings) -> Consent:
    """How a person's consent is begun: the api knows ids and addresses, no secret."""
    return Consent(f"{settings.base_url}{CONSENT_CALLBACK}", settings.client_ids, settings.public_urls)


def build_keys(settings: KeySettings) -> KeySource:
    """The one key source that the settings name. Raises EmbeddedTrouble, KeyTrouble."""
    named = [bool(settings.key_file), bool(settings.keys.get_secret_value()), bool(settings.key_server)]
    if sum(named) != 1:
        raise EmbeddedTrouble(
            "Say in one way where the key-encryption keys are: COUNTERSIGN_KEY_FILE (make one with `countersign keys make`), "
            "COUNTERSIGN_KEYS, or COUNTERSIGN_KEY_SERVER."
        )
    if settings.key_file:
        return KeyFile(Path(settings.key_file))
    if settings.key_server:
        token = settings.key_server_token.get_secret_value()
        return TransitKeys(Transit(settings.key_server, settings.key_server_key, token))
    return read_keys(settings.keys.get_secret_value(), where="COUNTERSIGN_KEYS")


def build_tokens(settings: WorkerSettings, database: Database) -> Tokens:
    """Everything that opens, refreshes and revokes, as the worker's login."""
    strongbox = Strongbox(build_keys(settings))
    known = KnownAs(
        {platform: (client.id, client.secret.get_secret_value()) for platform, client in settings.clients.items()},
        settings.platform_urls,
        settings.public_urls,
    )
    return Tokens(database, strongbox, Clients(strongbox, connections(private_servers=settings.private_servers), known))


class Ways:
    """The way in to each account, its token opened for one use."""

    def __init__(self, settings: WorkerSettings, tokens: Tokens) -> None:
        self._settings, self.tokens = settings, tokens

    async def access_for(self, account: AccountFacts) -> Access:
        """Raises NoAccess where somebody must connect it again, NoAccessNow while its platform does not answer."""
        return self._access(account, await self._token(account))

    async def renew(self, account: AccountFacts, access: Access) -> Access:
        """The same with another token than the one that the platform did not take."""
        return self._access(account, await self._token(account, instead_of=access.token))

    async def _token(self, account: AccountFacts, *, instead_of: str | None = None) -> str:
        if self.tokens.clients.connections[account.platform].kind == "by_hand":
            return ""
        return await self.tokens.token_for(account.id, instead_of=instead_of)

    def _access(self, account: AccountFacts, token: str) -> Access:
        base_url = self.tokens.clients.base_url(account.platform, account.server)
        # What the settings name is the department's own choice, inside its network or not.
        named = bool(account.server) and base_url == account.server
        return Access(
            platform_account_id=account.platform_account_id,
            handle=account.handle,
            token=token,
            base_url=base_url,
            public_url=self._settings.public_urls.get(account.platform, ""),
            public_only=named and not self._settings.private_servers,
        )
