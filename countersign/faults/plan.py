"""What will be done to the service, decided before it starts, by the seed alone: the same seed gives the same plan."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from integrations.sandbox.platforms.lies import Mode
from workflows.points import Point

PLATFORMS = ("x", "facebook", "linkedin")
LEAST, MOST = 12, 40
KILLS_A_ROUND = 4
# What a run reaches, the most dangerous first; nothing is taken down in one.
_FIRST = (Point.DISPATCHED, Point.AT_THE_GATE, Point.ANSWERED, Point.LOOKED_UP)
_NEXT = (Point.CLAIMED, Point.RECORDED, Point.PREPARED, Point.READ_BACK, Point.JUDGED)
POINTS = tuple(str(point) for point in (*_FIRST, *_NEXT))
PAUSED_AT = (str(Point.DISPATCHED), str(Point.AT_THE_GATE), str(Point.ANSWERED), str(Point.CLAIMED))
# Seconds, all counted from the first due instant of a round.
BEFORE_DUE, AFTER_DUE, DUE_WITHIN = 1.5, 3.0, 2.0


class Kind(StrEnum):
    """What a round is mainly about. Lies, holds and people's stops are in others too."""

    KILLED_AT = "worker killed at a point"
    PAUSED_AT = "worker paused at a point"
    KILLED = "workers killed any time"
    PAUSED = "workers paused past leases"
    DATABASE = "PostgreSQL killed"
    ENGINE = "Temporal killed"
    API = "api killed amid decisions"
    PLATFORM_WIRE = "wires to the platforms"
    DATABASE_WIRE = "wires to PostgreSQL"
    ENGINE_WIRE = "wires to Temporal"
    LIES = "platforms lie"
    HOLDS = "holds at the due instant"
    STOPS = "people stop and change"


class Act(StrEnum):
    """One thing done to the service."""

    KILL = "kill"
    PAUSE = "pause"
    CUT = "cut"
    DELAY = "delay"
    SWALLOW = "swallow"
    SWALLOW_ANSWERS = "swallow answers"
    LIE = "lie"
    HOLD = "hold"


class Stop(StrEnum):
    """What a person does about one draft while it is about to leave."""

    WITHDRAW = "withdraw"
    EDIT = "edit"
    REVOKE = "revoke"
    NEW_TIME = "new time"


@dataclass(frozen=True)
class Strike:
    """`act` on `whom`, `at` seconds after the first due instant, undone `seconds` later. `how`: a lie's mode, a hold's scope."""

    at: float
    act: Act
    whom: str = ""
    seconds: float = 0.0
    how: str = ""
    times: int = 1


@dataclass(frozen=True)
class Wanted:
    """One draft: for which platforms, due how long after the first of its round, and who stops it when."""

    platforms: tuple[str, ...]
    due: float
    image: bool = False
    stop: Stop | None = None
    stop_at: float = 0.0


@dataclass(frozen=True)
class Round:
    number: int
    kind: Kind
    drafts: tuple[Wanted, ...]
    strikes: tuple[Strike, ...]
    stop_at: str = ""
    """What the first worker is told to stop at, as COUNTERSIGN_STOP_AT."""
    paused_for: float = 0.0

    @property
    def publications(self) -> int:
        return sum(len(draft.platforms) for draft in self.drafts)


@dataclass
class _Draw:
    """Chance, and what goes round in turn so that nothing is left out."""

    chance: random.Random
    turns: dict[str, int] = field(default_factory=dict)

    def when(self) -> float:
        return round(self.chance.uniform(-BEFORE_DUE, AFTER_DUE), 2)

    def next_of(self, what: str, among: tuple[str, ...]) -> str:
        """Lies, holds and stops begin anywhere, so that short runs differ; points and pauses with the most dangerous."""
        start = self.chance.randrange(len(among)) - 1 if what in ("lie", "hold", "stop") else -1
        turn = self.turns[what] = self.turns.get(what, start) + 1
        return among[turn % len(among)]


Strikes = Callable[[_Draw], list[Strike]]


