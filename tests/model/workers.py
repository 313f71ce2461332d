"""What the two workers do, each step of which may be the last before a kill or a pause of any length."""

from collections.abc import Iterator

from tests.model.states import (
    BEFORE,
    CLAIMED,
    EXPIRED,
    HELD,
    IDLE,
    IN_AIR,
    IN_WORK,
    LIMITED,
    LOST,
    NONE,
    NOT_MADE,
    NOTHING_YET,
    OVER,
    PROCESSING,
    PROVEN_NOT_SENT,
    PUBLISHED,
    REJECTED,
    SAME,
    SCHEDULED,
    SENDING,
    STANDING,
    STANDS,
    TURNED_DOWN,
    UNKNOWN,
    UNPROVEN,
    Act,
    Guard,
    Hand,
    Now,
    Scenario,
    Wrong,
    put,
    with_hand,
)

CAME_TO_NOTHING = (TURNED_DOWN, LIMITED)
PROVES_NOTHING_SENT = ("not_sent", "refused")
AFTER = {"not_sent": SCHEDULED, "refused": REJECTED}
HEARS = {STANDS: "accepted", SAME: "accepted", IN_WORK: "processing", TURNED_DOWN: "refused", LIMITED: "not_sent"}
SENT_THOUGH = {"revoked": Wrong.UNAUTHORISED, "withdrawn": Wrong.WITHDRAWN, "stale": Wrong.SUPERSEDED}
STOP_CHECK = {
    "revoked": Guard.COUNTS_AUTHORISATIONS,
    "withdrawn": Guard.SEES_WITHDRAWAL,
    "stale": Guard.SEES_NEWER_VERSION,
}


def worker_acts(now: Now, s: Scenario) -> Iterator[Act]:
    for number, hand in enumerate(now.hands):
        who = f"worker {number + 1}"
        doing = hand.doing
        if doing == "idle":
            yield from _take_up(now, s, number, who)
            continue
        calls = _heard(now, hand) if doing == "calling" else now.calls
        yield Act(f"{who} is killed", False, now._replace(hands=with_hand(now, number, IDLE), calls=calls))
        if doing == "claimed":
            yield _judge(now, s, number, hand, who)
            if s.unfit and now.row == CLAIMED and now.epoch == hand.epoch:
                let_go = now._replace(row=REJECTED, hands=with_hand(now, number, IDLE))
                yield Act(f"{who}'s upload is refused", False, let_go)
        elif doing in ("judged", "locked", "looked"):
            yield from _towards_dispatch(now, s, number, hand, who)
        elif doing in ("allowed", "allowed long ago"):
            yield from _call(now, s, number, hand, who)
        elif doing == "calling":
            yield from _hear(now, s, number, hand, who)
        else:
            yield from _record(now, s, number, hand, who)


def _take_up(now: Now, s: Scenario, number: int, who: str) -> Iterator[Act]:
    if now.epoch < s.most_epochs:
        anything = s.without is Guard.CLAIMS_ONLY_SCHEDULED
        if now.row == SCHEDULED or (anything and now.row in (SENDING, UNKNOWN)):
            hands = with_hand(now, number, Hand("claimed", now.epoch + 1))
            yield Act(
                f"{who} claims it, epoch {now.epoch + 1}", True, now._replace(row=CLAIMED, epoch=now.epoch + 1, hands=hands)
            )
        if now.row == UNKNOWN and (_may_send_again(now, s) or s.without is Guard.AGAIN_NEEDS_WORD_OR_KEY):
            hands = with_hand(now, number, Hand("judged", now.epoch, again=True))
            yield Act(f"{who} sets out to send it again", True, now._replace(hands=hands))


def _may_send_again(now: Now, s: Scenario) -> bool:
    by_key = s.keyed and (not now.key_forgotten or s.without is Guard.WITHIN_KEY_LIFE)
    word = now.word == now.epoch or (now.word > 0 and s.without is Guard.WORD_FOR_ONE_SEND)
    return word or by_key


