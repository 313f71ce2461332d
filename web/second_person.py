"""What every page shows of an act that waits for a second person, and how its form names it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from core.domain.refusals import NotFound
from core.use_cases.second_person import Proposal
from web.draft_views import Fact
from web.when import london


def proposal_facts(asked: Proposal) -> list[Fact]:
    return [
        Fact("Asked by", f"{asked.asked_by_name}, {london(asked.asked_at)}"),
        Fact("Why", asked.reason),
        Fact("Can be confirmed until", london(asked.good_until)),
    ]


def proposal_id_in(form: Mapping[str, Any]) -> UUID:
    """The proposal the page named, so that a yes is to what was read; NotFound where there is none."""
    try:
        return UUID(str(form.get("proposal") or ""))
    except ValueError:
        raise NotFound() from None
