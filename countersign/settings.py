"""What each process is told through its environment, and nothing else. Only `countersign` reads these.

`DATABASE_URL`, `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE` and `OIDC_ISSUER` carry the names other tools use; the rest begin
with `COUNTERSIGN_`. A missing or malformed value stops the process with a sentence before it does anything.
"""

from typing import TypeVar
from urllib.parse import quote, urlsplit

from pydantic import AliasChoices, BaseModel, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from countersign.embedded.trouble import EmbeddedTrouble


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="COUNTERSIGN_", extra="ignore", populate_by_name=True)


class ApiSettings(_Settings):
    """The api: pages and JSON. It has no address of Temporal's and no token of any platform's."""

    database_url: SecretStr = Field(validation_alias=AliasChoices("DATABASE_URL"))
    oidc_issuer: str = Field(validation_alias=AliasChoices("OIDC_ISSUER"))
    oidc_client_id: str = "countersign"
    oidc_client_secret: SecretStr
    api_audience: str = "countersign-api"
    base_url: str
    media_folder: str
    client_ids: dict[str, str] = Field(default_factory=dict)
    """How each platform knows this service, by platform; the secrets that belong to them are the worker's."""
    public_urls: dict[str, str] = Field(default_factory=dict)
    """Where people read and consent at a platform, by platform, if not at its own address."""
    sandbox: bool = False
    """Every page says that nothing here reaches a real platform."""

    @field_validator("base_url", "oidc_issuer")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be a full web address, such as https://countersign.department.gov.uk")
        return value.rstrip("/")

    @field_validator("base_url")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("must begin with https:// anywhere but on this machine itself")
        return value

    @property
    def https(self) -> bool:
        return self.base_url.startswith("https://")


class ClientSetting(BaseModel):
    """How one platform knows this service."""

    id: str
    secret: SecretStr


class KeySettings(_Settings):
    """Where the key-encryption keys are: a file (the default way), the environment, or a key server."""

    key_file: str = ""
    """A file that only its owner may read; `countersign keys make` makes one."""
    keys: SecretStr = SecretStr("")
    """The keys themselves, as JSON: {"current": id, "keys": {id: 32 bytes in base64}}."""
    key_server: str = ""
    """A key server that speaks as Vault's transit engine does, by its https address."""
    key_server_key: str = "countersign"
    key_server_token: SecretStr = SecretStr("")


class WorkerSettings(KeySettings):
    """The worker: it publishes, and it alone opens tokens."""

    database_url: SecretStr = Field(validation_alias=AliasChoices("DATABASE_URL"))
    temporal_address: str = Field(validation_alias=AliasChoices("TEMPORAL_ADDRESS"))
    temporal_namespace: str = Field(default="default", validation_alias=AliasChoices("TEMPORAL_NAMESPACE"))
    media_folder: str
    clients: dict[str, ClientSetting] = Field(default_factory=dict)
    """How each platform knows this service: {"x": {"id": "…", "secret": "…"}}."""
    private_servers: bool = False
    """Accounts may live on servers of this machine or network: for a sandbox alone."""
    platform_urls: dict[str, str] = Field(default_factory=dict)
    """Where a platform's API answers, by platform, if not at its own address: a sandbox, a gateway."""
    public_urls: dict[str, str] = Field(default_factory=dict)
    """Where the public reads a platform, by platform, if not at its own address."""
    stop_at: str = ""
    """For fault tests alone: the named point of a publication at which this worker kills itself, or with `pause:` stops."""


class MigrateSettings(_Settings):
    """`countersign migrate`: a superuser's address, and the passwords that the three logins shall have."""

    admin_database_url: SecretStr
    migrator_password: SecretStr
    api_password: SecretStr
    worker_password: SecretStr
    database: str = "countersign"

    def migrator_url(self) -> str:
        """The same server as the superuser's address, as the migrator."""
        parts = urlsplit(self.admin_database_url.get_secret_value())
        server = parts.netloc.rpartition("@")[2]
        password = quote(self.migrator_password.get_secret_value(), safe="")
        return f"postgresql://countersign_migrator:{password}@{server}/{self.database}"


class KeeperSettings(KeySettings):
    """Commands that look after the keys, with the worker's login."""

    database_url: SecretStr = Field(validation_alias=AliasChoices("DATABASE_URL"))


class OperatorSettings(_Settings):
    """Commands that look at the record or place a hold, with the api's login."""

    database_url: SecretStr = Field(validation_alias=AliasChoices("DATABASE_URL"))


S = TypeVar("S", bound=_Settings)


def read(kind: type[S]) -> S:
    """The settings of this process, or EmbeddedTrouble: a sentence that names each variable, and never its value."""
    try:
        return kind()
    except ValidationError as problem:
        wrong = [f"{_variable(kind, str(error['loc'][0]))}: {error['msg']}" for error in problem.errors(include_input=False)]
        raise EmbeddedTrouble("The settings are not complete. " + "; ".join(wrong) + ".") from None


def _variable(kind: type[_Settings], location: str) -> str:
    return location if location.isupper() else f"{kind.model_config.get('env_prefix', '')}{location}".upper()
