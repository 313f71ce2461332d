"""An operator at a terminal places and lists holds; only two signed-in people lift one."""

from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from countersign.cli import app
from tests.core.publishing import as_admin
from tests.kit import Urls

pytestmark = pytest.mark.database


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, urls: Urls, *words: str) -> Result:
    monkeypatch.setenv("DATABASE_URL", urls.api)
    done: Any = CliRunner().invoke(app, ["hold", *words])
    return done  # type: ignore[no-any-return]


def test_one_operator_places_a_hold_and_sees_it(monkeypatch: pytest.MonkeyPatch, urls: Urls) -> None:
    try:
        placed = at_a_terminal(monkeypatch, urls, "place", "platform", "--target", "x", "--reason", "Silence at noon.")
        assert placed.exit_code == 0, placed.output
        assert "Two people lift it" in placed.output
        assert "Silence at noon." in at_a_terminal(monkeypatch, urls, "list").output
        events = as_admin(urls, "SELECT actor FROM audit_event WHERE action = 'hold.place' ORDER BY at DESC LIMIT 1")
        assert events[0]["actor"].startswith("operator|")
    finally:
        as_admin(urls, "UPDATE hold SET lifted_at = now(), lifted_by = 'a', lift_confirmed_by = 'b' WHERE lifted_at IS NULL")


def test_no_terminal_lifts_a_hold(monkeypatch: pytest.MonkeyPatch, urls: Urls) -> None:
    """Two names typed by one person are one person's word."""
    refused = at_a_terminal(monkeypatch, urls, "lift", "any", "--first", "One", "--second", "Two")
    assert refused.exit_code != 0
    assert "No such command" in refused.output
