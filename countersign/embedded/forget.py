"""Forget everything that a demo kept: `python -m countersign.embedded.forget [state folder]`."""

import shutil
import sys
from pathlib import Path

from countersign.embedded.postgres_home import remove_home
from countersign.embedded.state import claimed
from countersign.embedded.trouble import EmbeddedTrouble

DEFAULT_STATE = Path(".countersign")


def forget(state: Path) -> bool:
    """Remove the state folder and its cluster; False if there was nothing. Refused while something runs on it."""
    if not state.exists():
        return False
    with claimed(state):
        remove_home(state)
        shutil.rmtree(state)
    return True


def main(arguments: list[str]) -> int:
    state = Path(arguments[0]) if arguments else DEFAULT_STATE
    try:
        forgotten = forget(state)
    except (EmbeddedTrouble, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"Forgot everything in {state}." if forgotten else f"There was nothing in {state} to forget.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
