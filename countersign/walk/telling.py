"""What the walk says while it goes: each step with its time, the evidence for it, and what did not hold."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console


class NotHeld(Exception):
    """Something did not come true: what was expected, and what was found instead."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"expected {expected}; found {found}")
        self.expected = expected
        self.found = found


def held(truth: bool, expected: str, found: object) -> None:
    """Raise NotHeld unless it is true."""
    if not truth:
        raise NotHeld(expected, str(found))


class Teller:
    """Numbers the steps. `step` names the one under way, for the sentence that says where a walk ended."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._number = 0
        self.step = "Starting"

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """One step: told when it begins, and again with its duration when it held."""
        self._number += 1
        self.step = f"Step {self._number}, {what}"
        began = time.monotonic()
        self.say(f"{datetime.now(UTC):%H:%M:%S}  {self._number:2}  {what}")
        yield
        self.say(f"              held, {time.monotonic() - began:.2f} s")

    def evidence(self, what: str) -> None:
        self.say(f"              · {what}")

    def say(self, words: str) -> None:
        # Texts of posts may hold brackets, which are no markup here.
        self._console.print(words, markup=False, emoji=False)
