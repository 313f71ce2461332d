"""The sandbox platforms are as strict as the real ones, keep what they accepted, and show it."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from integrations.sandbox.platforms.__main__ import read_stand
from integrations.sandbox.platforms.house import SandboxAccount
from tests.integrations.platforms.serving import Sandbox, sandbox

TOKEN = "token-canary-77"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
LINKEDIN = {**BEARER, "LinkedIn-Version": "202609", "X-Restli-Protocol-Version": "2.0.0"}


@pytest.fixture(params=["x", "facebook", "linkedin", "bluesky", "mastodon"])
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sandbox]:
    with sandbox(request.param, SandboxAccount("1", "dept", "Department", TOKEN), tmp_path) as running:
        yield running


@pytest.fixture
def x(tmp_path: Path) -> Iterator[httpx2.Client]:
    with (
        sandbox("x", SandboxAccount("1", "dept", "Department", TOKEN), tmp_path) as running,
        httpx2.Client(base_url=running.url, headers=BEARER, trust_env=False) as client,
    ):
        yield client


@pytest.fixture
def linkedin(tmp_path: Path) -> Iterator[httpx2.Client]:
    with (
        sandbox("linkedin", SandboxAccount("1", "dept", "Department", TOKEN), tmp_path) as running,
        httpx2.Client(base_url=running.url, headers=LINKEDIN, trust_env=False) as client,
    ):
        yield client


@pytest.fixture
def facebook(tmp_path: Path) -> Iterator[httpx2.Client]:
    with (
        sandbox("facebook", SandboxAccount("1", "dept", "Department", TOKEN), tmp_path) as running,
        httpx2.Client(base_url=running.url, headers=BEARER, trust_env=False) as client,
    ):
        yield client


def test_a_lie_nobody_knows_is_refused(there: Sandbox) -> None:
    answer = httpx2.post(f"{there.url}/_lie", json={"mode": "honesty"}, trust_env=False)
    assert answer.status_code == 422


def test_an_empty_timeline_says_so_and_is_marked_as_a_sandbox(there: Sandbox) -> None:
    page = httpx2.get(there.url, trust_env=False)
    assert "Nothing has been posted yet" in page.text
    assert "Sandbox" in page.text
    assert "script" not in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    "body",
    [
        {"text": "a", "surprise": 1},
        {"text": 1},
        {},
        {"text": "a", "media": {"media_ids": []}},
        {"text": "a", "media": {"media_ids": ["1"]}},
        {"text": "a", "media": {"media_ids": ["1", "2", "3", "4", "5"]}},
    ],
)
def test_x_refuses_what_its_specification_does_not_have(x: httpx2.Client, body: dict[str, object]) -> None:
    assert x.post("/2/tweets", json=body).status_code == 400
    assert x.get("/_ledger").json()["posts"] == []


def test_x_refuses_281_and_counts_down_its_rate_limit(x: httpx2.Client) -> None:
    x.post("/_limit", json={"posts": 100})
    assert x.post("/2/tweets", json={"text": "a" * 281}).status_code == 403
    answer = x.post("/2/tweets", json={"text": "a" * 280})
    assert answer.status_code == 201
    assert (answer.headers["x-rate-limit-limit"], answer.headers["x-rate-limit-remaining"]) == ("100", "99")


def test_x_lists_and_deletes_and_the_ledger_remembers(x: httpx2.Client) -> None:
    post_id = x.post("/2/tweets", json={"text": "Once"}).json()["data"]["id"]
    assert [post["id"] for post in x.get("/2/users/1/tweets").json()["data"]] == [post_id]
    assert x.delete(f"/2/tweets/{post_id}").json() == {"data": {"deleted": True}}
    assert "errors" in x.get(f"/2/tweets/{post_id}").json()
    assert x.get("/2/users/1/tweets").json() == {"meta": {"result_count": 0}}
    [row] = x.get("/_ledger").json()["posts"]
    assert row["deleted_at"]
    assert x.delete(f"/2/tweets/{post_id}").status_code == 404


def test_the_ledger_keeps_the_request_as_it_came_and_knows_accounts_apart(x: httpx2.Client) -> None:
    body = b'{ "text":"caf\\u00e9" }'
    post_id = x.post("/2/tweets", content=body, headers={"content-type": "application/json"}).json()["data"]["id"]
    assert x.get(f"/_ledger/wire/{post_id}").content == body
    [row] = x.get("/_ledger", params={"account": "1"}).json()["posts"]
    assert row["text"] == "café"
    assert x.get("/_ledger", params={"account": "2"}).json()["posts"] == []


def test_the_timeline_shows_a_post_with_its_image_and_no_markup_of_its_own(x: httpx2.Client) -> None:
    media = x.post("/2/media/upload", data={"media_category": "tweet_image"}, files={"media": ("i", b"PNG", "image/png")})
    media_id = media.json()["data"]["id"]
    x.post("/2/media/metadata", json={"id": media_id, "metadata": {"alt_text": {"text": '"><script>alert(1)</script>'}}})
    text = "<script>alert(1)</script> https://www.gov.uk/a?b=1&c=2"
    post_id = x.post("/2/tweets", json={"text": text, "media": {"media_ids": [media_id]}}).json()["data"]["id"]
    for address in ("/", "/?account=1", f"/dept/status/{post_id}"):
        page = x.get(address).text
        assert "<script" not in page
        assert 'href="https://www.gov.uk/a?b=1&amp;c=2"' in page
        assert "/_ledger/media/" in page
    assert x.get("/dept/status/1").status_code == 404


def test_linkedin_asks_for_its_version_and_its_protocol(linkedin: httpx2.Client) -> None:
    for header, value, status in (
        ("LinkedIn-Version", "", 400),
        ("LinkedIn-Version", "202401", 426),
        ("X-Restli-Protocol-Version", "1.0.0", 400),
        ("Authorization", "Bearer wrong", 401),
    ):
        assert linkedin.get("/rest/posts/urn:li:share:1", headers={header: value}).status_code == status


def linkedin_post(commentary: str, **changes: object) -> dict[str, object]:
    return {
        "author": "urn:li:organization:1",
        "commentary": commentary,
        "visibility": "PUBLIC",
        "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
        **changes,
    }


def test_linkedin_cuts_off_unescaped_text_in_silence_and_lists_and_deletes(linkedin: httpx2.Client) -> None:
    answer = linkedin.post("/rest/posts", json=linkedin_post("Open (until Friday)"))
    urn = answer.headers["x-restli-id"]
    assert (answer.status_code, answer.content) == (201, b"")
    assert linkedin.get("/_ledger").json()["posts"][0]["text"] == "Open "
    query = {"author": "urn:li:organization:1", "q": "author", "count": "10"}
    assert linkedin.get("/rest/posts", params=query).status_code == 400
    listed = linkedin.get("/rest/posts", params=query, headers={"X-RestLi-Method": "FINDER"}).json()["elements"]
    assert [post["id"] for post in listed] == [urn]
    assert linkedin.get(f"/feed/update/{urn}/").status_code == 200
    assert linkedin.delete(f"/rest/posts/{urn}").status_code == 204
    assert linkedin.delete(f"/rest/posts/{urn}").status_code == 404


def test_linkedin_refuses_unknown_fields_and_other_organisations(linkedin: httpx2.Client) -> None:
    assert linkedin.post("/rest/posts", json=linkedin_post("a", surprise=1)).status_code == 422
    assert linkedin.post("/rest/posts", json=linkedin_post("a", author="urn:li:organization:2")).status_code == 403


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"message": "a", "surprise": "1"}, 100),
        ({}, 100),
        ({"message": "a", "link": "nowhere"}, 1609005),
        ({"message": "a", "attached_media": json.dumps([{"media_fbid": "1"}])}, 100),
        ({"message": "a", "attached_media": "nonsense"}, 100),
    ],
)
def test_facebook_refuses_in_its_own_codes(facebook: httpx2.Client, form: dict[str, str], code: int) -> None:
    answer = facebook.post("/v26.0/1/feed", data=form)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert facebook.get("/_ledger").json()["posts"] == []


def test_facebook_refuses_another_page_and_lists_and_deletes(facebook: httpx2.Client) -> None:
    assert facebook.post("/v26.0/2/feed", data={"message": "a"}).json()["error"]["code"] == 200
    post_id = facebook.post("/v26.0/1/feed", data={"message": "a", "access_token": TOKEN}).json()["id"]
    assert [post["id"] for post in facebook.get("/v26.0/1/published_posts").json()["data"]] == [post_id]
    assert facebook.get(f"/{post_id}").status_code == 200
    assert facebook.delete(f"/v26.0/{post_id}").json() == {"success": True}
    assert facebook.get(f"/v26.0/{post_id}").json()["error"]["error_subcode"] == 33


def test_what_to_serve_is_read_whole_or_refused_with_a_sentence() -> None:
    accounts = [["did:plc:1", "dept", "The Department: north"], ["2", "b", "B"]]
    asked = {"platform": "x", "port": 8101, "ledger": "x.sqlite", "accounts": accounts}
    read = read_stand(json.dumps(asked), {"did:plc:1": "t1", "2": "t2"})
    assert [(a.account_id, a.handle, a.name, a.token) for a in read.accounts] == [
        ("did:plc:1", "dept", "The Department: north", "t1"),
        ("2", "b", "B", "t2"),
    ]
    for wrong, tokens in (
        (asked, {"2": "t2"}),
        ({**asked, "platform": "myspace"}, {"did:plc:1": "t1", "2": "t2"}),
        ({**asked, "accounts": [["1", "a"]]}, {"1": "t1"}),
        ({"platform": "x"}, {}),
    ):
        with pytest.raises(ValueError, match=r".+\."):
            read_stand(json.dumps(wrong), tokens)
