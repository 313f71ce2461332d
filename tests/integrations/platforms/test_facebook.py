"""Facebook Pages: conformance, and what its error codes mean."""

import json
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from core.domain.outcome import Quota, Result
from integrations.platforms.facebook import Facebook
from integrations.platforms.values import Access
from integrations.platforms.wire import Answer, Call
from integrations.sandbox.platforms.house import SandboxAccount
from tests.integrations.platforms.conformance import LINK, TOKEN, DuplicatesConformance, PlatformConformance

pytestmark = pytest.mark.anyio
ACCESS = Access("1", "dept", TOKEN, "http://127.0.0.1:1")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class TestFacebook(DuplicatesConformance, PlatformConformance):
    platform = Facebook()
    account = SandboxAccount("104523900000001", "deptexample", "Department for Examples", TOKEN)
    # Facebook keeps no keys.
    test_the_same_key_never_makes_two_posts = None  # type: ignore[assignment]
    full = "é" * 63_200 + "日本." + "!😷"
    # Facebook takes images at once.
    test_an_image_in_work_is_waited_for_until_a_limit = None  # type: ignore[assignment]

    def absent_id(self) -> str:
        return "104523900000001_1"

    def test_the_link_is_a_card_without_images_and_stands_in_the_message_with_them(self) -> None:
        assert self.rendition("Words", LINK).link == LINK
        with_image = self.rendition("Words", LINK, self.images(1)[0])
        assert (with_image.text, with_image.link) == (f"Words\n\n{LINK}", None)


def graph_error(code: int, *, status: int = 400, transient: bool = False, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"error": {"message": "words", "code": code, "is_transient": transient}}
    return Answer(status, httpx2.Headers(named), json.dumps(body).encode())


@pytest.mark.parametrize(
    ("code", "result"),
    [
        *[(code, Result.REFUSED) for code in (190, 102, 10, 200, 299, 368, 100, 1609005)],
        *[(code, Result.UNKNOWN) for code in (1, 2, 506)],
        # A limit without figures that prove it.
        *[(code, Result.UNKNOWN) for code in (4, 17, 32, 341, 613, 80001)],
    ],
)
@pytest.mark.parametrize("status", [400, 403])
def test_each_code_means_what_graph_says(code: int, result: Result, status: int) -> None:
    outcome = Facebook().judge(ACCESS, graph_error(code, status=status))
    assert outcome.result is result
    assert ("token" in outcome.detail) == (code in (190, 102))


@pytest.mark.parametrize("code", [4, 17, 32, 341, 613, 80001])
@pytest.mark.parametrize(
    "headers",
    [
        {"x_business_use_case_usage": '{"1":[{"call_count":20,"estimated_time_to_regain_access":3}]}'},
        {"x_business_use_case_usage": '{"1":[{"call_count":100}]}'},
        {"x_app_usage": '{"call_count":100,"total_time":25,"total_cputime":25}'},
    ],
)
def test_a_limit_is_believed_with_facebook_s_own_figures(code: int, headers: dict[str, str]) -> None:
    assert Facebook().judge(ACCESS, graph_error(code, status=400, transient=False, **headers)).result is Result.NOT_SENT


def test_figures_below_a_hundred_make_a_limit_doubtful() -> None:
    usage = '{"1":[{"call_count":28,"total_cputime":99,"total_time":3,"estimated_time_to_regain_access":0}]}'
    outcome = Facebook(clock=lambda: NOW).judge(ACCESS, graph_error(32, x_business_use_case_usage=usage))
    assert outcome.result is Result.UNKNOWN
    assert outcome.quota == Quota("hundredths of the Page's hour", 1, NOW + timedelta(hours=1))


def test_a_transient_error_and_any_500_are_unknown_whatever_the_code() -> None:
    assert Facebook().judge(ACCESS, graph_error(100, transient=True)).result is Result.UNKNOWN
    assert Facebook().judge(ACCESS, graph_error(4, status=500)).result is Result.UNKNOWN


@pytest.mark.parametrize(
    ("usage", "minutes"),
    [
        ('{"1":[{"type":"pages","estimated_time_to_regain_access":12},{"estimated_time_to_regain_access":3}]}', 12),
        ('{"1":[{"estimated_time_to_regain_access":0}]}', None),
        ("nonsense", None),
        ("[]", None),
        ('{"1":[{"estimated_time_to_regain_access":"soon"}]}', None),
    ],
)
def test_the_reset_comes_from_the_usage_header(usage: str, minutes: int | None) -> None:
    outcome = Facebook(clock=lambda: NOW).judge(ACCESS, graph_error(32, x_business_use_case_usage=usage))
    assert outcome.retry_at == (NOW + timedelta(minutes=minutes) if minutes else None)


@pytest.mark.parametrize("named", ["javascript:alert(1)", "/relative", {"an": "object"}, None])
async def test_only_a_web_address_becomes_the_live_link(named: object, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answered(call: Call, **options: object) -> Answer:
        return Answer(200, httpx2.Headers(), json.dumps({"id": "1", "message": "Words", "permalink_url": named}).encode())

    monkeypatch.setattr("integrations.platforms.redoable.make_call", answered)
    assert (await Facebook().read_back(ACCESS, "1")).permalink is None
