"""A run's plan: decided by its seed alone, with every kind of fault, every point, every lie and every scope in it."""

import pytest

from countersign.faults.plan import Act, Kind, Stop, plan
from integrations.sandbox.platforms.lies import Mode
from workflows.points import Point


def test_the_same_seed_gives_the_same_plan_and_another_another() -> None:
    assert plan(7, 300) == plan(7, 300)
    assert plan(7, 300) != plan(8, 300)


@pytest.mark.parametrize("publications", [1, 12, 60, 300, 3000])
def test_a_plan_puts_exactly_so_many_publications_under_fault(publications: int) -> None:
    assert sum(round_.publications for round_ in plan(1, publications)) == publications


def test_300_publications_meet_every_kind_of_fault() -> None:
    for seed in range(20):
        rounds = plan(seed, 300)
        assert {round_.kind for round_ in rounds} == set(Kind)
        assert all(round_.publications >= 3 for round_ in rounds[:-1]), "many per kill"


def test_3000_publications_meet_every_point_lie_scope_and_stop() -> None:
    rounds = plan(3, 3000)
    strikes = [strike for round_ in rounds for strike in round_.strikes]
    killed_at = {round_.stop_at for round_ in rounds if round_.kind is Kind.KILLED_AT}
    assert set(Point) - killed_at == {Point.EVIDENCE_KEPT, Point.REMOVAL_ANSWERED}, "nothing is taken down in a run"
    assert {strike.how for strike in strikes if strike.act is Act.LIE} == set(Mode)
    assert {strike.how for strike in strikes if strike.act is Act.HOLD} == {"all", "platform", "account", "draft"}
    assert {draft.stop for round_ in rounds for draft in round_.drafts} == {None, *Stop}
    assert {strike.act for strike in strikes} == set(Act)


def test_some_pauses_outlast_each_lease() -> None:
    """2 s for a call to start, 15 s for a claim, 30 s for sending."""
    rounds = plan(3, 3000)
    pauses = {round_.paused_for for round_ in rounds} | {s.seconds for r in rounds for s in r.strikes if s.act is Act.PAUSE}
    for lease in (2, 15, 30):
        assert any(lease < pause for pause in pauses)
