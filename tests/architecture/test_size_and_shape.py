"""Small files, short functions, imports where a reader looks for them."""

import ast
from collections.abc import Iterator

from tests.architecture.source import named, parsed, source_files

FILE_LINES = 250
FUNCTION_LINES = 40


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_a_file_has_at_most_250_lines() -> None:
    lengths = {named(path): len(path.read_text().splitlines()) for path in source_files()}
    assert {name: length for name, length in lengths.items() if length > FILE_LINES} == {}


def test_a_function_has_at_most_40_lines() -> None:
    """Alembic runs a revision's steps in one function, and history is not rewritten to please a counter."""
    long = {
        f"{named(path)}: {node.name}": length
        for path in source_files()
        if "migrations" not in path.parts
        for node in functions(parsed(path))
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    }
    assert long == {}


def test_imports_stand_at_the_top_and_hide_in_no_function() -> None:
    hidden = [
        f"{named(path)}:{node.lineno}"
        for path in source_files()
        for function in functions(parsed(path))
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []


def test_no_import_is_for_the_type_checker_alone() -> None:
    found = [
        f"{named(path)}:{node.lineno}"
        for path in source_files()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Name) and node.id == "TYPE_CHECKING"
    ]
    assert found == []


def test_no_name_says_nothing() -> None:
    """Office words, never these: they are where code goes that nobody could name."""
    assert [named(path) for path in source_files() if path.stem in {"utils", "helpers", "misc", "common"}] == []
    classes = {
        node.name: named(path) for path in source_files() for node in ast.walk(parsed(path)) if isinstance(node, ast.ClassDef)
    }
    assert {name: path for name, path in classes.items() if name.endswith(("Manager", "Helper", "Utils", "Processor"))} == {}
