"""What must be put right on a form: sentences beside their fields and in the summary, nothing typed lost."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.refusals import BadInput, Several


@dataclass(frozen=True)
class FieldErrors:
    """`items` are (field, sentence) in the order of the form; a page with none is falsy."""

    items: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.items)

    @classmethod
    def from_refusal(cls, refusal: BadInput, ids: Mapping[str, str] | None = None) -> "FieldErrors":
        """`ids` maps the field names of a use-case to the ids on this page, where they differ."""
        known = ids or {}
        each = refusal.refusals if isinstance(refusal, Several) else [refusal]
        return cls(tuple((known.get(one.field or "", one.field or "form"), str(one)) for one in each))

    def message(self, *fields: str) -> dict[str, str] | None:
        """The first sentence for any of `fields`, in the shape GOV.UK components take."""
        return next(({"text": sentence} for field, sentence in self.items if field in fields), None)

    @property
    def summary(self) -> list[dict[str, str]]:
        return [{"text": sentence, "href": f"#{field}"} for field, sentence in self.items]
