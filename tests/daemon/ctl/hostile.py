"""Names that a stranger would give his torrent to own a terminal (T12)."""

HOSTILE = [
    "\x1b[2J\x1b[H",  # clears the screen
    "\x1b]0;owned\x07",  # renames the window
    "\x1b]52;c;ZXZpbA==\x07",  # fills the clipboard
    "\x1b]8;;http://evil\x1b\\click\x1b]8;;\x1b\\",  # a link
    "\x9b31m",  # the one-byte CSI
    "line one\nline two\rline three\x0b\x0c\x85\u2028\u2029",
    "\b\b\b\b\x7f\x00\t",
    "abc\u202egnp.exe\u202c\u2066\u2069",  # turns the direction
    "\u200b\u200c\u200d\u200e\u200f\ufeff\u00ad\u2060",  # nothing to see
    "\udcff\ud800",  # what was no UTF-8
    "Z\u0300" + "\u0301" * 500,  # climbs over the lines above
    "\u2764\ufe0f",  # asks for another width
    "\U000e0041\U000e0042",  # tags
    "\ue000\U0010ffff",  # private, unassigned
]


def is_safe(text: str) -> bool:
    """Nothing in it does anything but print; newlines excepted, which end our own lines."""
    return all(character.isprintable() for line in text.split("\n") for character in line)
