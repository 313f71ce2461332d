"""A document that names a test names one that exists."""

import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT

NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
DOCUMENTS = [path for path in (ROOT / "docs").rglob("*.md") if NAMED.search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    missing = [
        f"{file}::{name}" for file, name in NAMED.findall(text) if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]
    assert not missing


def test_some_document_names_its_tests() -> None:
    assert DOCUMENTS
