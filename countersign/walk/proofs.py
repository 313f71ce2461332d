"""The second half of the walk: it appears at its time and not before, it is what was authorised, and the record holds."""

import hashlib
import re
import time
from dataclasses import dataclass
from datetime import datetime

from countersign.walk.client import Page
from countersign.walk.evidence import Authorised, Event, authorised_in, digest_over, verified_events
from countersign.walk.post import metadata_in, now_utc
from countersign.walk.sandboxes import AT_MOST_LATE, Received, Sandboxes, sandboxes_behind
from countersign.walk.steps import Cast, Written, said
from countersign.walk.telling import NotHeld, Teller, held

PUBLICATION = re.compile(r"^/publications/([0-9a-f-]{36})$")
LIVE = re.compile(r"^See the live post on (\w+)$")
VERIFIED = "Published and checked"
IN_WORK = ("Scheduled", "Getting ready", "Sending", "Processing", "Published")
SETTLES_WITHIN = 60.0
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Published:
    """One publication as its record page shows it."""

    publication_id: str
    platform: str
    live: str


def appears_at_its_time(teller: Teller, written: Written, sandboxes: Sandboxes) -> None:
    publish_at = written.post.publish_at
    with teller.doing(f"The post appears on each sandbox at {publish_at:%H:%M:%S} UTC and not before"):
        if not sandboxes.addresses:
            teller.evidence("where the sandboxes are is not known yet; their own ledgers will tell when it came")
            time.sleep(max(0.0, (publish_at - now_utc()).total_seconds()))
            return
        for platform, address in sandboxes.addresses.items():
            here = sandboxes.received(platform, written.post.run)
            held(not here, f"nothing of this on {platform} yet", here)
            teller.evidence(f"{platform}: nothing yet at {address}")

        def seen(platform: str, when: datetime) -> None:
            teller.evidence(f"{platform}: first seen at {when:%H:%M:%S.%f} UTC")

        sandboxes.watch(written.post.run, publish_at, seen)


def record_shows_it(teller: Teller, cast: Cast, written: Written) -> list[Published]:
    """Each publication's record page says that it was read back and equals what was authorised, and links to the live post."""
    author = cast.author
    with teller.doing(f"{author.name} opens the publication records"):
        draft = author.browser.open(f"/drafts/{written.draft_id}")
        paths = sorted({href for _, href in draft.links if PUBLICATION.match(href)})
        held(
            len(paths) == len(written.accounts), f"{len(written.accounts)} publications on the draft's page", paths or said(draft)
        )
        published = []
        for path in paths:
            page = _settled(cast, path)
            live = next(((found[1], href) for text, href in page.links if (found := LIVE.match(text))), None)
            if live is None:
                raise NotHeld(f"a link to the live post at {path}", said(page))
            held(VERIFIED in page.text, f"{live[0]} to be “{VERIFIED}”", said(page))
            published.append(Published(path.rpartition("/")[2], live[0].lower(), live[1]))
            teller.evidence(f"{live[0]}: {VERIFIED}, {live[1]}")
    return published


def _settled(cast: Cast, path: str) -> Page:
    """The record page once the service has nothing left to do, or after a minute as it is then."""
    deadline = time.monotonic() + SETTLES_WITHIN
    while True:
        page = cast.author.browser.open(path)
        if VERIFIED in page.text or not any(f" {state} " in page.text for state in IN_WORK) or time.monotonic() > deadline:
            return page
        time.sleep(POLL_SECONDS)


def received_is_authorised(teller: Teller, cast: Cast, written: Written, published: list[Published], at: Sandboxes) -> None:
    """What arrived is, byte for byte, what the digest names; and what the digest names is what was typed."""
    with teller.doing("What the sandboxes received equals what was authorised"):
        canonical = cast.author.browser.read(f"/drafts/{written.draft_id}/versions/1.json").content
        held(digest_over(canonical) == written.digest, f"the manifest behind {written.digest}", digest_over(canonical))
        teller.evidence("the manifest's bytes were hashed again and give the digest that both people authorised")
        authorised = authorised_in(canonical)
        at.addresses = at.addresses or sandboxes_behind({one.platform: one.live for one in published})
        for one in published:
            _as_typed(written, authorised[one.platform])
            arrived = at.received(one.platform, written.post.run)
            held(len(arrived) == 1, f"exactly one post on {one.platform}", f"{len(arrived)}")
            _same(written, authorised[one.platform], arrived[0], at)
            live = at.page(one.live)
            held(live.status_code == 200, f"the live post at {one.live}", f"HTTP {live.status_code}")
            late = (arrived[0].received_at - written.post.publish_at).total_seconds()
            teller.evidence(
                f"{one.platform}: post {arrived[0].post_id}, received {late:.3f} s after its time; text, image "
                f"{arrived[0].images[0][0][:12]}… and alt text equal; no metadata in the image"
            )


