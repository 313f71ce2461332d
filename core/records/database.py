"""One engine per process and login; sessions that commit when their block ends without an error."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from core.records.migrate import async_url


class Database:
    """The database as one login sees it. Raises SQLAlchemy's OperationalError when it cannot be reached."""

    def __init__(self, url: str, *, pool_size: int = 20, application: str = "countersign") -> None:
        self.engine: AsyncEngine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=False,
            pool_timeout=10,
            # An error would quote the values of its statement, and logs hold no content.
            hide_parameters=True,
            connect_args={"application_name": application, "connect_timeout": 5},
        )
        self._sessions = async_sessionmaker(self.engine, class_=AsyncSession, expire_on_commit=False, autoflush=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed when the block ends, and rolled back whole when it raises."""
        async with self._sessions() as session, session.begin():
            yield session

    async def close(self) -> None:
        await self.engine.dispose()
