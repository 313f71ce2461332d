"""Who may decide: dated grants of the authority register, and the separation of duties (derived from paragraphs 36 and 37)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.domain.content import Window
from core.domain.refusals import Conflict, NotAllowed
from core.domain.route import Decision, Plan, Step


@dataclass(frozen=True)
class Authority:
    """A grant: this person decides in this step role, for one account or (None) all, from `valid_from` until `valid_until`."""

    id: UUID
    person_id: UUID
    role: str
    account_id: UUID | None
    valid_from: datetime
    valid_until: datetime
    revision: int
    revoked: bool = False


class SameHandTwice(NotAllowed):
    code = "same_hand_twice"
    paragraph = 36
    sentence = (
        "You wrote or changed this draft, so you cannot decide on it. Nothing goes out on one person's signature (paragraph 36). "
        "Ask somebody who has not touched it."
    )


class OneStepEach(NotAllowed):
    code = "one_step_each"
    paragraph = 36
    sentence = (
        "You have already decided on this submission. Each step needs a different person (paragraph 36): "
        "ask somebody else who holds the authority."
    )


class NoAuthority(NotAllowed):
    code = "no_authority"
    paragraph = 36

    def __init__(self, label: str) -> None:
        super().__init__(
            f"You hold no authority to decide as “{label}” for every account of this draft until its window ends "
            "(paragraph 36). Ask the account manager who does."
        )


class StepNotOpen(Conflict):
    code = "step_not_open"
    sentence = "This step is not waiting for a decision now. Open the draft again to see where it stands."


def authority_for(
    step: Step, *, person_id: UUID, account_ids: tuple[UUID, ...], window: Window, now: datetime, grants: tuple[Authority, ...]
) -> Authority:
    """The grant that lets this person decide at this step, or NoAuthority.

    It must stand now and last to the end of the window, and cover every target account (a grant for all accounts, or
    one for each; the one named is then the one that ends first).
    """
    own = [
        grant
        for grant in grants
        if grant.person_id == person_id
        and grant.role == step.role
        and not grant.revoked
        and grant.valid_from <= now
        and window.end <= grant.valid_until
    ]
    everywhere = [grant for grant in own if grant.account_id is None]
    if everywhere:
        return max(everywhere, key=lambda grant: grant.valid_until)
    per_account = {grant.account_id: grant for grant in own}
    if account_ids and all(account in per_account for account in account_ids):
        return min((per_account[account] for account in account_ids), key=lambda grant: grant.valid_until)
    raise NoAuthority(step.label)


def step_for_decision(
    plan: Plan,
    *,
    open_steps: tuple[Step, ...],
    number: int,
    person_id: UUID,
    contributors: frozenset[UUID],
    decisions: tuple[Decision, ...],
) -> Step:
    """The open step this person may fill, or the refusal: two pairs of eyes first, whatever else is true."""
    if person_id in contributors:
        raise SameHandTwice()
    if any(decision.person_id == person_id for decision in decisions):
        raise OneStepEach()
    step = next((step for step in open_steps if step.number == number), None)
    if step is None or plan.step(number) is None:
        raise StepNotOpen()
    return step
