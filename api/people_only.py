"""Acts that only people do, signed in lately: those that take two, and those that settle what was published."""

from datetime import UTC, datetime
from uuid import UUID

from api.answered import At, Out
from api.asked import Asked, Words
from api.door import Call
from core.domain.refusals import NotAllowed, StepUpNeeded
from core.use_cases.people import is_fresh
from core.use_cases.second_person import Proposal

SIGN_IN_AGAIN = (
    "Sign in again before you do this: your last sign-in is more than 15 minutes old. Ask the identity provider for a "
    "token with max_age=900 and send the request again."
)


class MachineCannotAct(NotAllowed):
    code = "machine_cannot_act"
    paragraph = 36
    sentence = "Only people do this, two of them (derived from paragraph 36): a machine client cannot. Ask somebody to sign in."


class NewReason(Asked):
    reason: Words


class NewConfirmation(Asked):
    """The proposal that was read; somebody else than who asked confirms it."""

    proposal_id: UUID


class ProposalOut(Out):
    """What waits for a second person."""

    id: UUID
    kind: str
    subject: str
    reason: str
    asked_by_name: str
    asked_at: At
    good_until: At


class AskedOut(Out):
    proposal_id: UUID


def a_person(call: Call) -> None:
    """What one person answers for by name, and no machine client can. Raises MachineCannotAct."""
    if call.caller.client:
        raise MachineCannotAct("Only a person can answer for this: a machine client cannot. Ask somebody to sign in and do it.")


def person_signed_in_lately(call: Call) -> datetime | None:
    """When this person last proved who they are. Raises MachineCannotAct, StepUpNeeded."""
    if call.caller.client:
        raise MachineCannotAct()
    if not is_fresh(call.caller.auth_time, datetime.now(UTC)):
        raise StepUpNeeded(SIGN_IN_AGAIN)
    return call.caller.auth_time


def proposal_out(proposal: Proposal | None) -> ProposalOut | None:
    return ProposalOut.model_validate(proposal) if proposal else None
