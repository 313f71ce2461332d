"""docker-compose.yml: valid by the specification's own schema, no secret written down, every name it uses exists."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic import AliasChoices
from pydantic_settings import BaseSettings
from typer.main import get_command

from core.domain.people import Role
from countersign.cli import app
from countersign.settings import ApiSettings, MigrateSettings, WorkerSettings
from integrations.sandbox.identity import API_AUDIENCE, PEOPLE

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = Path(__file__).parent / "compose_spec" / "compose-spec.json"
JSON = {"PLATFORM_CLIENT_IDS", "PLATFORM_CLIENTS"}
ONE_SHOTS = {"migrate", "keys", "temporal-schema", "temporal-namespace"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def realm() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ROOT / "compose" / "keycloak-realm.json").read_text())
    return loaded


def test_it_is_valid_by_the_compose_specifications_schema(compose: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft201909Validator(schema).validate(compose)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft201909Validator(schema).validate({**compose, "services": {"api": {"imagee": "x"}}})


def test_it_brings_every_part_that_the_readme_promises(compose: dict[str, Any]) -> None:
    assert {"postgres", "temporal", "temporal-ui", "keycloak", "mailpit", "migrate", "api", "worker"} <= compose[
        "services"
    ].keys()


def test_what_is_waited_for_exists_and_can_be_waited_for(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, wait in service.get("depends_on", {}).items():
            awaited = compose["services"][name]
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in awaited, name
            else:
                assert name in ONE_SHOTS
                assert awaited["restart"] == "on-failure"


def test_every_volume_and_mounted_file_exists(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in compose["volumes"], mount


def test_it_serves_this_machine_alone(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_secret_comes_from_the_env_file_which_starts_out_empty(compose: dict[str, Any], realm: dict[str, Any]) -> None:
    offered = dict(line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if line and line[0] != "#")
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert asked == offered.keys()
    assert set(offered.values()) == {"", "{}"}
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|PWD|TOKENS?$", name):
                assert re.fullmatch(r"\$\{\w+:\?set it in \.env\}", value), name
            assert not re.search(r"://\w+:(?!\$\{)[^/]*@", value), name
    secrets = [client["secret"] for client in realm["clients"]]
    secrets += [credential["value"] for user in realm["users"] for credential in user.get("credentials", [])]
    given = compose["services"]["keycloak"]["environment"].keys()
    assert all(re.fullmatch(r"\$\{\w+\}", secret) and secret[2:-1] in given for secret in secrets)


def test_every_image_is_pinned(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert re.fullmatch(r"[\w./-]+:(v?\d[\w.]*|local)", service["image"]), name


def test_the_realm_has_our_roles_and_a_person_for_each(realm: dict[str, Any]) -> None:
    assert {role["name"] for role in realm["roles"]["realm"]} == {role.value for role in Role}
    assert {role for user in realm["users"] for role in user["realmRoles"]} == {role.value for role in Role}
    people = {user["username"]: user for user in realm["users"] if "serviceAccountClientId" not in user}
    for username, person in people.items():
        assert f"{person['firstName']} {person['lastName']}" == PEOPLE[username].name


def test_the_realms_tokens_are_ones_that_the_api_accepts(realm: dict[str, Any]) -> None:
    for client in realm["clients"]:
        assert client["attributes"]["access.token.header.type.rfc9068"] == "true", "typ would be JWT, which the api refuses"
        mappers = {mapper["protocolMapper"]: mapper["config"] for mapper in client["protocolMappers"]}
        assert mappers["oidc-usermodel-realm-role-mapper"]["claim.name"] == "roles"
        assert mappers["oidc-audience-mapper"]["included.custom.audience"] == API_AUDIENCE
        assert not client["publicClient"]
        assert not client["directAccessGrantsEnabled"]


def test_the_pages_client_must_use_pkce(realm: dict[str, Any]) -> None:
    pages = next(client for client in realm["clients"] if client["clientId"] == "countersign")
    assert pages["attributes"]["pkce.code.challenge.method"] == "S256"


def test_the_image_holds_what_the_lock_file_names_and_runs_as_nobody_special() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert dockerfile.count("--require-hashes") == 2
    assert "requirements/all.txt" not in dockerfile
    last_user = re.findall(r"^USER (\w+)$", dockerfile, re.MULTILINE)[-1]
    assert last_user != "root"


@pytest.mark.parametrize(("service", "kind"), [("api", ApiSettings), ("worker", WorkerSettings), ("migrate", MigrateSettings)])
def test_every_variable_is_a_setting_of_that_process_and_none_is_missing(
    compose: dict[str, Any], service: str, kind: type[BaseSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, str] = compose["services"][service]["environment"]
    assert given.keys() <= variables_of(kind)
    for name in variables_of(kind):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, re.sub(r"\$\{(\w+):[^}]*\}", lambda found: "{}" if found[1] in JSON else found[1], value))
    kind()


def variables_of(kind: type[BaseSettings]) -> set[str]:
    prefix = kind.model_config.get("env_prefix", "")
    names: set[str] = set()
    for name, field in kind.model_fields.items():
        alias = field.validation_alias
        names |= {str(choice) for choice in alias.choices} if isinstance(alias, AliasChoices) else {f"{prefix}{name}".upper()}
    return names


def test_no_process_is_given_what_is_anothers(compose: dict[str, Any]) -> None:
    """The api holds no key, no client secret and no address of Temporal's; only the migration sees the superuser's password."""
    services = compose["services"]
    api = services["api"]
    assert not {"TEMPORAL_ADDRESS", "COUNTERSIGN_KEY_FILE", "COUNTERSIGN_CLIENTS"} & api["environment"].keys()
    assert not any("keys" in mount for mount in api["volumes"])
    assert not {"OIDC_ISSUER", "COUNTERSIGN_OIDC_CLIENT_SECRET"} & services["worker"]["environment"].keys()
    for name in ("api", "worker"):
        assert "POSTGRES_PASSWORD:" not in " ".join(services[name]["environment"].values())


def test_every_command_that_it_starts_exists(compose: dict[str, Any]) -> None:
    for name in ("api", "worker", "migrate"):
        command, *options = compose["services"][name]["command"]
        known = get_command(app).commands[command]  # type: ignore[attr-defined]
        offered = {option for parameter in known.params for option in parameter.opts}
        assert {option for option in options if option.startswith("--")} <= offered, name
