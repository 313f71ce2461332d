"""`countersign walk`: the main job as three people, from sign-in to the verified record."""

from pathlib import Path

import httpx2
from rich.console import Console

from countersign.walk import proofs, steps
from countersign.walk.post import new_post, now_utc
from countersign.walk.sandboxes import Sandboxes, kept_sandboxes
from countersign.walk.telling import NotHeld, Teller

STATE = Path(".countersign")


def run_walk(url: str, console: Console, state: Path = STATE) -> bool:
    """Whether all of it held. Says each step, its time and the evidence; a failure says the step, what was expected and found.

    `state` is the demo's folder, from which the walk learns where the sandboxes are before anything is published.
    """
    teller = Teller(console)
    try:
        _walk(url.rstrip("/"), teller, state)
    except NotHeld as failure:
        teller.say(f"\nIt did not hold. {teller.step}:\n  expected {failure.expected}\n  found    {failure.found}")
        return False
    except httpx2.ConnectError:
        teller.say(f"\n{teller.step}: nothing answers at {url}. Start the service with `make demo`, or name another with --url.")
        return False
    except (httpx2.HTTPError, httpx2.InvalidURL) as fault:
        teller.say(f"\n{teller.step}: the service at {url} did not answer as it should ({type(fault).__name__}: {fault}).")
        return False
    teller.say("\nAll of it held: nothing went out on one person's signature.")
    return True


def _walk(url: str, teller: Teller, state: Path) -> None:
    cast = steps.Cast.at(url)
    steps.sign_in(teller, cast)
    sandboxes = Sandboxes(kept_sandboxes(state, cast.author.issuer))
    written = steps.write(teller, cast, new_post(now_utc()))
    steps.submit(teller, cast, written)
    steps.author_is_refused(teller, cast, written)
    steps.authorise(teller, cast.press, written)
    steps.authorise(teller, cast.policy, written)
    steps.in_time(cast, written)
    proofs.appears_at_its_time(teller, written, sandboxes)
    published = proofs.record_shows_it(teller, cast, written)
    proofs.received_is_authorised(teller, cast, written, published, sandboxes)
    proofs.chain_verifies(teller, cast, written, published)
