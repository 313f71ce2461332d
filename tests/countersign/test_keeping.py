"""Which servers the worker may reach only on the public internet: those that a person named."""

from pathlib import Path
from uuid import UUID

import pytest

from core.records.database import Database
from core.records.facts import AccountFacts
from countersign.keeping import Ways, build_tokens
from countersign.settings import WorkerSettings

SERVER = "https://social.example"
ACCOUNT = AccountFacts(UUID(int=1), "manual", "1", "dept", "Department", "connected", 1, SERVER)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("changes", "server", "public_only"),
    [
        ({}, SERVER, True),
        ({}, "", False),
        ({"private_servers": True}, SERVER, False),
        ({"platform_urls": {"manual": "http://gateway.internal"}}, SERVER, False),
    ],
    ids=["named by a person", "the platform's own", "a sandbox", "named by the settings"],
)
async def test_a_server_that_a_person_named_is_reached_in_public_alone(
    changes: dict[str, object], server: str, public_only: bool, tmp_path: Path
) -> None:
    given = {"database_url": "postgresql://nobody@127.0.0.1:1/nothing", "temporal_address": "nowhere", "media_folder": "nowhere"}
    settings = WorkerSettings.model_validate({**given, "key_file": str(tmp_path / "keys.json"), **changes})
    ways = Ways(settings, build_tokens(settings, Database("postgresql://nobody@127.0.0.1:1/nothing")))
    account = AccountFacts(**{**vars(ACCOUNT), "server": server})
    assert (await ways.access_for(account)).public_only is public_only
