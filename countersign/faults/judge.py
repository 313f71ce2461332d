"""The judge: the ledgers and the rows decide, by the database's own clock; what the service believes of itself proves nothing."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.domain.publication import SENT_OR_MAYBE, State
from countersign.demo.seeds import account_id
from countersign.faults.evidence import Draft, Facts, Hold, Post, Publication

PUBLISHED = frozenset({State.PUBLISHED, State.VERIFIED, State.MISMATCH, State.REMOVING, State.REMOVAL_UNKNOWN, State.REMOVED})
SAYS_NOT_SENT = frozenset(set(State) - SENT_OR_MAYBE)
# One machine, one clock; what is left is the grain in which either side writes it down.
GRAIN = timedelta(milliseconds=1)


class Wrong(StrEnum):
    """What must be 0, as the last line names it."""

    DUPLICATE = "duplicates"
    UNAUTHORISED = "unauthorised"
    ALTERED = "altered"
    IN_A_HOLD = "in a hold"
    EARLY = "early"
    LATE = "late"
    LOST = "lost"
    DECISION_LOST = "decisions lost"
    RECORD = "false records"


@dataclass(frozen=True)
class Finding:
    wrong: Wrong
    token: str
    sentence: str
    kind: str = ""


class Outcome(StrEnum):
    """How a publication under fault ended: out; to people, because what stands differs, because nobody can know, or because it
    was stopped or the platform refused it; waiting for a platform's limit; or open, which is a finding."""

    PUBLISHED = "published"
    DIFFERS = "differs"
    UNKNOWN = "unknown"
    STOPPED = "stopped"
    REFUSED = "refused"
    LATER = "limited"
    OPEN = "open"


def judge(facts: Facts) -> list[Finding]:
    """Every promise that was broken, one finding each; empty when all were kept."""
    drafts = {draft.token: draft for draft in facts.drafts.values()}
    posts: dict[tuple[str, str], list[Post]] = defaultdict(list)
    findings: list[Finding] = []
    for post in facts.posts:
        if post.token not in drafts:
            findings.append(Finding(Wrong.UNAUTHORISED, post.token, f"a post on {post.platform} that no draft of the run names"))
        posts[post.token, post.platform].append(post)
    made: dict[tuple[str, str], list[Publication]] = defaultdict(list)
    for publication in facts.publications:
        made[publication.token, publication.platform].append(publication)
    for draft in drafts.values():
        for platform in {*draft.platforms, *(where for token, where in posts if token == draft.token)}:
            own, stands = made[draft.token, platform], posts[draft.token, platform]
            found = [*_counted(own, stands), *_as_authorised(own, stands), *_in_time(draft, own, stands)]
            found += [*_allowed(draft, own, facts.holds), *_not_lost(draft, own, stands)]
            findings += [Finding(wrong, draft.token, f"{platform}: {sentence}", draft.kind) for wrong, sentence in found]
    return [*findings, *_decisions(facts)]


_Found = list[tuple[Wrong, str]]


def _counted(own: list[Publication], posts: list[Post]) -> _Found:
    attempts = sum(len(publication.attempts) for publication in own)
    found: _Found = []
    if len(posts) > 1:
        found.append((Wrong.DUPLICATE, f"{len(posts)} posts stand: {', '.join(post.post_id for post in posts)}"))
    if len(posts) > attempts:
        found.append((Wrong.UNAUTHORISED, f"{len(posts)} posts, and dispatch allowed {attempts}"))
    return found


def _as_authorised(own: list[Publication], posts: list[Post]) -> _Found:
    """What was sent is what the manifest says; and what the platform made otherwise of it is not recorded as the same."""
    found: _Found = []
    for post in posts:
        for publication in own:
            if post.sent != publication.text:
                found.append((Wrong.ALTERED, f"sent “{post.sent}”, authorised “{publication.text}”"))
            elif post.images != publication.images:
                found.append((Wrong.ALTERED, f"sent the images {post.images}, authorised {publication.images}"))
            elif post.shown != post.sent and publication.state == State.VERIFIED:
                found.append((Wrong.RECORD, f"verified, and what stands is “{post.shown}”"))
    return found


def _in_time(draft: Draft, own: list[Publication], posts: list[Post]) -> _Found:
    found: _Found = []
    for publication in own:
        for at in publication.attempts:
            if at < draft.due(at):
                found.append((Wrong.EARLY, f"dispatched at {at}, due at {draft.due(at)}"))
            if at >= draft.window_end:
                found.append((Wrong.LATE, f"dispatched at {at}, its window ended at {draft.window_end}"))
    for post in posts:
        if post.received_at < draft.due(post.received_at) - GRAIN and not _dispatched_for(own, draft, post):
            found.append((Wrong.EARLY, f"received at {post.received_at}, due at {draft.due(post.received_at)}"))
    return found