def _judge(now: Now, s: Scenario, number: int, hand: Hand, who: str) -> Act:
    """The verdict, from rows that may change as soon as it is given."""
    if now.row != CLAIMED or now.epoch != hand.epoch:
        return Act(f"{who} finds its claim gone", True, now._replace(hands=with_hand(now, number, IDLE)))
    after = now.stop or (EXPIRED if now.clock == OVER else HELD if now.hold == STANDING else "")
    if after:
        stopped = now._replace(row=after, timed_since_stopped=False, hands=with_hand(now, number, IDLE))
        return Act(f"{who} judges: {after}", True, stopped)
    return Act(f"{who} judges: all well", True, now._replace(hands=with_hand(now, number, hand._replace(doing="judged"))))


def _towards_dispatch(now: Now, s: Scenario, number: int, hand: Hand, who: str) -> Iterator[Act]:
    """dispatch(): the scopes' locks, then the look at holds and stops, then the commit. One step where no hold can come."""
    if not s.holds and not s.stops:
        yield from _commit(now, s, number, hand._replace(saw=(now.hold, now.stop)), who)
        return
    look_first = s.without is Guard.LOOKS_AFTER_THE_LOCK
    if hand.saw == NOTHING_YET and (hand.doing == "locked" or look_first):
        saw = (now.hold if s.without is not Guard.LOOKS_FOR_HOLDS else NONE, now.stop)
        looked = hand._replace(doing="judged" if look_first else "looked", saw=saw)
        yield Act(f"{who}, in dispatch(), looks for holds and stops", True, now._replace(hands=with_hand(now, number, looked)))
    elif hand.doing == "judged":
        locked = hand._replace(doing="looked" if look_first else "locked")
        yield Act(f"{who}, in dispatch(), has the locks", True, now._replace(hands=with_hand(now, number, locked)))
    else:
        yield from _commit(now, s, number, hand, who)


def _commit(now: Now, s: Scenario, number: int, hand: Hand, who: str) -> Iterator[Act]:
    again = hand.again
    wanted = UNKNOWN if again else CLAIMED
    idle = with_hand(now, number, IDLE)
    fits = now.row == wanted or (s.without is Guard.FENCED and now.row == SENDING)
    newest = now.epoch == hand.epoch or s.without in (Guard.FENCED, Guard.FENCED_BY_EPOCH)
    allowed = not again or _may_send_again(now, s) or s.without is Guard.AGAIN_NEEDS_WORD_OR_KEY
    if not fits or not newest or not allowed:
        yield Act(f"{who}'s dispatch() is fenced off", True, now._replace(hands=idle))
        return
    refused = _refusal(now, s, hand)
    if refused and again:
        # It stays unknown, and the word is used up: what a hold stopped must not leave by the hold's end.
        yield Act(f"{who}'s dispatch() refuses: {refused}", True, now._replace(hands=idle, word=0))
    elif refused:
        stopped = now._replace(row=refused, timed_since_stopped=False, hands=idle)
        yield Act(f"{who}'s dispatch() refuses: {refused}", True, stopped)
    elif now.clock == BEFORE and s.without is not Guard.NOT_BEFORE_ITS_TIME:
        back = hand._replace(doing="judged", saw=NOTHING_YET)
        yield Act(f"{who}'s dispatch() finds it too early", True, now._replace(hands=with_hand(now, number, back)))
    else:
        yield from _sent(now, s, number, hand, who)


def _refusal(now: Now, s: Scenario, hand: Hand) -> str:
    hold, stop = hand.saw
    if stop and STOP_CHECK[stop] is not s.without:
        return stop
    if now.clock == OVER and s.without is not Guard.NOT_AFTER_ITS_WINDOW:
        return EXPIRED
    return HELD if hold == STANDING else ""


def _sent(now: Now, s: Scenario, number: int, hand: Hand, who: str) -> Iterator[Act]:
    """SENDING is committed; the worker hears of it, or its connection broke just then."""
    epoch = now.epoch + 1 if hand.again else now.epoch
    then = now._replace(
        row=SENDING,
        epoch=epoch,
        settled=False,
        calls=now.calls + NOT_MADE,
        proofs=now.proofs + UNPROVEN,
        wrong=_wrong(now, s, hand),
    )
    hands = with_hand(now, number, Hand("allowed", epoch, len(now.calls)))
    yield Act(f"{who}'s dispatch() commits: sending, epoch {epoch}", True, then._replace(hands=hands))
    yield Act(f"{who}'s dispatch() commits: sending, unheard", False, then._replace(hands=with_hand(now, number, IDLE)))


