"""A pure-Python check of a page: parse errors, ids given twice, references that point nowhere, fields without a label."""

from collections import Counter
from typing import Any

import html5lib  # type: ignore[import-untyped]

_REFERENCES = ("for", "aria-describedby", "aria-labelledby", "aria-controls")
_UNLABELLED_TYPES = {"hidden", "submit", "button"}


def lint(html: str) -> list[str]:
    """Each fault as a line; an empty list for a clean page."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False)
    root = parser.parse(html)
    faults = [f"{position[0]}:{position[1]} {code} {data}" for position, code, data in parser.errors]
    elements = list(root.iter())
    ids = Counter(element.get("id") for element in elements if element.get("id"))
    faults += [f"id {name!r} is used {count} times" for name, count in ids.items() if count > 1]
    for element in elements:
        faults += _dangling(element, ids)
    labelled = {element.get("for") for element in elements if element.tag == "label"}
    faults += [f"no label for {element.get('name')!r}" for element in elements if _wants_label(element, labelled)]
    faults += _inline(elements)
    if sum(1 for element in elements if element.tag == "h1") != 1:
        faults.append("a page has exactly one h1")
    return faults


def _dangling(element: Any, ids: Counter[str]) -> list[str]:
    wanted = [(name, reference) for name in _REFERENCES for reference in (element.get(name) or "").split()]
    href = element.get("href") or ""
    if href.startswith("#") and len(href) > 1:
        wanted.append(("href", href[1:]))
    return [
        f"{element.tag}[{name}] points at #{reference}, which is not there" for name, reference in wanted if reference not in ids
    ]


def _wants_label(element: Any, labelled: set[str]) -> bool:
    if element.tag not in ("input", "select", "textarea") or element.get("type") in _UNLABELLED_TYPES:
        return False
    return element.get("id") not in labelled and not element.get("aria-label") and not element.get("aria-labelledby")


def _inline(elements: list[Any]) -> list[str]:
    """The content security policy refuses inline styles and handlers, so a page that relies on one is broken."""
    return [
        f"{element.tag} carries {name!r} inline"
        for element in elements
        for name in element.attrib
        if name == "style" or name.startswith("on")
    ]
