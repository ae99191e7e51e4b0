"""Text from outside, made fit for a terminal, a journal and a log (security T12, L6, O6)."""

VALUE_CHARS_MAX = 200  # no value of a log line is longer, whoever chose it


def printable(text: str | bytes, chars_max: int = VALUE_CHARS_MAX) -> str:
    """One line without a character that moves a cursor, hides or turns the text: `\\x1b` instead.

    Bytes are read as UTF-8, what is not UTF-8 as `\\xff`. What is longer than `chars_max` is cut
    and ends in `…`. A backslash stays itself, so the result is for reading, not for decoding.
    """
    if isinstance(text, bytes):
        text = text[: 4 * chars_max + 4].decode("utf-8", "backslashreplace")
    text = text[: chars_max + 1]
    if not text.isprintable():  # controls, bidi and zero-width marks, line ends, lone surrogates
        text = "".join(c if c.isprintable() else _escaped(c) for c in text)
    return text if len(text) <= chars_max else text[: chars_max - 1] + "…"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
