"""What happens around the workers: the platform, the clock, leases, people, and what the service tidies by itself."""

from collections.abc import Iterator

from core.domain.publication import STOPPABLE
from tests.model.states import (
    ABANDONED,
    BEFORE,
    CLAIMED,
    EXPIRED,
    GONE,
    HELD,
    IN_AIR,
    IN_WORK,
    LIFTED,
    LIMITED,
    LOST,
    MISMATCH,
    NONE,
    OVER,
    PROCESSING,
    PUBLISHED,
    REJECTED,
    REMOVAL_UNKNOWN,
    REMOVED,
    REMOVING,
    REVOKED,
    SAME,
    SCHEDULED,
    SENDING,
    STALE,
    STANDING,
    STANDS,
    TURNED_DOWN,
    UNKNOWN,
    VERIFIED,
    WITHDRAWN,
    Act,
    Guard,
    Now,
    Scenario,
    Wrong,
    put,
    standing,
)

CAN_STOP = frozenset(state.value for state in STOPPABLE)
CLOSED_BY_THE_SERVICE = (SCHEDULED, HELD, REVOKED, EXPIRED, REJECTED)


def world_acts(now: Now, s: Scenario) -> Iterator[Act]:
    yield from _platform(now, s)
    yield from _time(now, s)
    yield from _service(now)
    if s.stops or s.holds or s.new_times:
        yield from _people_stop(now, s)
    if now.row == UNKNOWN:
        yield from _unknown(now, s)
    if now.row == REJECTED:
        yield Act("a person gives it up", False, now._replace(row=ABANDONED))
    if s.afterwards:
        yield from _afterwards(now)


def _platform(now: Now, s: Scenario) -> Iterator[Act]:
    for place, call in enumerate(now.calls):
        if call == IN_AIR:
            same = s.keyed and not now.key_forgotten and s.without is not Guard.SAME_KEY and standing(now.calls)
            taken = [(SAME, "recognises its key: the same post")] if same else [(STANDS, "accepts the call")]
            if s.in_work and not same:
                taken.append((IN_WORK, "takes it in and works on it"))
            for letter, what in taken:
                yield _answer(now, place, letter, what, True)
            for letter, what in ((TURNED_DOWN, "refuses"), (LIMITED, "limits the rate"), (LOST, "never gets it")):
                yield _answer(now, place, letter, what, False)
        elif call == IN_WORK:
            yield _answer(now, place, STANDS, "makes it public", True)
            yield _answer(now, place, LOST, "gives up on it", False)


def _answer(now: Now, place: int, letter: str, what: str, fair: bool) -> Act:
    return Act(f"the platform {what} (attempt {place + 1})", fair, now._replace(calls=put(now.calls, place, letter)))


def _time(now: Now, s: Scenario) -> Iterator[Act]:
    if now.clock != OVER and not (s.long_window and now.row != SCHEDULED):
        what = "its time comes" if now.clock == BEFORE else "its window ends"
        yield Act(what, True, now._replace(clock=now.clock + 1))
    if now.row == CLAIMED and s.without is not Guard.CLAIM_LEASE:
        yield Act("the claim's lease runs out", True, now._replace(row=SCHEDULED))
    if now.row == SENDING and s.without is not Guard.SENDING_LEASE:
        # 30 s have passed: whoever was allowed to call and did not is past its 2 s.
        hands = tuple(hand._replace(doing="allowed long ago") if hand.doing == "allowed" else hand for hand in now.hands)
        after = SCHEDULED if s.without is Guard.ENDED_LEASE_IS_UNKNOWN else UNKNOWN
        yield Act("the lease of sending runs out", True, now._replace(row=after, hands=(hands[0], hands[1])))
    quiet = IN_AIR not in now.calls and all(hand.doing != "allowed" for hand in now.hands)
    if now.row == UNKNOWN and not now.settled and quiet:
        # A platform that accepts a call does so before the settle time is over.
        yield Act("the settle time passes", True, now._replace(settled=True))
    if s.keyed and now.calls and not now.key_forgotten and quiet:
        # The margin: no repeat is begun so late that the key could be forgotten under way.
        yield Act("the platform forgets the key", False, now._replace(key_forgotten=True))


