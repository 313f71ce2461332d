"""Every refusal has a code of its own and a sentence that says what to do; policy ones name their paragraph."""

import importlib
import inspect
import pkgutil
import re

import pytest

import core.domain
import core.use_cases
from core.domain.refusals import BadInput, Conflict, NotAllowed, NotFound, Refusal, Several, TooLarge


def refusal_types() -> list[type[Refusal]]:
    """Every refusal that core defines, whichever module it stands beside."""
    for package in (core.domain, core.use_cases):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    found, edge = {Refusal}, [Refusal]
    while edge:
        more = set(edge.pop().__subclasses__()) - found
        found |= more
        edge += more
    return sorted((kind for kind in found if kind.__module__.startswith("core.")), key=lambda kind: kind.__qualname__)


FAMILIES = {Refusal, NotFound, NotAllowed, Conflict, BadInput, TooLarge, Several}
TYPES = refusal_types()
SENTENCES = [kind for kind in TYPES if "sentence" in vars(kind)]
# The verbs of somebody being told what to do next.
WHAT_TO_DO = re.compile(
    r"\b(Ask|ask|Change|Check|Choose|Confirm|Connect|Consent|Describe|Enter|Give|give|List|Look|Make|Name|Open|Remove|Save|Say|"
    r"Shorten|Sign in|Start|Try|Upload|Use|Wait|Withdraw|must|can|takes|a correction is a new draft)\b"
)


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in TYPES if kind not in FAMILIES]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
def test_a_code_is_a_word_for_programs(kind: type[Refusal]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]+", kind.code)
    assert kind in FAMILIES or "code" in vars(kind), "a refusal of its own has a code of its own"


@pytest.mark.parametrize("kind", [kind for kind in TYPES if kind not in FAMILIES], ids=lambda kind: kind.__name__)
def test_every_refusal_speaks_for_itself(kind: type[Refusal]) -> None:
    assert "sentence" in vars(kind) or ("__init__" in vars(kind) and kind.__init__ is not Refusal.__init__)


@pytest.mark.parametrize("kind", [kind for kind in SENTENCES if kind is not Refusal], ids=lambda kind: kind.__name__)
def test_a_sentence_ends_and_says_what_to_do(kind: type[Refusal]) -> None:
    assert kind.sentence[0].isupper()
    assert kind.sentence.endswith(".")
    assert WHAT_TO_DO.search(kind.sentence), kind.sentence


@pytest.mark.parametrize("kind", SENTENCES, ids=lambda kind: kind.__name__)
def test_a_paragraph_named_in_the_sentence_is_the_one_it_carries(kind: type[Refusal]) -> None:
    named = [int(number) for number in re.findall(r"paragraphs? (\d+)", kind.sentence)]
    if named:
        assert kind.paragraph is not None
        assert str(kind.paragraph) in kind.sentence


def test_only_the_doors_know_status_numbers() -> None:
    for kind in TYPES:
        assert not re.search(r"\b(4|5)\d\d\b", inspect.getsource(kind).split('"""')[-1]), kind


def test_several_says_every_sentence() -> None:
    one, two = BadInput("First.", field="a"), BadInput("Second.", field="b")
    assert str(Several([one, two])) == "First. Second."
