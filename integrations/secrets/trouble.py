"""What goes wrong with secrets. Neither says anything of what is inside."""


class CannotOpen(Exception):
    """Sealed for another place or key, or altered."""


class KeyTrouble(Exception):
    """The key source cannot be used: a sentence that says why and what to do, never a key."""
