"""The write form's part about the post that a draft answers: asked for as soon as its address is typed, shown once captured."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request

from core.domain.people import Person
from core.domain.refusals import BadInput, NotFound
from core.use_cases.targets import TargetKindUnknown, TargetUnknown, ask_for_target, capture_asked_for
from web.desk import Desk, signed_in
from web.forms import TypedDraft
from web.previews import AnsweredPost, answered_post


class TypedTargets:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def asked(self, by: Person, typed: TypedDraft) -> tuple[TypedDraft, list[BadInput]]:
        """The form with the capture it names, asked for if that is new; what keeps it from being asked for otherwise.

        In a transaction of its own: whatever else is refused, the worker fetches the post meanwhile.
        """
        if not typed.target_kind and not typed.target_address:
            return replace(typed, target=""), []
        accounts = _ids(typed.account_ids)
        if not typed.target_kind:
            return typed, [TargetKindUnknown("Say what your post does with that other post.", field="target_kind")]
        if not typed.target_address:
            return typed, [TargetUnknown("Enter the address of the other post.", field="target_address")]
        if not accounts:
            return typed, []
        try:
            async with self._desk.database.transaction() as session:
                request_id = await ask_for_target(
                    session,
                    by=by,
                    account_ids=accounts,
                    kind=typed.target_kind,
                    address=typed.target_address,
                    known=None if typed.target_again else typed.target,
                )
        except BadInput as refusal:
            return replace(typed, target=""), [refusal]
        return replace(typed, target=str(request_id)), []

    async def filled(self, by: Person, typed: TypedDraft, target: str | None) -> TypedDraft:
        """A saved draft's form again, with the post that it answers."""
        if target is None:
            return typed
        async with self._desk.database.transaction() as session:
            found = await capture_asked_for(session, by=by, request_id=UUID(target))
        return replace(typed, target=target, target_kind=found.kind, target_address=found.address)

    async def shown(self, session: AsyncSession, request: Request, typed: TypedDraft) -> AnsweredPost | None:
        """What was captured so far, for people to see before they save."""
        named = _ids((typed.target,))
        if not named:
            return None
        try:
            found = await capture_asked_for(session, by=signed_in(request), request_id=named[0])
        except NotFound:
            return None
        same = (found.kind, found.address) == (typed.target_kind, typed.target_address)
        return answered_post(found.target) if found.target and same else None


def _ids(typed: tuple[str, ...]) -> tuple[UUID, ...]:
    """Those that are ids; what is none names nothing."""
    found = []
    for one in typed:
        try:
            found.append(UUID(one))
        except ValueError:
            continue
    return tuple(found)
