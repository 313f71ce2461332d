"""A row in every table of the watch and of the captured targets."""

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import text

from core.records.alarms import raise_alarm
from core.records.database import Database
from core.records.targets import take_requests, write_capture
from core.records.watching import remember_posts
from core.use_cases.alarms import answer_alarm, open_alarms
from tests.kit import ACCOUNTS, Cast

_ASK = text("INSERT INTO target_request (id, account_id, kind, address, asked_by) VALUES (:id, :account, 'reply', '-', :by)")


async def write_watching(database: Database, worker: Database, cast: Cast) -> None:
    account = ACCOUNTS["x"]
    async with database.transaction() as session:
        await session.execute(_ASK, {"id": uuid4(), "account": account, "by": cast.officer.id})
    async with worker.transaction() as session:
        await remember_posts(session, account, [("1", "f")], why="stood_before")
        await raise_alarm(session, account, "rogue", about="2", sentence="A post.", post_id="2")
        (request,) = await take_requests(session)
        await write_capture(session, request.id, None, note="There is none.")
    async with database.transaction() as session:
        (raised,) = await open_alarms(session, by=cast.press)
        await answer_alarm(session, by=cast.press, authenticated_at=datetime.now(UTC), alarm_id=raised.id, words="Seen.")
