"""Mischief reaches the sandbox that was named, and says in a sentence when it cannot."""

import json
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from countersign.cli import app
from countersign.embedded.trouble import EmbeddedTrouble
from integrations.sandbox.platforms.house import SandboxAccount
from tests.integrations.platforms.serving import sandbox


def asked(state: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["sandbox", *words, "--state", str(state)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_next_post_is_lied_about(tmp_path: Path) -> None:
    with sandbox("x", SandboxAccount("1", "dept", "Department", "token"), tmp_path) as there:
        (tmp_path / "ports.json").write_text(json.dumps({"identity": 1, "x": int(there.url.rpartition(":")[2])}))
        assert "cut_after" in asked(tmp_path, "lie", "x", "cut_after")
        with pytest.raises(EmbeddedTrouble, match="truncate"):
            asked(tmp_path, "lie", "x", "no_such_lie")


def test_a_stranger_posts_on_the_account_without_being_told_its_number(tmp_path: Path) -> None:
    with sandbox("x", SandboxAccount("1", "dept", "Department", "token"), tmp_path) as there:
        (tmp_path / "ports.json").write_text(json.dumps({"x": int(there.url.rpartition(":")[2])}))
        assert "nobody authorised" in asked(tmp_path, "rogue", "x", "Buy now")
        found = httpx2.get(f"{there.url}/_ledger").json()["posts"]
        assert [(post["account"], post["text"]) for post in found] == [("1", "Buy now")]


@pytest.mark.parametrize("platform", ["identity", "myspace"])
def test_what_is_no_sandbox_is_named(tmp_path: Path, platform: str) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"identity": 1, "x": 2}))
    with pytest.raises(EmbeddedTrouble, match="It has: x"):
        asked(tmp_path, "lie", platform, "cut_after")


def test_a_demo_that_is_not_running_is_said(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"x": 1}))
    with pytest.raises(EmbeddedTrouble, match="does not answer"):
        asked(tmp_path, "lie", "x", "cut_after")
