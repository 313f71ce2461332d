"""What the activities of a publication work with."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from core.records.database import Database
from core.records.facts import AccountFacts
from integrations.platforms.base import Platform
from integrations.platforms.values import Access
from integrations.store import MediaStore
from workflows.activities.patience import Patience
from workflows.departures import Departures
from workflows.gate import Gate
from workflows.points import Reached

AccessFor = Callable[[AccountFacts], Awaitable[Access]]
"""One account's way in, its token opened for this use. Raises NoAccess where there is none that works."""


Renew = Callable[[AccountFacts, Access], Awaitable[Access]]
"""Another way in, after the platform did not take this one's token. Raises NoAccess, PrepareFailed."""


@dataclass(frozen=True)
class Means:
    """What publishing needs: the worker's database, the media store, the platforms, the tokens, the gate."""

    database: Database
    store: MediaStore
    platforms: Mapping[str, Platform]
    access_for: AccessFor
    gate: Gate
    departures: Departures
    worker: str
    reached: Reached
    renew: Renew | None = None
    patience: Patience = field(default_factory=Patience)
