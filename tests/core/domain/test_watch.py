"""The watch's comparison: whatever stands on an account is ours, is excused, or is an alarm; nothing is passed over."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from core.domain.content import Rendition
from core.domain.outcome import ReadBack, SeenPost
from core.domain.watch import SETTLES, AccountLedger, OpenOutcome, OurPost, compare, fingerprint, in_turn

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
A_MOMENT = timedelta(seconds=1)


def rendition(text: str) -> Rendition:
    return Rendition(account_id="a", platform="x", text=text, link=None, images=())


def differences(authorised: Rendition, seen: ReadBack) -> list[str]:
    return [] if authorised.text == seen.text else ["The text is another."]


def post(post_id: str, text: str = "Ours.", metrics: tuple[tuple[str, int], ...] = ()) -> SeenPost:
    return SeenPost(post_id, NOW, ReadBack(found=True, text=text, metrics=metrics))


def ours(post_id: str, text: str = "Ours.", *, accepted: bool = False) -> OurPost:
    return OurPost(uuid4(), post_id, accepted, rendition(text))


def ledger(
    *mine: OurPost,
    explained: tuple[str, ...] = (),
    open: tuple[OpenOutcome, ...] = (),
    accepted: dict[str, str] | None = None,
) -> AccountLedger:
    return AccountLedger(frozenset(explained), mine, open, accepted or {})


def test_a_post_in_no_ledger_is_rogue() -> None:
    (found,) = compare((post("1"),), ledger(), differences=differences, now=NOW).rogue
    assert (found.post.post_id, found.resembles) == ("1", None)


def test_a_post_that_stood_before_or_was_ever_ours_is_not() -> None:
    assert compare((post("1"),), ledger(explained=("1",)), differences=differences, now=NOW).rogue == ()


def test_what_looks_like_an_open_outcome_is_left_to_reconciliation_until_it_should_have_settled() -> None:
    sent = OpenOutcome(uuid4(), NOW, rendition("Ours."))
    seen, known = (post("1"), post("2", "Other words.")), ledger(open=(sent,))
    assert [one.post.post_id for one in compare(seen, known, differences=differences, now=NOW + SETTLES).rogue] == ["2"]
    late = compare(seen, known, differences=differences, now=NOW + SETTLES + A_MOMENT).rogue
    assert [(one.post.post_id, one.resembles) for one in late] == [("1", sent.publication_id), ("2", None)]


def test_one_of_ours_with_other_words_was_edited_and_its_numbers_do_not_count() -> None:
    known = ledger(ours("1"), ours("2"))
    found = compare((post("1", metrics=(("likes", 9),)), post("2", "Changed.")), known, differences=differences, now=NOW)
    assert [(one.post.post_id, one.differences) for one in found.edited] == [("2", ("The text is another.",))]


def test_what_two_people_accepted_is_compared_with_what_they_accepted() -> None:
    mine = ours("1", accepted=True)
    first = compare((post("1", "As it stands."),), ledger(mine), differences=differences, now=NOW)
    assert ([one.post_id for one in first.accepted], first.edited) == (["1"], ())
    accepted = ledger(mine, accepted={"1": fingerprint(first.accepted[0].content)})
    assert compare((post("1", "As it stands."),), accepted, differences=differences, now=NOW).edited == ()
    assert len(compare((post("1", "Changed since."),), accepted, differences=differences, now=NOW).edited) == 1


def test_one_of_ours_that_is_not_shown_is_to_be_asked_for() -> None:
    mine = ours("1")
    assert compare((), ledger(mine), differences=differences, now=NOW).missing == (mine,)


def said(mine: OurPost) -> ReadBack:
    return ReadBack(found=True, text=mine.rendition.text if mine.rendition else "")


IDS = st.sampled_from("12345")
WORDS = st.sampled_from(["Ours.", "Changed.", "Other."])


@st.composite
def situations(draw: st.DrawFn) -> tuple[tuple[SeenPost, ...], AccountLedger, datetime]:
    seen = tuple(post(one, draw(WORDS)) for one in draw(st.lists(IDS, unique=True)))
    mine = tuple(ours(one, draw(WORDS), accepted=draw(st.booleans())) for one in draw(st.lists(IDS, unique=True)))
    pending = tuple(
        OpenOutcome(UUID(int=n), NOW - timedelta(seconds=draw(st.integers(0, 400))), rendition(words))
        for n, words in enumerate(draw(st.lists(WORDS, max_size=2)))
    )
    prints = {one: fingerprint(ReadBack(found=True, text=draw(WORDS))) for one in draw(st.lists(IDS, unique=True))}
    explained = draw(st.frozensets(IDS))
    return seen, AccountLedger(explained | {one.post_id for one in mine}, mine, pending, prints), NOW


@given(situations())
def test_every_post_seen_and_every_post_of_ours_is_accounted_for(
    situation: tuple[tuple[SeenPost, ...], AccountLedger, datetime],
) -> None:
    """Against the rules said again in other words: who is alarmed about, and nobody else."""
    seen, known, now = situation
    found = compare(seen, known, differences=differences, now=now)
    mine = {one.post_id: one for one in known.ours}
    fresh = [one for one in known.open if now - one.dispatched_at <= SETTLES]
    rogue = {
        one.post_id
        for one in seen
        if one.post_id not in known.explained and all(one.content.text != other.rendition.text for other in fresh)
    }
    assert {one.post.post_id for one in found.rogue} == rogue
    changed, first_seen = set(), set()
    for one in seen:
        if (our := mine.get(one.post_id)) is None:
            continue
        expected = known.fingerprints.get(one.post_id) if our.accepted else fingerprint(said(our))
        if expected is None:
            first_seen.add(one.post_id)
        elif expected != fingerprint(one.content):
            changed.add(one.post_id)
    assert {one.post.post_id for one in found.edited} == changed
    assert {one.post_id for one in found.accepted} == first_seen
    assert {one.post_id for one in found.missing} == mine.keys() - {one.post_id for one in seen}


@given(st.integers(0, 60), st.integers(1, 9), st.integers(0, 1000))
def test_every_post_that_is_not_shown_has_its_turn_to_be_asked_for(count: int, most: int, first: int) -> None:
    missing = tuple(ours(str(number)) for number in range(count))
    asked = set()
    for reading in range(first, first + count + 1):
        now = in_turn(missing, reading, most=most)
        assert len(now) == min(most, count)
        asked |= {one.post_id for one in now}
    assert asked == {one.post_id for one in missing}


@given(st.permutations([post(n) for n in "123"]))
def test_the_order_of_a_timeline_changes_nothing(seen: list[SeenPost]) -> None:
    known = ledger(ours("2", "Changed."), explained=("1", "2"))
    found = compare(tuple(seen), known, differences=differences, now=NOW)
    assert ({one.post.post_id for one in found.rogue}, [one.post.post_id for one in found.edited]) == ({"3"}, ["2"])
