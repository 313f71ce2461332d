"""One row of a list page."""

from dataclasses import dataclass

from core.domain.route import Answer
from core.domain.standing import Standing


@dataclass(frozen=True)
class Row:
    """`needs` says what it waits for; `facts` are name and value; `standing` becomes a tag where there is one."""

    href: str
    title: str
    needs: str
    facts: tuple[tuple[str, str], ...]
    standing: Standing | Answer | None
