"""What the api process is made of beside its doors."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import text

from core.domain.identity import SignInRefused, StoredSession
from core.records.database import Database
from core.use_cases.sessions import DatabaseSessions
from countersign import serving
from countersign.forgetting import forget_once
from countersign.settings import ApiSettings
from countersign.wiring import build_api
from integrations.identity import IdentityProvider
from tests.core.publishing import as_admin
from tests.kit import Urls

pytestmark = pytest.mark.anyio


def settings(folder: Path, **changes: str) -> ApiSettings:
    given = {
        "database_url": "postgresql://nobody@127.0.0.1:1/nothing",
        "oidc_issuer": "http://127.0.0.1:1",
        "oidc_client_secret": "secret",
        "base_url": "https://countersign.example",
        "media_folder": str(folder),
    }
    return ApiSettings.model_validate({**given, **changes})


@pytest.mark.parametrize("path", ["/api/v1/openapi.json", "/api/v1/drafts", "/sign-in", "/nowhere"])
async def test_every_answer_of_both_doors_tells_browsers_what_to_refuse(tmp_path: Path, path: str) -> None:
    transport = httpx2.ASGITransport(app=build_api(settings(tmp_path)))
    async with httpx2.AsyncClient(transport=transport, base_url="https://countersign.example") as client:
        answer = await client.get(path)
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_provider_that_cannot_serve_stops_the_start_and_one_that_is_away_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await serving._require_a_fit_provider(settings(tmp_path))

    async def unfit(provider: IdentityProvider) -> None:
        raise SignInRefused("Turn auth_time on at the provider.", reason="no_auth_time")

    monkeypatch.setattr(IdentityProvider, "check", unfit)
    with pytest.raises(SignInRefused, match="Turn auth_time on"):
        await serving._require_a_fit_provider(settings(tmp_path))


@pytest.mark.database
async def test_ended_sessions_and_old_answers_are_forgotten_and_others_kept(database: Database, urls: Urls) -> None:
    now = datetime.now(UTC)
    young, old = uuid4().bytes, uuid4().bytes
    for id_hash, since in ((young, now - timedelta(hours=11)), (old, now - timedelta(hours=13))):
        await DatabaseSessions(database).create(StoredSession(id_hash, None, {}, since, now, None))
    caller = uuid4().hex
    async with database.transaction() as session:
        for key in ("young", "old"):
            await session.execute(
                text("INSERT INTO idempotency (caller, key, request) VALUES (:caller, :key, '')"), {"caller": caller, "key": key}
            )
    as_admin(urls, "UPDATE idempotency SET created_at = now() - interval '8 days' WHERE caller = %s AND key = 'old'", caller)
    await forget_once(database)
    assert await DatabaseSessions(database).load(young) is not None
    assert await DatabaseSessions(database).load(old) is None
    assert as_admin(urls, "SELECT key FROM idempotency WHERE caller = %s", caller) == [{"key": "young"}]
