"""Why a consent cannot be begun or taken: what happened, and what the person can do."""

from uuid import UUID

from core.domain.refusals import BadInput, Conflict


class NoConsentPage(Conflict):
    code = "no_consent_page"
    sentence = (
        "This platform is not set up here yet: its client id is missing from the service's settings. Ask who runs the service."
    )


class WorkerAway(Conflict):
    code = "worker_away"
    sentence = "The part of the service that keeps the tokens has not started yet, so nothing can be connected. Try again soon."


class ServerAsked(Conflict):
    code = "server_asked"
    sentence = "The service is introducing itself to this server for the first time. Try again in a few seconds."


class NotIntroduced(Conflict):
    code = "not_introduced"
    sentence = "The server would not have this service introduce itself. Check its address, or ask whoever runs it."


class ConsentRefused(Conflict):
    code = "consent_refused"
    sentence = (
        "This does not belong to a consent that you began here, or it was used or took too long. Connect the account again."
    )


class ConsentDenied(BadInput):
    """The platform sent the person back without its consent; `account_id`: the account they were about to connect.

    Give `connection_id` to `end_denied`, in a transaction of its own: this refusal undoes the one it was found in.
    """

    code = "consent_denied"

    def __init__(self, sentence: str, account_id: UUID, connection_id: UUID) -> None:
        super().__init__(sentence)
        self.account_id = account_id
        self.connection_id = connection_id