def plan(seed: int, publications: int) -> list[Round]:
    """Rounds with `publications` in all, every kind in turn in an order of the seed's."""
    draw = _Draw(random.Random(seed))  # noqa: S311 - chance that can be repeated
    kinds = list(Kind)
    size = max(LEAST, min(MOST, -(-publications // len(kinds))))
    rounds: list[Round] = []
    order: list[Kind] = []
    left = publications
    while left > 0:
        if not order:
            order = draw.chance.sample(kinds, len(kinds))
        kind = order.pop()
        # What the dead one held is nobody's for 15 s: each point gets drafts of its own.
        for part in _parts(min(size, left), KILLS_A_ROUND if kind is Kind.KILLED_AT else 1):
            rounds.append(_round(draw, len(rounds) + 1, kind, part))
            left -= part
    return rounds


def _parts(size: int, count: int) -> list[int]:
    """`size` in so many parts as equal as can be, none empty."""
    return [part for number in range(count) if (part := (size + number) // count)]


def _round(draw: _Draw, number: int, kind: Kind, size: int) -> Round:
    drafts = tuple(_drafts(draw, kind, size))
    strikes = [*_STRIKES[kind](draw), *_always(draw, kind)]
    stop_at, paused = "", 0.0
    if kind is Kind.KILLED_AT:
        stop_at = draw.next_of("point killed at", POINTS)
        if stop_at == Point.LOOKED_UP:
            strikes += [Strike(-BEFORE_DUE, Act.LIE, platform, how=str(Mode.CUT_AFTER), times=size) for platform in PLATFORMS]
    elif kind is Kind.PAUSED_AT:
        paused = float(draw.next_of("pause", ("33.0", "3.0", "17.0")))
        stop_at = f"pause:{draw.next_of('point paused at', PAUSED_AT)}"
    return Round(number, kind, drafts, tuple(sorted(strikes, key=lambda strike: strike.at)), stop_at, paused)


def _drafts(draw: _Draw, kind: Kind, size: int) -> list[Wanted]:
    drafts: list[Wanted] = []
    while size > 0:
        count = min(size, draw.chance.choice((1, 1, 1, 2, 3)))
        stops = 0.7 if kind is Kind.STOPS else 0.08
        stop = Stop(draw.next_of("stop", tuple(Stop))) if draw.chance.random() < stops else None
        due = draw.chance.choice((0.0, round(draw.chance.uniform(0, DUE_WITHIN), 2)))
        drafts.append(
            Wanted(
                platforms=tuple(sorted(draw.chance.sample(PLATFORMS, count))),
                due=due,
                image=draw.chance.random() < 0.25,
                stop=stop,
                stop_at=round(due + draw.chance.uniform(-0.6, 0.4), 3),
            )
        )
        size -= count
    return drafts


def _always(draw: _Draw, kind: Kind) -> list[Strike]:
    """A little of everything else, so that faults meet."""
    strikes = []
    if kind is not Kind.LIES and draw.chance.random() < 0.5:
        strikes.append(_lie(draw))
    if kind is not Kind.HOLDS and draw.chance.random() < 0.3:
        strikes.append(_hold(draw))
    return strikes


def _lie(draw: _Draw, at: float = -BEFORE_DUE) -> Strike:
    mode = Mode(draw.next_of("lie", tuple(Mode)))
    # Longer than a send waits (20 s), so that what is accepted late is late.
    seconds = {Mode.ACCEPT_THEN_HANG: 22.0, Mode.ACCEPT_LATE: 21.0, Mode.PROCESSING: 2.0, Mode.LAGGING_TIMELINE: 8.0}
    whom = draw.chance.choice(PLATFORMS)
    return Strike(at, Act.LIE, whom, seconds.get(mode, 0.0), str(mode), times=draw.chance.randint(1, 3))


def _hold(draw: _Draw) -> Strike:
    scope = draw.next_of("hold", ("all", "platform", "account", "draft"))
    # Amid the burst: what is still at the gate when a hold comes is stopped there, which is no race.
    at = round(draw.chance.uniform(0.0, DUE_WITHIN), 3)
    return Strike(at, Act.HOLD, draw.chance.choice(PLATFORMS), round(draw.chance.uniform(0.3, 3.0), 2), scope)


def _wire(whom: tuple[str, ...]) -> Strikes:
    def strikes(draw: _Draw) -> list[Strike]:
        ways = (Act.CUT, Act.SWALLOW_ANSWERS, Act.DELAY, Act.CUT, Act.SWALLOW)
        return [
            Strike(draw.when(), Act(draw.next_of("wire", ways)), where, round(draw.chance.uniform(0.2, 4.0), 2))
            for where in whom
            for _ in range(2)
        ]

    return strikes


def _kill(whom: str, down: tuple[float, float]) -> Strikes:
    def strikes(draw: _Draw) -> list[Strike]:
        return [Strike(draw.when(), Act.KILL, whom, round(draw.chance.uniform(*down), 2))]

    return strikes


def _killed(draw: _Draw) -> list[Strike]:
    return [Strike(draw.when(), Act.KILL, whom, round(draw.chance.uniform(0.2, 3.0), 2)) for whom in ("worker", "worker 2")]


def _paused(draw: _Draw) -> list[Strike]:
    long = float(draw.next_of("long pause", ("17.0", "32.0")))
    return [
        Strike(draw.when(), Act.PAUSE, "worker", long),
        Strike(draw.when(), Act.PAUSE, "worker 2", round(draw.chance.uniform(0.5, 4.0), 2)),
    ]


_STRIKES: dict[Kind, Strikes] = {
    Kind.KILLED_AT: lambda draw: [],
    Kind.PAUSED_AT: lambda draw: [],
    Kind.KILLED: _killed,
    Kind.PAUSED: _paused,
    Kind.DATABASE: _kill("database", (0.5, 3.0)),
    Kind.ENGINE: _kill("engine", (0.5, 4.0)),
    Kind.API: lambda draw: [],  # killed while decisions are being sent, which is before anything is due
    Kind.PLATFORM_WIRE: _wire(PLATFORMS),
    Kind.DATABASE_WIRE: _wire(("database",)),
    Kind.ENGINE_WIRE: _wire(("engine",)),
    Kind.LIES: lambda draw: [_lie(draw) for _ in range(6)],
    Kind.HOLDS: lambda draw: [_hold(draw) for _ in range(4)],
    Kind.STOPS: lambda draw: [],
}
