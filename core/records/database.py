"""One engine per process and login; sessions that commit when their block ends without an error."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine


def async_url(url: str) -> str:
    """The same database through psycopg 3, whatever driver the URL names."""
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+psycopg://", url)


def _options(url: str) -> str:
    """Every transaction, a single statement's too, sees what was committed before it, whatever the server's default is."""
    given = make_url(url).query.get("options", "")
    return " ".join(
        [*([given] if isinstance(given, str) else given), "-c default_transaction_isolation=read\\ committed"]
    ).strip()


class Database:
    """The database as one login sees it. Raises SQLAlchemy's OperationalError when it cannot be reached."""

    def __init__(self, url: str, *, pool_size: int = 20, overflow: int = 20, application: str = "countersign") -> None:
        self.engine: AsyncEngine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=overflow,
            pool_pre_ping=False,
            pool_timeout=30,
            # An error would quote the values of its statement, and logs hold no content.
            hide_parameters=True,
            connect_args={"application_name": application, "connect_timeout": 5, "options": _options(url)},
        )
        self._single = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._sessions = async_sessionmaker(self.engine, class_=AsyncSession, expire_on_commit=False, autoflush=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed when the block ends, and rolled back whole when it raises."""
        async with self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def single(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which each statement is a transaction of its own, committed when it returns: one round trip each."""
        async with self._single.connect() as connection:
            yield connection

    async def warm(self) -> None:
        """Open every connection of the pool now: a password exchange each is not what a due instant should wait for."""
        async with AsyncExitStack() as stack:
            size = self.engine.pool.size()  # type: ignore[attr-defined]
            await asyncio.gather(*(stack.enter_async_context(self.engine.connect()) for _ in range(size)))

    async def close(self) -> None:
        await self.engine.dispose()