def _dispatched_for(own: list[Publication], draft: Draft, post: Post) -> bool:
    """A new time that was given after dispatch comes too late for the call that is out."""
    return any(at <= post.received_at and draft.due(at) <= at for publication in own for at in publication.attempts)


def _allowed(draft: Draft, own: list[Publication], holds: list[Hold]) -> _Found:
    """At each dispatch every required person had authorised and still might, nothing was withdrawn, and no hold stood."""
    found: _Found = []
    for publication in own:
        for at in publication.attempts:
            steps = {step for step, decided, revoked in draft.steps if decided <= at and (revoked is None or revoked > at)}
            if len(steps) < draft.wanted_steps:
                found.append((Wrong.UNAUTHORISED, f"dispatched at {at} on {len(steps)} of {draft.wanted_steps} authorisations"))
            if draft.stopped_at is not None and draft.stopped_at <= at:
                found.append((Wrong.UNAUTHORISED, f"dispatched at {at}, stopped by a person at {draft.stopped_at}"))
            standing = [hold for hold in holds if _binds(hold, draft, publication.platform, at)]
            found += [(Wrong.IN_A_HOLD, f"dispatched at {at}, a hold ({hold.scope}) since {hold.begins}") for hold in standing]
    return found


def _binds(hold: Hold, draft: Draft, platform: str, at: datetime) -> bool:
    scopes = {"all": "", "platform": platform, "account": str(account_id(platform)), "draft": str(draft.id)}
    return scopes[hold.scope] == hold.target and hold.begins <= at and (hold.ends is None or at < hold.ends)


def _not_lost(draft: Draft, own: list[Publication], posts: list[Post]) -> _Found:
    found: _Found = []
    for publication in own:
        outcome = outcome_of(publication)
        if outcome is Outcome.OPEN:
            found.append((Wrong.LOST, f"still {publication.state} though it was due"))
        if publication.state in SAYS_NOT_SENT and posts:
            found.append((Wrong.RECORD, f"the record says {publication.state}, and it stands as {posts[0].post_id}"))
        if publication.state in PUBLISHED and not posts:
            found.append((Wrong.RECORD, f"the record says {publication.state}, and nothing stands"))
    if not own and _should_have_gone(draft):
        found.append((Wrong.LOST, "authorised in time, due, and no publication was made"))
    return found


def _should_have_gone(draft: Draft) -> bool:
    """Authorised by everybody before its time, and stopped by nobody before it could be made."""
    standing = [(step, at) for step, at, revoked in draft.steps if revoked is None]
    everybody = len({step for step, _ in standing}) >= draft.wanted_steps
    in_time = everybody and max(at for _, at in standing) < draft.times[-1][1]
    return in_time and draft.stopped_at is None


def _decisions(facts: Facts) -> list[Finding]:
    """What people were told is on the record is there, once; and the record's own chains hold."""
    found = []
    for draft_id, step in sorted(facts.acknowledged, key=str):
        times = facts.kept.get((draft_id, step), 0)
        if times != 1:
            token = facts.drafts[draft_id].token if draft_id in facts.drafts else str(draft_id)
            found.append(Finding(Wrong.DECISION_LOST, token, f"step {step} was acknowledged and is on the record {times} times"))
    if facts.chains_broken:
        found.append(Finding(Wrong.RECORD, "", f"{facts.chains_broken} faults in the audit chains"))
    return found


def outcome_of(publication: Publication) -> Outcome:
    state = publication.state
    if state == State.UNKNOWN:
        return Outcome.UNKNOWN
    if state == State.MISMATCH:
        return Outcome.DIFFERS
    if state in PUBLISHED:
        return Outcome.PUBLISHED
    if state == State.REJECTED:
        return Outcome.REFUSED
    if publication.due_later:
        return Outcome.LATER
    return Outcome.OPEN if state in (State.SCHEDULED, State.CLAIMED, State.SENDING, State.PROCESSING) else Outcome.STOPPED


def table_of(facts: Facts) -> dict[str, Counter[Outcome]]:
    """By fault kind, how its publications ended."""
    table: dict[str, Counter[Outcome]] = defaultdict(Counter)
    for publication in facts.publications:
        table[facts.drafts[publication.draft_id].kind][outcome_of(publication)] += 1
    return table


def unknown_for(facts: Facts) -> tuple[float, ...]:
    """How long each unknown outcome lasted before it was reconciled or in front of people with evidence, in seconds."""
    lasted = []
    for publication in facts.publications:
        for (state, since), (_, left) in zip(publication.moves, [*publication.moves[1:], ("", None)], strict=True):
            if state == State.UNKNOWN:
                seen = [at for at in (*publication.looked_up, left) if at is not None and at >= since]
                if seen:
                    lasted.append((min(seen) - since).total_seconds())
    return tuple(sorted(lasted))
