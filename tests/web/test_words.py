from pathlib import Path

from core.domain.people import Role
from core.domain.publication import State
from core.domain.route import Answer
from core.domain.standing import Standing
from web.words import ROLES, account_on, digest_shortly, label_of, live_post_on, web_address, where_posted

_STYLES = (Path(__file__).parents[2] / "web/static/govuk/govuk-frontend.min.css").read_text()


def test_every_standing_state_answer_and_role_has_its_words() -> None:
    for value in (*Standing, *State, *Answer):
        label = label_of(value)
        assert label.text
        assert label.means
        assert label.colour == "blue" or f".govuk-tag--{label.colour}" in _STYLES
    assert set(ROLES) == set(Role)


def test_a_digest_is_shown_shortly_with_its_scheme() -> None:
    assert digest_shortly("v1:sha256:" + "ab" * 32) == "v1:sha256:abababababab…"


def test_what_is_posted_by_hand_reads_as_a_sentence_and_not_as_a_platform() -> None:
    assert account_on("Department", "x") == "Department on X"
    assert account_on("Staff intranet", "manual") == "Staff intranet, posted by hand"
    assert where_posted("manual") == "posted by hand"
    assert live_post_on("manual") == "See what was posted"


def test_only_an_address_of_the_web_becomes_a_link() -> None:
    assert web_address("https://x.com/dept/status/1") == "https://x.com/dept/status/1"
    assert web_address("http://127.0.0.1:8000/1")
    for odd in ("javascript:alert(1)", "data:text/html,x", "//evil.example", "at://did:plc:x", "", None):
        assert web_address(odd) == ""


def test_no_page_links_to_a_permalink_unguarded() -> None:
    templates = Path(__file__).parents[2] / "web/templates"
    linking = [line for file in templates.rglob("*.html") for line in file.read_text().splitlines() if "permalink }}" in line]
    assert len(linking) >= 3
    assert [line for line in linking if "| web_address %}" not in line] == []
