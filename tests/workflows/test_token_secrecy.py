"""A code and a token go the whole way, from the browser to the platform and through a refusal, and are written down nowhere."""

import logging
from pathlib import Path

import psycopg
import pytest
from temporalio.client import Client

from core.records.database import Database
from core.records.tokens import token_in_force
from core.use_cases.connecting import receive_code
from countersign.keeping import Ways
from countersign.settings import WorkerSettings
from tests.integrations.connections.harness import CLIENT_SECRET, consent
from tests.integrations.platforms.serving import Sandbox
from tests.kit import Urls, authorised, new_cast
from tests.workflows.acts import in_seconds, with_image
from tests.workflows.safe import BROWSER, Safe, open_safe, platforms
from tests.workflows.service import running_service
from tests.workflows.test_secrecy import histories

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.temporal]


def dump(url: str) -> str:
    """Every row of every table, as a dump of the database holds them; bytes in hex."""
    said = ""
    with psycopg.connect(url) as connection:
        for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            with connection.cursor().copy(f'COPY "{table}" TO STDOUT') as rows:
                said += f"{table}\n" + b"".join(bytes(row) for row in rows).decode()
    return said


async def pair(safe: Safe, account_id: object) -> tuple[str, str]:
    """The access and refresh token that serve now, opened as only the worker can."""
    async with safe.worker.transaction() as session:
        record = await token_in_force(session, account_id)  # type: ignore[arg-type]
    assert record is not None
    token = await safe.tokens.strongbox.open_token(record)
    return token.access_token, token.refresh_token or ""


async def test_no_code_and_no_token_is_written_down_anywhere(
    urls: Urls,
    database: Database,
    client: Client,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    cast = await new_cast(database, urls)
    with platforms(tmp_path, "x") as there:
        async with open_safe(urls, tmp_path, there) as safe:
            account_id = await safe.registered("x")
            begun = await safe.begun(account_id)
            back = await consent(begun.address, decision="allow")
            # What the test's own browser does is not the service's log.
            caplog.clear()
            async with safe.api.transaction() as session:
                await receive_code(session, by=safe.marcus, browser=BROWSER, answer=back)
            while (seen := await safe.connection(begun.connection_id)).status in ("begun", "exchanging"):
                pass
            await safe.confirmed(await safe.asked(account_id, seen))
            secrets = [back["code"], CLIENT_SECRET, *await pair(safe, account_id)]
            there["x"].switch(now="expire")
            ways = Ways(WorkerSettings.model_validate(worker_settings(urls, there["x"].url)), safe.tokens)
            image = await with_image(database, cast.officer, tmp_path / "media", alt="A picture")
            here = {"x": Sandbox(there["x"].url)}
            async with running_service(urls, client, here, tmp_path / "media", ways=ways) as service:
                saved = await authorised(
                    database, cast, publish_at=in_seconds(2), account_ids=(str(account_id),), images=(image,)
                )
                (row,) = (await service.until(saved.draft_id, "published", "verified", seconds=40)).values()
                await service.told()
                said = await histories(client, f"draft-{saved.draft_id}", f"publication-{row['id']}")
            secrets += await pair(safe, account_id)
            assert safe.rows("SELECT version FROM token") == [{"version": 2}], "refreshed once, when an upload was refused"
            shown = repr(safe.tokens) + repr(safe.tokens.strongbox) + repr(begun) + repr(ways)
            said += shown + dump(urls.admin) + caplog.text + "".join(capfd.readouterr())
            secrets.append(begun.state)
    assert len({*secrets}) == 7
    assert [secret[:4] for secret in secrets if secret in said or secret.encode().hex() in said] == []


def worker_settings(urls: Urls, site: str) -> dict[str, object]:
    return {
        "database_url": urls.worker,
        "temporal_address": "nowhere",
        "media_folder": "nowhere",
        "public_urls": {"x": site},
    }
