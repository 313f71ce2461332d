r"""LinkedIn's "little text": every reserved character of plain text carries a backslash, else the post is cut off in silence.

https://learn.microsoft.com/linkedin/marketing/community-management/shares/little-text-format
"""

import re

RESERVED = frozenset("\\|{}@[]()<>#*_~")
_RESERVED = re.compile(r"[\\|{}@\[\]()<>#*_~]")
_ESCAPE = re.compile(r"\\([\\|{}@\[\]()<>#*_~])")
_HASHTAG = re.compile(r"\{hashtag\|\\?#\|([^}]*)\}")


def escape(text: str) -> str:
    """Plain text as it goes over the wire. Hashtags and mentions become plain text: the words stand exactly as authorised."""
    return _RESERVED.sub(r"\\\g<0>", text)


def unescape(wire: str) -> str:
    """What the public reads of a commentary that LinkedIn gives back; it may have made templates of hashtags."""
    plain = _HASHTAG.sub(r"\\#\1", wire)
    return _ESCAPE.sub(r"\1", plain)
