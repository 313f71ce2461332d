"""Images that were stored before a platform was registered can go there all the same."""

from io import BytesIO
from pathlib import Path

import psycopg
import pytest
from PIL import Image

from core.domain.content import SourceImage
from core.domain.refusals import ImageUnknown, Several
from core.records.database import Database
from core.use_cases.media import complete_derivatives, upload_image
from integrations.store import MediaStore
from tests.kit import ACCOUNTS, Urls, new_person, written

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def test_what_a_new_platform_lacks_is_made_once(database: Database, urls: Urls, tmp_path: Path) -> None:
    store = MediaStore.at(str(tmp_path))
    officer = await new_person(database, "officer")
    out = BytesIO()
    Image.new("RGB", (30, 20), "olive").save(out, "PNG")
    image = await upload_image(database, store, by=officer, raw=out.getvalue())
    shown = SourceImage(image.sha256, image.mime, image.width, image.height, "A field")
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        connection.execute("ALTER TABLE derivative DISABLE TRIGGER USER")
        connection.execute("DELETE FROM derivative WHERE platform IN ('x', 'bluesky')")
        connection.execute("ALTER TABLE derivative ENABLE TRIGGER USER")
    with pytest.raises(Several) as refused:
        await written(database, officer, images=(shown,), account_ids=(str(ACCOUNTS["x"]),))
    assert isinstance(refused.value.refusals[0], ImageUnknown)
    assert await complete_derivatives(database, store) == 2
    assert await complete_derivatives(database, store) == 0
    assert (await written(database, officer, images=(shown,), account_ids=(str(ACCOUNTS["x"]),))).version == 1


async def test_an_image_whose_bytes_are_gone_stops_nothing(database: Database, urls: Urls, tmp_path: Path) -> None:
    officer = await new_person(database, "officer")
    for shade, folder in (("navy", tmp_path / "lost"), ("teal", tmp_path / "kept")):
        out = BytesIO()
        Image.new("RGB", (30, 20), shade).save(out, "PNG")
        await upload_image(database, MediaStore.at(str(folder)), by=officer, raw=out.getvalue())
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        connection.execute("ALTER TABLE derivative DISABLE TRIGGER USER")
        connection.execute("DELETE FROM derivative WHERE platform = 'mastodon'")
        connection.execute("ALTER TABLE derivative ENABLE TRIGGER USER")
    assert await complete_derivatives(database, MediaStore.at(str(tmp_path / "kept"))) == 1
