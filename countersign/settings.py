"""What each process is told through its environment, and nothing else. Only `countersign` reads these.

`DATABASE_URL`, `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE` and `OIDC_ISSUER` carry the names other tools use; the rest begin
with `COUNTERSIGN_`. A missing or malformed value stops the process with a sentence before it does anything.
"""

from typing import TypeVar
from urllib.parse import quote, urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
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
    sandbox: bool = False
    """Every page says that nothing here reaches a real platform."""
    platform_clients: dict[str, str] = Field(default_factory=dict)
    """How each platform knows this service: its client id, by platform. The client secrets are the worker's alone."""
    platform_sites: dict[str, str] = Field(default_factory=dict)
    """Where people consent, by platform, if not at the platform's own address: a sandbox."""

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


class WorkerSettings(_Settings):
    """The worker: it publishes. `account_tokens` maps `platform:platform_account_id` to that account's token."""

    database_url: SecretStr = Field(validation_alias=AliasChoices("DATABASE_URL"))
    temporal_address: str = Field(validation_alias=AliasChoices("TEMPORAL_ADDRESS"))
    temporal_namespace: str = Field(default="default", validation_alias=AliasChoices("TEMPORAL_NAMESPACE"))
    media_folder: str
    account_tokens: dict[str, SecretStr] = Field(default_factory=dict)
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
