"""The floor: the transaction of a decision as raw SQL behind a bare route, and nothing else. No rules, no sign-in.

DATABASE_URL=… python -m countersign.bench.floor --port 8100
"""

import argparse
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import uvicorn
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool
from pydantic import BaseModel

_DECISION = (
    "INSERT INTO decision (id, submission_id, step, person_id, authority_id, answer, digest, reason, answers) "
    "VALUES (%s, %s, 1, %s, %s, 'authorise', %s, '', '{}')"
)
_NEXT = (
    "INSERT INTO awaiting (submission_id, step, draft_id, role, label, account_ids, due) "
    "VALUES (%s, 2, %s, 'policy_owner', 'Policy owner', %s, now()) ON CONFLICT DO NOTHING"
)


class Asked(BaseModel):
    draft: UUID
    submission: UUID
    person: UUID
    authority: UUID
    account: UUID
    digest: str


def build(database_url: str) -> FastAPI:
    """As many connections as the service itself may open."""
    pool = AsyncConnectionPool(database_url, min_size=4, max_size=40, open=False)

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        await pool.open(wait=True)
        yield
        await pool.close()

    app = FastAPI(lifespan=living, docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/decisions", status_code=201)
    async def decide(asked: Asked) -> dict[str, str]:
        decision = uuid4()
        async with pool.connection() as connection:
            execute = connection.execute
            await execute("SELECT 1 FROM draft WHERE id = %s FOR UPDATE", (asked.draft,))
            await execute(_DECISION, (decision, asked.submission, asked.person, asked.authority, asked.digest))
            await execute("DELETE FROM awaiting WHERE submission_id = %s AND step = 1", (asked.submission,))
            await execute(_NEXT, (asked.submission, asked.draft, [asked.account]))
            await execute(
                "SELECT audit_append(%s, 'the floor', 'draft.authorise', 36, %s, '{}', '')",
                (f"draft:{asked.draft}", asked.digest),
            )
            await execute("UPDATE draft SET revision = revision + 1, changed_at = now() WHERE id = %s", (asked.draft,))
            await execute("INSERT INTO outbox (kind, subject_id) VALUES ('draft', %s)", (asked.draft,))
        return {"decision": str(decision)}

    @app.get("/")
    async def here() -> dict[str, bool]:
        return {"here": True}

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="A decision's transaction without the service around it.")
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    app = build(os.environ["DATABASE_URL"])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False, server_header=False)


if __name__ == "__main__":
    main()