def _service(now: Now) -> Iterator[Act]:
    """Looking at what waits; and asking about what is in work."""
    if now.row in CLOSED_BY_THE_SERVICE and now.stop in (WITHDRAWN, STALE):
        yield Act(f"the service closes it: {now.stop}", True, now._replace(row=now.stop))
    elif now.row == SCHEDULED:
        after = now.stop or (EXPIRED if now.clock == OVER else HELD if now.hold == STANDING else "")
        if after:
            yield Act(f"the service looks: {after}", True, now._replace(row=after, timed_since_stopped=False))
    elif now.row == PROCESSING:
        if STANDS in now.calls:
            yield Act("the service asks: it is public", True, now._replace(row=PUBLISHED))
        elif IN_WORK not in now.calls:
            yield Act("the service asks: it was given up", True, now._replace(row=REJECTED))
        else:
            yield Act("its processing limit passes", True, now._replace(row=UNKNOWN))


def _people_stop(now: Now, s: Scenario) -> Iterator[Act]:
    # Whoever withdraws, edits or revokes waits for the rows that dispatch() has locked; whoever places a hold, for its scopes.
    inside = any(hand.doing in ("locked", "looked") for hand in now.hands)
    rows_locked = inside and s.without is not Guard.LOCKS_ROWS
    if not rows_locked:
        for stop in s.stops:
            if now.stop in ("", "revoked") and now.stop != stop and (stop == "revoked" or now.row in CAN_STOP):
                yield Act(f"a person acts: {stop}", False, now._replace(stop=stop))
        if now.new_times < s.new_times and now.row in (*CAN_STOP, HELD) and now.clock != OVER:
            later = now._replace(clock=BEFORE, new_times=now.new_times + 1, timed_since_stopped=True)
            yield Act("a person gives a new time", False, later)
    if s.holds and now.hold == NONE and not (inside and s.without is not Guard.LOCKS_SCOPES):
        yield Act("a hold is placed", False, now._replace(hold=STANDING))
    if now.hold == STANDING:
        yield Act("two people lift the hold", False, now._replace(hold=LIFTED))
    if now.row == REJECTED or (now.row == HELD and (now.timed_since_stopped or s.without is Guard.PERSON_GIVES_A_TIME)):
        alone = now.row == HELD and not now.timed_since_stopped
        wrong = Wrong.RELEASED_ALONE if alone else ""
        if now.timed_since_stopped or alone:
            yield Act("the service schedules it again", True, now._replace(row=SCHEDULED, wrong=wrong))


def _unknown(now: Now, s: Scenario) -> Iterator[Act]:
    """Looked up and adopted; sent again on two people's word; or given up."""
    if STANDS in now.calls or SAME in now.calls:
        yield Act("the service finds it there, reads it back and adopts it", True, now._replace(row=PUBLISHED))
    settled = now.settled or s.without is Guard.SETTLE_TIME
    if settled and now.words_given < s.resends and now.word != now.epoch:
        given = now._replace(word=now.epoch, words_given=now.words_given + 1)
        if not standing(now.calls):
            yield Act("two people look, see nothing there, and say: send it again", False, given)
        elif s.mistakes:
            mistaken = given._replace(asked_for=now.asked_for + 1)
            yield Act("two people say: send it again, though it is there", False, mistaken)
    if now.settled:
        yield Act("two people give it up", False, now._replace(row=ABANDONED))


def _afterwards(now: Now) -> Iterator[Act]:
    if now.row == PUBLISHED:
        yield Act("read back: as authorised", True, now._replace(row=VERIFIED))
        yield Act("read back: it differs", False, now._replace(row=MISMATCH))
    if now.row == MISMATCH:
        yield Act("two people accept the difference", False, now._replace(row=VERIFIED))
    if now.row in (PUBLISHED, VERIFIED, MISMATCH, REMOVAL_UNKNOWN):
        yield Act("a person takes it down", False, now._replace(row=REMOVING))
    if now.row == REMOVING:
        gone = now.calls.replace(STANDS, GONE)
        yield Act("the platform removes it and says so", True, now._replace(row=REMOVED, calls=gone))
        yield Act("the platform removes it, and is not heard", False, now._replace(row=REMOVAL_UNKNOWN, calls=gone))
        yield Act("the call to remove it is lost", False, now._replace(row=REMOVAL_UNKNOWN))
    if now.row == REMOVAL_UNKNOWN and STANDS not in now.calls:
        yield Act("the service looks: it is gone", True, now._replace(row=REMOVED))