def _as_typed(written: Written, authorised: Authorised) -> None:
    typed = written.post.linkedin_text if authorised.platform == "linkedin" else written.post.text
    held(authorised.text == typed, f"the manifest to hold “{typed}” for {authorised.platform}", authorised.text)
    alts = [alt for _, _, alt in authorised.images]
    held(alts == [written.post.alt], f"one image in the manifest, described as “{written.post.alt}”", alts)


def _same(written: Written, authorised: Authorised, arrived: Received, at: Sandboxes) -> None:
    where = authorised.platform
    held(arrived.text == authorised.text, f"{where} to have received the text “{authorised.text}”", f"“{arrived.text}”")
    expected = [(sha256, alt) for sha256, _, alt in authorised.images]
    held(list(arrived.images) == expected, f"{where} to have received the images {expected}", list(arrived.images))
    for sha256, size, _ in authorised.images:
        data = at.image(where, sha256)
        recomputed = hashlib.sha256(data).hexdigest()
        held((recomputed, len(data)) == (sha256, size), f"{where} to hold {size} bytes with SHA-256 {sha256}", recomputed)
        held(not metadata_in(data) and written.post.secret not in data, f"no metadata in {where}'s image", metadata_in(data))
    late = arrived.received_at - written.post.publish_at
    held(late.total_seconds() >= 0, f"{where} to receive it not before {written.post.publish_at:%X}", arrived.received_at)
    held(late <= AT_MOST_LATE, f"{where} to receive it within {AT_MOST_LATE.seconds} s of its time", f"{late.total_seconds()} s")


def chain_verifies(teller: Teller, cast: Cast, written: Written, published: list[Published]) -> None:
    """The record, downloaded by the author and recomputed here; then what it says of who did what."""
    with teller.doing("The audit chain verifies, recomputed from the downloaded record"):
        record = cast.author.browser.read(f"/drafts/{written.draft_id}/record.json").json()
        for digest, canonical in record["manifests"].items():
            held(digest_over(canonical.encode()) == digest, f"the manifest behind {digest}", digest_over(canonical.encode()))
        events = verified_events(record)
        subjects = {f"draft:{written.draft_id}"} | {f"publication:{one.publication_id}" for one in published}
        held({event.subject for event in events} == subjects, f"a chain for each of {sorted(subjects)}", "others")
        teller.evidence(f"{len(events)} events in {len(subjects)} chains; every hash recomputed, every chain ends at its head")
        _says(cast, written, events)
        for event in events:
            if event.action in ("draft.submit", "draft.authorise", "publication.sending"):
                teller.evidence(f"{event.at:%H:%M:%S.%f}  {event.action}  {event.actor.rpartition('|')[2]}")


def _says(cast: Cast, written: Written, events: list[Event]) -> None:
    decided = {(event.actor, event.digest) for event in events if event.action == "draft.authorise"}
    two = {(f"{person.issuer}|{person.subject}", written.digest) for person in (cast.press, cast.policy)}
    held(
        decided == two,
        f"two authorisations over {written.digest}, by {cast.press.name} and {cast.policy.name}",
        sorted(map(str, decided)),
    )
    sent = [event for event in events if event.action == "publication.sending"]
    last = max(event.at for event in events if event.action == "draft.authorise")
    held(len(sent) == len(written.accounts), f"{len(written.accounts)} posts sent, each once", f"{len(sent)}")
    for event in sent:
        held(event.at >= written.post.publish_at, f"nothing sent before {written.post.publish_at:%X}", f"{event.at:%X.%f}")
        held(event.at > last and event.digest == written.digest, "every post sent after both authorised its digest", event)
    seen = sum(event.action == "publication.verified" for event in events)
    held(seen == len(sent), "every post read back and verified on the record", f"{seen} of {len(sent)}")
