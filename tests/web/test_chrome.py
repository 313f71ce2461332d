from datetime import timedelta
from uuid import uuid4

from core.domain.people import Person, Role
from core.use_cases.record import ServiceState
from web.chrome import delivery_notice, navigation, roles_in_words

EVERYBODYS = ("Needs a person", "Stop all posts", "Accounts")


def _person(*roles: Role) -> Person:
    return Person(uuid4(), "https://issuer.example", "s", "Olu", frozenset(roles))


def test_people_see_the_places_their_roles_have_a_use_for() -> None:
    assert [item["text"] for item in navigation(_person(Role.OFFICER), "/")] == [
        *("My drafts", "All waiting", "Decided"),
        *EVERYBODYS,
    ]
    assert [item["text"] for item in navigation(_person(Role.AUDITOR), "/")] == [
        *("All waiting", "Decided"),
        *(*EVERYBODYS, "Audit"),
    ]
    assert navigation(_person(), "/") == []


def test_a_place_tells_how_much_waits_there() -> None:
    named = [item["text"] for item in navigation(_person(Role.OFFICER), "/", {"/needs-a-person": 3, "/holds": 0})]
    assert "Needs a person (3)" in named
    assert "Stop all posts" in named


def test_only_the_place_one_is_at_is_marked() -> None:
    marked = [item["text"] for item in navigation(_person(*Role), "/queue/all") if item["active"]]
    assert marked == ["All waiting"]


def test_roles_are_said_in_words() -> None:
    assert roles_in_words(_person(Role.OFFICER, Role.AUTHORISER)) == "communications officer and authoriser"
    assert roles_in_words(_person()) == "no role in this service"


def test_a_late_delivery_says_how_long_the_oldest_waits() -> None:
    notice = delivery_notice(ServiceState(timedelta(minutes=7), worker_alive=True, engine_alive=False))
    assert notice is not None
    assert notice.detail == "Oldest waiting: 7 minutes."
    assert delivery_notice(ServiceState(timedelta(seconds=2), worker_alive=True, engine_alive=True)) is None


def test_a_worker_without_a_fresh_heartbeat_is_an_alarm_even_when_nothing_waits() -> None:
    assert delivery_notice(ServiceState(None, worker_alive=False, engine_alive=False)) is not None
