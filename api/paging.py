"""Keyset pages: `?after=` takes the `next` of the page before."""

from typing import Annotated, Any, TypeVar

from fastapi import Query

from api.answered import Out, PageOut
from core.use_cases.lists import PAGE_MOST, Page

Item = TypeVar("Item", bound=Out)

After = Annotated[str | None, Query(max_length=300, description="`next` of the page before; leave out for the first")]
Limit = Annotated[int, Query(ge=1, le=PAGE_MOST)]


def page_out(page: Page[Any], kind: type[Item]) -> PageOut[Item]:
    return PageOut(items=[kind.model_validate(item) for item in page.items], next=page.next)
