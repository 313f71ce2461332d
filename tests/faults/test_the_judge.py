"""The judge itself: each broken promise is planted in what it reads, and reported as what it is; without one it says nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from countersign.demo.seeds import account_id
from countersign.faults.evidence import Draft, Facts, Hold, Post, Publication, text_in
from countersign.faults.judge import Outcome, Wrong, judge, table_of, unknown_for

DUE = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DRAFT = UUID(int=1)
TEXT = "F1-1: what was authorised."
IMAGES = (("ab" * 32, "A teapot."),)


def kept() -> Facts:
    """One draft, authorised, dispatched at its time, received once, verified."""
    draft = Draft(
        id=DRAFT,
        token="F1-1",
        kind="wires",
        platforms=("x",),
        accounts=(str(account_id("x")),),
        window_end=DUE + timedelta(hours=1),
        times=((DUE - 60 * SECOND, DUE),),
        steps=((1, DUE - 50 * SECOND, None), (2, DUE - 40 * SECOND, None)),
        wanted_steps=2,
    )
    moves = (("scheduled", DUE - 30 * SECOND), ("sending", DUE), ("published", DUE + SECOND), ("verified", DUE + 2 * SECOND))
    publication = Publication(UUID(int=2), DRAFT, "x", "F1-1", "verified", TEXT, IMAGES, (DUE + SECOND / 10,), moves)
    post = Post("x", "100", TEXT, TEXT, IMAGES, DUE + SECOND / 2)
    decided = {(DRAFT, 1): 1, (DRAFT, 2): 1}
    return Facts({DRAFT: draft}, [publication], [post], [], frozenset(decided), decided)


def of(facts: Facts, **changes: object) -> Facts:
    """The same with the one draft, publication or post changed: `draft_…`, `pub_…`, `post_…`."""
    for prefix, name in (("draft_", "drafts"), ("pub_", "publications"), ("post_", "posts")):
        own = {key.removeprefix(prefix): value for key, value in changes.items() if key.startswith(prefix)}
        if own and name == "drafts":
            facts = replace(facts, drafts={DRAFT: replace(facts.drafts[DRAFT], **own)})  # type: ignore[arg-type]
        elif own:
            (one,) = getattr(facts, name)
            facts = replace(facts, **{name: [replace(one, **own)]})  # type: ignore[arg-type]
    return facts


def with_post(facts: Facts, **changes: object) -> Facts:
    return replace(facts, posts=[*facts.posts, replace(facts.posts[0], **changes)])  # type: ignore[arg-type]


def held(scope: str, target: str, begins: float, ends: float | None) -> Callable[[Facts], Facts]:
    hold = Hold(scope, target, DUE + begins * SECOND, None if ends is None else DUE + ends * SECOND)
    return lambda facts: replace(facts, holds=[hold])


PLANTED: dict[str, tuple[Callable[[Facts], Facts], Wrong]] = {
    "posted twice": (lambda f: with_post(of(f, pub_attempts=(DUE, DUE)), post_id="101"), Wrong.DUPLICATE),
    "posted without dispatch": (lambda f: of(f, pub_attempts=()), Wrong.UNAUTHORISED),
    "a post nobody wrote": (lambda f: with_post(f, sent="Buy now", shown="Buy now"), Wrong.UNAUTHORISED),
    "one step not authorised": (lambda f: of(f, draft_steps=f.drafts[DRAFT].steps[:1]), Wrong.UNAUTHORISED),
    "authorised after dispatch": (
        lambda f: of(f, draft_steps=(f.drafts[DRAFT].steps[0], (2, DUE + SECOND, None))),
        Wrong.UNAUTHORISED,
    ),
    "authority revoked before": (
        lambda f: of(f, draft_steps=(f.drafts[DRAFT].steps[0], (2, DUE - SECOND, DUE))),
        Wrong.UNAUTHORISED,
    ),
    "withdrawn before": (lambda f: of(f, draft_stopped_at=DUE), Wrong.UNAUTHORISED),
    "words altered": (lambda f: of(f, post_sent=TEXT + "!", post_shown=TEXT + "!"), Wrong.ALTERED),
    "image altered": (lambda f: of(f, post_images=(("cd" * 32, "A teapot."),)), Wrong.ALTERED),
    "alt text altered": (lambda f: of(f, post_images=(("ab" * 32, "A kettle."),)), Wrong.ALTERED),
    "image left out": (lambda f: of(f, post_images=()), Wrong.ALTERED),
    "in a hold of all": (held("all", "", 0, None), Wrong.IN_A_HOLD),
    "in a hold of the platform": (held("platform", "x", -5, 3), Wrong.IN_A_HOLD),
    "in a hold of the account": (held("account", str(account_id("x")), -5, None), Wrong.IN_A_HOLD),
    "in a hold of the draft": (held("draft", str(DRAFT), -5, None), Wrong.IN_A_HOLD),
    "dispatched early": (lambda f: of(f, pub_attempts=(DUE - SECOND,)), Wrong.EARLY),
    "received early": (lambda f: of(f, post_received_at=DUE - SECOND), Wrong.EARLY),
    "before a new time": (
        lambda f: of(f, draft_times=((DUE - 60 * SECOND, DUE), (DUE - SECOND, DUE + 9 * SECOND))),
        Wrong.EARLY,
    ),
    "after its window": (lambda f: of(f, draft_window_end=DUE), Wrong.LATE),
    "never left": (lambda f: replace(of(f, pub_state="scheduled", pub_attempts=()), posts=[]), Wrong.LOST),
    "stuck in sending": (lambda f: replace(of(f, pub_state="sending"), posts=[]), Wrong.LOST),
    "no publication made": (lambda f: replace(f, publications=[], posts=[]), Wrong.LOST),
    "stands and said not sent": (lambda f: of(f, pub_state="scheduled", pub_due_later=True), Wrong.RECORD),
    "said published, not there": (lambda f: replace(of(f, pub_state="published"), posts=[]), Wrong.RECORD),
    "verified, and it was cut": (lambda f: of(f, post_shown=TEXT[:12]), Wrong.RECORD),
    "chain broken": (lambda f: replace(f, chains_broken=1), Wrong.RECORD),
    "decision gone": (lambda f: replace(f, kept={(DRAFT, 1): 1}), Wrong.DECISION_LOST),
    "decision twice": (lambda f: replace(f, kept={(DRAFT, 1): 1, (DRAFT, 2): 2}), Wrong.DECISION_LOST),
}


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert judge(kept()) == []


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_planted_is_found_and_named(planted: str) -> None:
    plant, expected = PLANTED[planted]
    assert expected in {finding.wrong for finding in judge(plant(kept()))}


ALL_WELL: dict[str, Callable[[Facts], Facts]] = {
    "a hold that was lifted before": held("all", "", -5, 0),
    "a hold that was placed after": held("all", "", 1, None),
    "a hold on something else": held("platform", "facebook", -5, None),
    "revoked after dispatch": lambda f: of(f, draft_steps=(f.drafts[DRAFT].steps[0], (2, DUE - SECOND, DUE + SECOND))),
    "withdrawn after dispatch": lambda f: of(f, draft_stopped_at=DUE + SECOND),
    "a new time after dispatch": lambda f: of(
        f, draft_times=((DUE - 60 * SECOND, DUE), (DUE + SECOND / 5, DUE + 9 * SECOND)), post_received_at=DUE + SECOND
    ),
    "unknown, and it stands": lambda f: of(f, pub_state="unknown"),
    "unknown, and it does not": lambda f: replace(of(f, pub_state="unknown"), posts=[]),
    "cut by the platform, and said so": lambda f: of(f, post_shown=TEXT[:12], pub_state="mismatch"),
    "withdrawn in time": lambda f: replace(of(f, pub_state="withdrawn", pub_attempts=(), draft_stopped_at=DUE), posts=[]),
    "waiting for a limit": lambda f: replace(of(f, pub_state="scheduled", pub_attempts=(), pub_due_later=True), posts=[]),
    "authorised too late": lambda f: replace(
        of(f, draft_steps=((1, DUE - SECOND, None), (2, DUE + SECOND, None))), publications=[], posts=[]
    ),
}


@pytest.mark.parametrize("well", ALL_WELL)
def test_what_may_happen_is_no_finding(well: str) -> None:
    assert judge(ALL_WELL[well](kept())) == []


def test_each_publication_is_counted_once_under_its_kind() -> None:
    facts = of(kept(), pub_state="held")
    assert table_of(facts) == {"wires": {Outcome.STOPPED: 1}}


def test_unknown_lasts_until_it_moves_on_or_somebody_was_shown_the_evidence() -> None:
    unknown = (("sending", DUE), ("unknown", DUE + SECOND), ("published", DUE + 31 * SECOND))
    assert unknown_for(of(kept(), pub_moves=unknown)) == (30.0,)
    assert unknown_for(of(kept(), pub_moves=unknown[:2], pub_looked_up=(DUE + 6 * SECOND,))) == (5.0,)
    assert unknown_for(of(kept(), pub_moves=unknown[:2])) == ()


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        ('{"text": "One (two)"}', "One (two)"),
        ('{"commentary": "One \\\\(two\\\\)", "author": "urn"}', "One (two)"),
        ("message=One+%28two%29&published=true", "One (two)"),
        ('{"record": {"text": "One (two)"}}', "One (two)"),
        ("", ""),
    ],
)
def test_the_words_are_read_from_the_request_itself(wire: str, text: str) -> None:
    assert text_in(wire) == text
