"""What can go wrong with the embedded parts, as a sentence for the person at the terminal."""


class EmbeddedTrouble(Exception):
    """`str(trouble)` says in one sentence what happened and what to do. The command line prints it and exits with 1."""
