"""What a person may do with a draft now. Pages offer only this; the use-cases refuse everything else again."""

from core.domain.people import Person
from core.domain.publication import SENT_OR_MAYBE, State
from core.domain.standing import Stand, Standing
from core.records.facts import DraftFacts
from core.use_cases.drafting import WRITERS


def actions_open(by: Person, facts: DraftFacts, stand: Stand, can_decide: bool) -> frozenset[str]:
    may = {"decide"} if can_decide else set()
    if not by.has(*WRITERS):
        return frozenset(may)
    states = [publication.state for publication in facts.publications]
    touched = any(state in SENT_OR_MAYBE for state in states)
    all_sent = bool(states) and all(state in SENT_OR_MAYBE or state is State.ABANDONED for state in states)
    if not touched:
        may.add("edit")
    submittable = (Standing.DRAFT, Standing.WITHDRAWN, Standing.NEEDS_NEW_TIME)
    if stand.standing in submittable and facts.now < facts.window.end and facts.schedule.publish_at >= facts.now:
        may.add("submit")
    live = facts.submission is not None and facts.submission.version_number == facts.version_number
    stopped = live and facts.submission is not None and facts.submission.withdrawn_at is not None
    if live and not stopped and not all_sent and stand.standing not in (Standing.REJECTED, Standing.CHANGES_ASKED):
        may.add("withdraw")
    if facts.now < facts.window.end and not all_sent:
        may.add("reschedule")
    return frozenset(may)
