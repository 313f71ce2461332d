"""Breadth-first over every state that can be reached; the shortest way to whatever must not be; and whether all have exits."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass, field

from core.domain.publication import FINAL, LEGAL_MOVES, OWNER
from tests.model.states import IN_AIR, IN_WORK, SAYS_NOT_SENT, STANDS, Act, Now, Scenario, Wrong
from tests.model.workers import worker_acts
from tests.model.world import world_acts

Move = tuple[str, str]
LEGAL: frozenset[Move] = frozenset((before.value, after.value) for before, after in LEGAL_MOVES)
AT_AN_END = frozenset(state.value for state in FINAL)
WITH_A_PERSON = frozenset(state.value for state, owner in OWNER.items() if owner != "service")


@dataclass
class Explored:
    """Every state in the order it was found, how it was reached, and where each leads."""

    scenario: Scenario
    states: list[Now] = field(default_factory=list)
    reached: list[tuple[int, str]] = field(default_factory=list)
    leads: list[list[tuple[int, bool]]] = field(default_factory=list)
    moves: set[Move] = field(default_factory=set)
    wrongs: dict[str, int] = field(default_factory=dict)

    def story(self, wrong: str) -> str:
        """The shortest run to it, one act a line with the row's state after it."""
        at = self.wrongs[wrong]
        lines: list[str] = []
        while at:
            before, what = self.reached[at]
            lines.append(f"{what:<58} {_short(self.states[at])}")
            at = before
        numbered = [f"{number:3}. {line}" for number, line in enumerate(reversed(lines), 1)]
        return "\n".join([f"{self.scenario.name}, without “{self.scenario.without}”: {wrong}", *numbered])


def _short(now: Now) -> str:
    posts = now.calls.count(STANDS)
    return f"→ {now.row} (epoch {now.epoch}, {posts} {'post stands' if posts == 1 else 'posts stand'})"


def acts(now: Now, scenario: Scenario) -> Iterator[Act]:
    yield from worker_acts(now, scenario)
    yield from world_acts(now, scenario)


def explore(scenario: Scenario, *, until: Wrong | None = None, most: int = 2_000_000) -> Explored:
    """Everything that can happen in this scenario; with `until`, no further than the first state in which that is so."""
    found = Explored(scenario)
    known: dict[Now, int] = {}

    def meet(now: Now, before: int, what: str) -> int:
        alike = _either_way_round(now)
        same = known.get(alike)
        if same is not None:
            return same
        number = known[alike] = len(found.states)
        found.states.append(now)
        found.reached.append((before, what))
        wrong = now.wrong or _untrue(now)
        if wrong:
            found.wrongs.setdefault(wrong, number)
        return number

    gc.disable()  # millions of tuples that all live: looking through them again and again costs a third of the time
    meet(Now(clock=scenario.starts), 0, "")
    while len(found.leads) < len(found.states):
        number = len(found.leads)
        now = found.states[number]
        found.leads.append([])
        if now.wrong:
            continue
        for what, fair, then in acts(now, scenario):
            if then.row != now.row:
                found.moves.add((now.row, then.row))
                if (now.row, then.row) not in LEGAL and not then.wrong:
                    then = then._replace(wrong=Wrong.ILLEGAL)
            found.leads[number].append((meet(then, number, what), fair))
        if until in found.wrongs:
            break
        assert len(found.states) <= most, f"{scenario.name} has more than {most} states"
    gc.enable()
    return found


def _either_way_round(now: Now) -> Now:
    """The workers are alike: which of the two does what makes no difference."""
    one, other = now.hands
    return now if one <= other else now._replace(hands=(other, one))


def _untrue(now: Now) -> str:
    """What may be said of any state, however it was reached."""
    if now.calls.count(STANDS) > now.asked_for:
        return Wrong.TWO_POSTS
    if now.row in SAYS_NOT_SENT and any(letter in now.calls for letter in (IN_AIR, IN_WORK, STANDS)):
        return Wrong.UNTRUE
    return ""


def without_exit(found: Explored) -> list[Now]:
    """States from which no run leads to an end; and those the service owns that nothing of itself leads on from."""
    at_an_end = AT_AN_END | found.scenario.left_to_others
    ends = [n for n, now in enumerate(found.states) if now.row in at_an_end]
    rests = [n for n, now in enumerate(found.states) if now.row in at_an_end | WITH_A_PERSON]
    to_an_end = _leading_to(found, ends, fair_only=False)
    to_a_rest = _leading_to(found, rests, fair_only=True)
    return [now for n, now in enumerate(found.states) if not now.wrong and (n not in to_an_end or n not in to_a_rest)]


def _leading_to(found: Explored, goals: list[int], *, fair_only: bool) -> set[int]:
    back: list[list[int]] = [[] for _ in found.states]
    for number, leads in enumerate(found.leads):
        for then, fair in leads:
            if fair or not fair_only:
                back[then].append(number)
    reach, edge = set(goals), list(goals)
    while edge:
        for before in back[edge.pop()]:
            if before not in reach:
                reach.add(before)
                edge.append(before)
    return reach
