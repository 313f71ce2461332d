"""Ports on this machine."""

import secrets
import socket

from countersign.embedded.trouble import EmbeddedTrouble

LOOPBACK = "127.0.0.1"
STEADY = range(20000, 32768)
TRIES = 200


def free_port(host: str = LOOPBACK) -> int:
    """A port that nobody listens on now, below those that the system gives to outgoing connections (from 32768 on Linux):
    only another server could take it before its user does, and whoever uses it must be ready for that."""
    for _ in range(TRIES):
        port = STEADY.start + secrets.randbelow(len(STEADY))
        if not port_taken(host, port):
            return port
    raise EmbeddedTrouble(f"No free port was found on {host} between {STEADY.start} and {STEADY.stop - 1}.")


def port_taken(host: str, port: int) -> bool:
    """Whether a server could not listen there now. A port that is only settling after use (TIME_WAIT) is not taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return True
        return False