def _wrong(now: Now, s: Scenario, hand: Hand) -> str:
    if now.hold == STANDING:
        return Wrong.IN_A_HOLD
    if now.stop:
        return SENT_THOUGH[now.stop]
    if now.clock != 1:
        return Wrong.EARLY if now.clock == BEFORE else Wrong.LATE
    if hand.again and not (now.word or s.keyed):
        return Wrong.AGAIN_BY_NOBODY
    return Wrong.FENCED_OFF if hand.epoch != now.epoch and s.without is not Guard.FENCED else ""


def _call(now: Now, s: Scenario, number: int, hand: Hand, who: str) -> Iterator[Act]:
    """Allowed to call: it does within 2 s, or was stopped for longer and does not."""

    def to(doing: str, letter: str) -> Now:
        return now._replace(calls=put(now.calls, hand.attempt, letter), hands=with_hand(now, number, hand._replace(doing=doing)))

    late = hand.doing == "allowed long ago"
    if not late or s.without is Guard.STARTS_WITHIN_2_S:
        yield Act(f"{who} makes the call", True, to("calling", IN_AIR))
    if late:
        yield Act(f"{who} finds it too late to call", True, to("not_sent", LOST))
    else:
        yield Act(f"{who} cannot connect", False, to("not_sent", LOST))
        long_ago = hand._replace(doing="allowed long ago")
        yield Act(f"{who} is stopped for more than 2 s", False, now._replace(hands=with_hand(now, number, long_ago)))


def _hear(now: Now, s: Scenario, number: int, hand: Hand, who: str) -> Iterator[Act]:
    heard = HEARS.get(now.calls[hand.attempt])
    if heard:
        hears = with_hand(now, number, hand._replace(doing=heard))
        yield Act(f"{who} hears: {heard}", True, now._replace(hands=hears, calls=_heard(now, hand)))
    if s.without is Guard.NO_RETRY and len(now.calls) < 3:
        calls, proofs = now.calls + IN_AIR, now.proofs + UNPROVEN
        yield Act(f"{who} hears nothing and calls again", False, now._replace(calls=calls, proofs=proofs))
    nothing = with_hand(now, number, hand._replace(doing="unknown"))
    yield Act(f"{who} hears nothing", True, now._replace(hands=nothing, calls=_heard(now, hand)))


def _heard(now: Now, hand: Hand) -> str:
    """The calls once nobody waits for this one's answer: why nothing came of it makes no difference any more."""
    return put(now.calls, hand.attempt, LOST) if now.calls[hand.attempt] in CAME_TO_NOTHING else now.calls


def _record(now: Now, s: Scenario, number: int, hand: Hand, who: str) -> Iterator[Act]:
    """The receipt: kept in any case, and moving the row if it speaks for what the row waits for."""
    said = hand.doing
    proofs = put(now.proofs, hand.attempt, PROVEN_NOT_SENT) if said in PROVES_NOTHING_SENT else now.proofs
    after = _after(now, s, hand, may_have_reached=UNPROVEN in proofs)
    wrong = Wrong.NOT_ITS_ANSWER if after and said != "accepted" and now.row != UNKNOWN and now.epoch != hand.epoch else ""
    then = now._replace(row=after or now.row, proofs=proofs, wrong=wrong)
    yield Act(f"{who} writes down: {said}", True, then._replace(hands=with_hand(now, number, IDLE)))
    if s.written_twice and then != now:
        yield Act(f"{who} writes down: {said}, unheard, and will again", False, then)


def _after(now: Now, s: Scenario, hand: Hand, *, may_have_reached: bool) -> str:
    """Where an answer moves the row to, as record_receipt() has it; nothing if it stays."""
    said = hand.doing
    still_open = may_have_reached and s.without is not Guard.EVERY_ATTEMPT_PROVEN
    own = now.epoch == hand.epoch or s.without is Guard.ANSWER_BOUND_TO_ITS_ATTEMPT
    if said == "accepted":
        return PUBLISHED if now.row in (SENDING, PROCESSING, UNKNOWN) else ""
    if now.row == UNKNOWN:
        return "" if still_open or said not in PROVES_NOTHING_SENT else AFTER[said]
    if now.row not in (SENDING, PROCESSING) or not own:
        return ""
    if said == "processing":
        return PROCESSING if now.row == SENDING else ""
    if said == "unknown" or still_open:
        return UNKNOWN
    return REJECTED if now.row == PROCESSING else AFTER[said]
