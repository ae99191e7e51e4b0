"""Text from the network made fit to be printed: it can never move a cursor or forge a line.

Torrent names, client names, paths and errors are written by strangers. Whatever a terminal, a pager
or a log might act on is shown as its code, in the notation of Python: controls (ESC, newline, CSI
of C1), direction marks, zero-width characters, lone surrogates, unassigned and private codes.
"""

import re

MARKS_MAX = 2  # combining marks on one character; more of them climb over the lines above
_PLAIN = re.compile(r"[ -~]*")


def escape(text: str) -> str:
    """`text` on one line, with only characters that print and have a width."""
    if _PLAIN.fullmatch(text):
        return text
    shown: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if _is_mark(character) else 0
        if marks <= MARKS_MAX:
            shown.append(_escape_one(character))
    return "".join(shown)


def _escape_one(character: str) -> str:
    if _is_selector(character):  # asks for a wider picture of the character before it
        return ""
    if character.isprintable():  # false for all of Cc, Cf, Cs, Co, Cn, Zl, Zp, and odd spaces
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_mark(character: str) -> bool:
    from unicodedata import category  # late: most text is ASCII and never comes here

    return character >= "\u0300" and category(character) in ("Mn", "Me", "Mc")


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
