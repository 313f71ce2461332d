"""The command line. Each command says in one sentence what went wrong and ends with a code other than 0."""

import importlib
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from core.domain.refusals import Refusal
from countersign.embedded.trouble import EmbeddedTrouble
from integrations.secrets.trouble import KeyTrouble

app = typer.Typer(help="Countersign: authorised or silent.", no_args_is_help=True, pretty_exceptions_enable=False)
audit = typer.Typer(help="The record.", no_args_is_help=True)
keys = typer.Typer(help="The key-encryption keys that keep every token.", no_args_is_help=True)
accounts = typer.Typer(help="The official accounts.", no_args_is_help=True)
hold = typer.Typer(help="Stop publishing for everything, a platform, an account or a draft.", no_args_is_help=True)
sandbox = typer.Typer(help="Mischief at the demo's sandbox platforms, to see the service stand it.", no_args_is_help=True)
app.add_typer(audit, name="audit")
app.add_typer(hold, name="hold")
app.add_typer(keys, name="keys")
app.add_typer(accounts, name="accounts")
app.add_typer(sandbox, name="sandbox")
STATE = Path(".countersign")


def _part(module: str) -> Any:
    """A command's own part of the service, loaded when it is asked for: the worker has no business loading the demo."""
    return importlib.import_module(f"countersign.{module}")


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False)


@app.command()
def api(host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve the pages and the JSON API."""
    _part("serving").serve_api(host, port)


@app.command()
def worker() -> None:
    """Carry out what people decided: workflows, the gate, the courier."""
    _part("working").work()


@app.command()
def migrate() -> None:
    """Create the database's roles and bring its schema to the newest revision."""
    _part("operating").migrate_database(_console())


@app.command()
def demo(port: int = 8000, state: Path = STATE) -> None:
    """The whole service on this machine, with sandbox platforms; Ctrl-C stops it."""
    _part("demo.run").run_demo(state, port=port, console=_console())


@app.command()
def walk(
    url: Annotated[str, typer.Option(help="Where the service is.")] = "http://127.0.0.1:8000",
    state: Annotated[Path, typer.Option(help="The demo's folder, which says where its sandboxes are.")] = STATE,
) -> None:
    """Play the main job over HTTP as three people and print the evidence. Ends with 0 only if all of it held."""
    if not _part("walk.run").run_walk(url, _console(), state):
        raise typer.Exit(1)


@app.command()
def bench(quick: bool = False) -> None:
    """Measure the service beside the bare engine and the bare database."""
    _part("bench.run").run_bench(_console(), quick=quick)


@app.command()
def faults(
    n: Annotated[int, typer.Option(help="How many publications are put under fault.")] = 300,
    seed: Annotated[int | None, typer.Option(help="Repeats the plan of the run that named it.")] = None,
) -> None:
    """Kill, pause, cut and lie to the whole service while it publishes. Ends with 0 only if every promise was kept."""
    if not _part("faults.run").run_faults(_console(), publications=n, seed=seed):
        raise typer.Exit(1)


@audit.command()
def verify(state: Path = STATE) -> None:
    """Recompute every hash of every chain. Ends with 1 if anything does not hold."""
    if not _part("operating").verify_audit(_console(), state):
        raise typer.Exit(1)


@hold.command("place")
def place(scope: str, target: str = "", reason: str = "", state: Path = STATE) -> None:
    """Place a hold at once. SCOPE: all, platform, account or draft; --target names which. Two people lift it, on the pages."""
    _part("operating").place(_console(), state, scope=scope, target=target, reason=reason)


@hold.command("list")
def standing(state: Path = STATE) -> None:
    """The holds that stand."""
    _part("operating").show_holds(_console(), state)


@sandbox.command("lie")
def lie(platform: str, mode: str, times: int = 1, seconds: float = 30.0, state: Path = STATE) -> None:
    """The next post to PLATFORM meets MODE: cut_after (it stands, and nobody is told), accept_then_500, refuse_429, truncate …"""
    _part("demo.mischief").lie(_console(), state, platform=platform, mode=mode, times=times, seconds=seconds)


@sandbox.command("rogue")
def rogue(platform: str, words: str, state: Path = STATE) -> None:
    """Put a post on PLATFORM's account that nobody authorised, as somebody who stole it would."""
    _part("demo.mischief").post_as_a_stranger(_console(), state, platform=platform, words=words)


@keys.command("make")
def make_keys() -> None:
    """Make the first key in the file that COUNTERSIGN_KEY_FILE names, unless it is there."""
    _part("keys").make_keys(_console())


@keys.command("list")
def list_keys(state: Path = STATE) -> None:
    """Every key, and how many secrets it still keeps."""
    _part("keys").list_keys(_console(), state)


@keys.command("rotate")
def rotate_keys(
    new: Annotated[bool, typer.Option(help="Make a new key first; --no-new only wraps what is under older ones.")] = True,
    state: Path = STATE,
) -> None:
    """Make a new key current and wrap every secret's own key by it, while the service goes on."""
    if not _part("keys").rotate_keys(_console(), state, new=new):
        raise typer.Exit(1)


@keys.command("forget")
def forget_key(kek_id: str, state: Path = STATE) -> None:
    """Throw away an old key that keeps nothing any more."""
    _part("keys").forget_key(_console(), state, kek_id=kek_id)


@accounts.command("list")
def list_accounts(state: Path = STATE) -> None:
    """The register, and whether the service can post to each."""
    _part("accounts").list_all(_console(), state)


@accounts.command("revoke-all")
def revoke_all(by: str = "", reason: str = "", state: Path = STATE) -> None:
    """Disconnect every account at once and take its token back at its platform. Connecting again takes two people."""
    if not _part("accounts").revoke_all(_console(), state, by=by, reason=reason):
        raise typer.Exit(1)


def main() -> None:
    try:
        app()
    except (EmbeddedTrouble, KeyTrouble, Refusal) as trouble:
        print(trouble, file=sys.stderr)
        sys.exit(1)
    except SQLAlchemyError as fault:
        print(f"The database did not answer as it should ({type(fault).__name__}); check DATABASE_URL.", file=sys.stderr)
        sys.exit(1)
