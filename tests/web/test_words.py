from pathlib import Path

from core.domain.people import Role
from core.domain.publication import State
from core.domain.route import Answer
from core.domain.standing import Standing
from web.words import ROLES, digest_shortly, label_of

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
