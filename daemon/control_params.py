"""The parameters of one request, read by name and type; what nobody reads is refused.

A verb takes what it knows out of `Params` and then calls `refuse_unknown`, so that a misspelt
parameter is an error and never a default. Every refusal is one sentence with what would be right.
"""

from difflib import get_close_matches
from pathlib import PurePosixPath

from torrentd.daemon.control_lines import INVALID_PARAMS, Json, LineError

TEXT_LENGTH_MAX = 32 * 1024  # a magnet with hundreds of peers
PATH_BYTES_MAX = 4096  # PATH_MAX of Linux
TEXTS_MAX = 1000
PATTERNS_MAX = 100
PATTERN_LENGTH_MAX = 1000  # of file names, or of ranges of numbers


class Params:
    """Read once each, by the verb `method`."""

    def __init__(self, method: str, values: dict[str, Json]) -> None:
        self._method = method
        self._left = dict(values)
        self._known: list[str] = []

    def text(self, name: str) -> str | None:
        value = self._take(name)
        return None if value is None else self._checked_text(name, value)

    def required_text(self, name: str) -> str:
        text = self.text(name)
        if text is None:
            raise LineError(INVALID_PARAMS, f'{self._method} needs "{name}"')
        return text

    def texts(self, name: str) -> list[str]:
        value = self._take(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > TEXTS_MAX:
            raise self._wrong(name, f"a list of at most {TEXTS_MAX} strings")
        return [self._checked_text(name, entry) for entry in value]

    def required_texts(self, name: str) -> list[str]:
        texts = self.texts(name)
        if not texts:
            raise LineError(INVALID_PARAMS, f'{self._method} needs "{name}", a list of strings')
        return texts

    def flag(self, name: str) -> bool:
        return bool(self.switch(name))

    def number(self, name: str, low: float, high: float) -> float | None:
        value = self._take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(name, "a number")
        if not low <= value <= high:
            raise self._wrong(name, f"from {low:g} to {high:g}")
        return float(value)

    def integer(self, name: str, low: int, high: int) -> int | None:
        value = self._take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._wrong(name, f"an integer from {low} to {high}")
        return value

    def path(self, name: str) -> str | None:
        """An absolute path without `..`: the daemon's folder is not the caller's."""
        text = self.text(name)
        if text is None:
            return None
        path = PurePosixPath(text)
        too_long = len(text.encode()) > PATH_BYTES_MAX
        if "\0" in text or too_long or not path.is_absolute() or ".." in path.parts:
            raise self._wrong(name, f"an absolute path without .., up to {PATH_BYTES_MAX} bytes")
        return text

    def patterns(self, name: str) -> list[str]:
        """Files by numbers or by patterns: one text, or a list of them."""
        value = self._take(name)
        texts = [] if value is None else value if isinstance(value, list) else [value]
        if len(texts) > PATTERNS_MAX:
            raise self._wrong(name, f"at most {PATTERNS_MAX} patterns or ranges")
        return [self._checked_text(name, text, PATTERN_LENGTH_MAX) for text in texts]

    def switch(self, name: str) -> bool | None:
        """None: not said."""
        value = self._take(name)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def paths(self, name: str) -> list[str]:
        """Each as `path` has it."""
        found = []
        for text in self.texts(name):
            self._left[name] = text
            found.append(self.path(name) or "")
        return found

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        text = self.text(name)
        if text is None:
            return default
        if text not in choices:
            raise self._wrong(name, " or ".join(f'"{choice}"' for choice in choices))
        return text

    def refuse_unknown(self) -> None:
        """Last call of every verb, before it does anything."""
        for name in self._left:
            near = get_close_matches(name[:40], self._known, 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise LineError(INVALID_PARAMS, f'{self._method} knows no "{name[:40]}"{hint}')

    def _take(self, name: str) -> Json:
        self._known.append(name)
        return self._left.pop(name, None)

    def _checked_text(self, name: str, value: Json, length_max: int = TEXT_LENGTH_MAX) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= length_max:
            raise self._wrong(name, f"a string of 1 to {length_max} characters")
        try:
            value.encode()
        except UnicodeEncodeError:  # a lone surrogate: no file name, no torrent has one
            raise self._wrong(name, "valid Unicode") from None
        return value

    def _wrong(self, name: str, right: str) -> LineError:
        return LineError(INVALID_PARAMS, f'"{name}" of {self._method} must be {right}')
