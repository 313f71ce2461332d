"""The state folder (`.countersign/`): what one demo keeps between two starts."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from countersign.embedded.trouble import EmbeddedTrouble


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter, or say in a sentence why not."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise EmbeddedTrouble(
            f"The folder {folder} cannot be made ({problem.strerror}); check who owns {folder.parent}."
        ) from problem
    if not os.access(folder, os.W_OK | os.X_OK):
        raise EmbeddedTrouble(f"Nothing can be written in {folder}; check who owns it, or choose another folder.")


@contextlib.contextmanager
def claimed(state: Path) -> Iterator[None]:
    """Hold the state folder for this process alone: two starts on the same data would ruin it."""
    make_folder(state)
    descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            raise EmbeddedTrouble(f"Countersign is already running with the data in {state}; stop it first.") from problem
        yield
    finally:
        os.close(descriptor)


def kept_secret(file: Path, length: int = 32) -> str:
    """The secret in `file`, made up at the first call; only the owner may read it."""
    if not file.exists():
        make_folder(file.parent)
        new = file.with_name(f"{file.name}.new")
        with contextlib.suppress(FileNotFoundError):
            new.unlink()
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(length))
        new.rename(file)
    return file.read_text().strip()
