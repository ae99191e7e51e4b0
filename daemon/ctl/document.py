"""The documents of the daemon as torrentctl reads them.

Every text read out of one is escaped on the way (T12): there is no way to print a stranger's bytes
by mistake. A field that a daemon of another version does not send reads as nothing.
"""

import json

from torrentd.daemon.control_lines import SCHEMA, Json, encode_line
from torrentd.daemon.ctl.escape import escape


class Document:
    """One JSON object. `value` is as it came, for --json alone."""

    def __init__(self, value: Json) -> None:
        self.value = value
        self._fields: dict[str, Json] = value if isinstance(value, dict) else {}

    def text(self, key: str) -> str:
        value = self._fields.get(key)
        return escape(value) if isinstance(value, str) else ""

    def written(self, key: str) -> str:
        """A value of any kind, as JSON unless it is a text."""
        value = self._fields.get(key)
        return escape(value if isinstance(value, str) else json.dumps(value))

    def texts(self, key: str) -> list[str]:
        value = self._fields.get(key)
        entries = value if isinstance(value, list) else []
        return [escape(entry) for entry in entries if isinstance(entry, str)]

    def integer(self, key: str) -> int:
        return int(self.number(key))

    def integer_or_none(self, key: str) -> int | None:
        value = self._fields.get(key)
        return None if isinstance(value, bool) or not isinstance(value, int) else value

    def number_or_none(self, key: str) -> float | None:
        value = self._fields.get(key)
        return None if isinstance(value, bool) or not isinstance(value, int | float) else value

    def texts_by_key(self) -> list[tuple[str, list[str]]]:
        """Each field that is a list of texts, its key as harmless as they are."""
        return [(escape(key), self.texts(key)) for key in self._fields]

    def number(self, key: str) -> float:
        value = self._fields.get(key)
        return value if isinstance(value, int | float) else 0

    def flag(self, key: str) -> bool:
        return self._fields.get(key) is True

    def count(self, key: str) -> int:
        """Entries of a list, whatever they are."""
        value = self._fields.get(key)
        return len(value) if isinstance(value, list) else 0

    def pick(self, *keys: str) -> Json:
        """Some fields as they came, for --json alone."""
        return {key: self._fields.get(key) for key in keys}

    def fields(self) -> list[tuple[str, Json]]:
        """All of them as they came, for --json alone."""
        return list(self._fields.items())

    def is_false(self, key: str) -> bool:
        """It is there, and false."""
        return self._fields.get(key) is False

    def is_zero(self, key: str) -> bool:
        """It is there, and 0."""
        return self.integer_or_none(key) == 0

    def child(self, key: str) -> "Document":
        return Document(self._fields.get(key))

    def children(self, key: str) -> list["Document"]:
        value = self._fields.get(key)
        return [Document(entry) for entry in value] if isinstance(value, list) else []


def document_text(document: Json, indented: bool) -> str:
    """What --json prints: whatever torrentctl made of it, it has its version."""
    fields = document if isinstance(document, dict) else {}
    return json_text({"schema": SCHEMA, **fields}, indented)


def json_text(value: Json, indented: bool) -> str:
    """For machines: ASCII, no control byte; over several lines for a terminal."""
    if not indented:
        return encode_line(value).decode()
    return json.dumps(value, indent=2).replace("\x7f", "\\u007f") + "\n"
