"""The parts of the walk alone: it reads pages as a browser does, and a record that was touched does not pass."""

import copy
import hashlib
import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rich.console import Console

from countersign.walk.client import Page
from countersign.walk.evidence import digest_over, verified_events
from countersign.walk.post import metadata_in, new_image, new_post, soonest
from countersign.walk.run import run_walk
from countersign.walk.sandboxes import kept_sandboxes
from countersign.walk.telling import NotHeld

FORM = """<main><p>Signed in as <strong>Samira Khan</strong>, officer</p><form action="/drafts/1/decide" method="post">
<input type="hidden" name="digest" value="v1:sha256:00"><input type="file" name="upload-1">
<input type="checkbox" name="confirmed" value="standards" checked><label>Nothing &amp; nobody</label>
<input type="checkbox" name="confirmed" value="public"><label>In public</label><div>hint, X</div></fieldset>
<textarea name="reason">
Two lines
here</textarea><button>Continue</button></form><a href="/audit">The <b>audit</b> list</a></main>"""


def page(html: str) -> Page:
    return Page(httpx2.Response(200, text=html, request=httpx2.Request("GET", "http://127.0.0.1:8000/drafts/1/decide")))


def test_a_form_is_sent_as_a_browser_would_send_it() -> None:
    form = page(FORM).form(to="/decide")
    assert form.filled({"answer": "authorise"}) == {
        "digest": ["v1:sha256:00"],
        "confirmed": ["standards"],
        "reason": ["Two lines\nhere"],
        "answer": ["authorise"],
    }
    assert [choice.words.split() for choice in form.choices] == [["Nothing", "&", "nobody"], ["In", "public", "hint,", "X"]]


def test_a_page_is_read_as_a_person_reads_it() -> None:
    read = page(FORM)
    assert "Signed in as Samira Khan, officer" in read.text
    assert read.links == [("The audit list", "/audit")]


def test_a_missing_form_says_what_the_page_says_instead() -> None:
    with pytest.raises(NotHeld, match=r"a form for /submit.*Signed in as"):
        page(FORM).form(to="/submit")


def chain(subject: str, *actions: str) -> dict[str, Any]:
    prev = hashlib.sha256(f"countersign:{subject}".encode()).hexdigest()
    events = []
    for number, action in enumerate(actions, start=1):
        said = {"subject": subject, "number": number, "prev": prev, "actor": "a", "action": action, "digest": None}
        body = json.dumps({**said, "at": "2026-11-24T09:30:00.000000Z"})
        hashed = hashlib.sha256(body.encode()).hexdigest()
        events.append({"number": number, "prev": prev, "hash": hashed, "body": body})
        prev = hashed
    return {"subject": subject, "head": {"number": len(events), "hash": prev}, "events": events}


def test_an_untouched_record_verifies() -> None:
    record = {"chains": [chain("draft:1", "draft.submit", "draft.authorise"), chain("publication:1", "publication.sending")]}
    assert [event.action for event in verified_events(record)] == ["draft.submit", "draft.authorise", "publication.sending"]


def test_a_record_that_was_touched_anywhere_does_not() -> None:
    whole = {"chains": [chain("draft:1", "draft.submit", "draft.authorise", "draft.authorise")]}

    def touched(place: int, **changes: Any) -> dict[str, Any]:
        record = copy.deepcopy(whole)
        record["chains"][0]["events"][place] |= changes
        return record

    other = whole["chains"][0]["events"][0]["body"].replace("draft.submit", "draft.reject")
    faults = [
        touched(0, body=other),
        touched(0, body=other, hash=hashlib.sha256(other.encode()).hexdigest()),
        touched(1, prev="00" * 32),
        touched(1, number=3),
    ]
    shorter = copy.deepcopy(whole)
    shorter["chains"][0]["events"].pop()
    moved = copy.deepcopy(whole)
    moved["chains"][0]["subject"] = "draft:2"
    for record in [*faults, shorter, moved]:
        with pytest.raises(NotHeld):
            verified_events(record)


def test_a_digest_names_its_scheme() -> None:
    assert digest_over(b"{}") == "v1:sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize(("second", "ahead"), [(0, 60), (34, 26), (36, 84), (59, 61)])
def test_the_publish_time_is_the_next_minute_with_time_left_to_decide(second: int, ahead: int) -> None:
    now = datetime(2026, 11, 24, 9, 30, second, tzinfo=UTC)
    assert soonest(now) - now == timedelta(seconds=ahead)


def test_the_image_carries_metadata_that_must_not_go_out_and_no_two_runs_share_one() -> None:
    first = new_image("1")
    assert len(metadata_in(first)) == 3
    assert first != new_image("2")


def test_a_publish_time_in_the_repeated_hour_says_which() -> None:
    typed = new_post(datetime(2026, 10, 25, 1, 15, tzinfo=UTC)).typed(["1"])
    assert (typed["publish-time"], typed["publish-which"]) == ("01:16", "1")


def test_only_sandboxes_of_this_demo_that_the_post_is_for_are_asked(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text(json.dumps({"identity": 4000, "x": 4001, "mastodon": 4002}))
    assert kept_sandboxes(tmp_path, "http://127.0.0.1:4000") == {"x": "http://127.0.0.1:4001"}
    assert kept_sandboxes(tmp_path, "http://127.0.0.1:5000") == {}
    assert kept_sandboxes(tmp_path / "absent", "http://127.0.0.1:4000") == {}


def test_a_service_that_is_not_there_is_one_sentence() -> None:
    out = StringIO()
    assert not run_walk("http://127.0.0.1:9", Console(file=out, soft_wrap=True))
    assert out.getvalue().splitlines()[-1] == (
        "Step 1, sam signs in: nothing answers at http://127.0.0.1:9. "
        "Start the service with `make demo`, or name another with --url."
    )
