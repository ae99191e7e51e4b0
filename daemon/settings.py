"""The configuration that runs: the file's, with what was changed by hand at run time laid over it.

    settings = Settings(path, os.environ)       # ConfigError: the file is wrong
    settings.apply = session.reconfigure        # whoever must hear of a change
    settings.reload()                           # SIGHUP; ConfigError: nothing has changed

The file is never written. What was changed by hand lives in the state folder, holds over restarts
and over reloads, and can be dropped. A key that is read at the start alone cannot be changed by
hand; changed in the file, it waits for a restart.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from torrentd.config.keys import Key, all_keys, list_text, value_text
from torrentd.config.load import ConfigError, Loaded, load, value_of
from torrentd.config.schema import Config
from torrentd.daemon.explaining import keys_named, unknown_key
from torrentd.daemon.logs import get_logger
from torrentd.daemon.state_dir import StateDir
from torrentd.daemon.status import Refused
from torrentd.wire.formats.bencode import STATE_LIMITS, decode_dict, encode
from torrentd.wire.formats.errors import ProtocolError

CHANGES_MAX = 200
TEXT_CHARS_MAX = 4096
Origin: TypeAlias = Literal["default", "file", "environment", "hand"]
_PLACES = ("state_dir", "download_dir", "control.socket")  # their defaults are of the environment

log = get_logger("settings")


@dataclass(frozen=True, slots=True)
class Setting:
    """One key. `value` as the file would say it; `line` is that of the file, where that says it."""

    key: str
    value: str
    origin: Origin
    line: int | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A key that runs with another value than a start with the file alone would give it."""

    key: str
    running: str
    file: str
    reason: Literal["changed by hand", "not reloaded", "needs a restart"]


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Keys whose new value counts from now on, and those that wait for a restart."""

    applied: list[str]
    needs_restart: list[str]


class Settings:
    """`config` is what runs. `apply` and `save` are set by whoever puts the daemon together."""

    def __init__(self, path: Path | None, environ: Mapping[str, str]) -> None:
        self.path = path
        self.apply: Callable[[Config], None] = lambda config: None
        self.save: Callable[[bytes], Awaitable[str | None]] = _save_nowhere
        self._environ = environ
        self._keys = {name: key for name, key in all_keys().items() if key.section is None}
        alone = load(path, environ)
        self._changes = self._changes_on_record(alone.config.state_dir)
        self._loaded = load(path, environ, self._changes)
        self.config = self._loaded.config

    def reload(self) -> Reloaded:
        """Read the file again. Raises ConfigError; then nothing has changed."""
        loaded = load(self.path, self._environ, self._changes)
        return self._take(loaded)

    async def change(self, name: str, text: str) -> Reloaded:
        """By hand, until it is dropped. Refused: why not, and nothing has changed."""
        key = self._live_key(name)
        if len(self._changes) >= CHANGES_MAX or len(text) > TEXT_CHARS_MAX:
            raise Refused(f"that is longer than {TEXT_CHARS_MAX} characters")
        return await self._change({**self._changes, key.name: text})

    async def drop(self, names: list[str]) -> Reloaded:
        """What the file says, counts again; without names for all that was changed by hand."""
        for name in names:
            if name not in self._changes:
                raise Refused(f"{name} was not changed by hand")
        kept = {name: text for name, text in self._changes.items() if names and name not in names}
        return await self._change(kept)

    def settings(self, names: list[str]) -> list[Setting]:
        """Of these keys or sections; of all without any."""
        chosen = (
            [key for name in names for key in keys_named(name, list(self._keys))]
            if names
            else self._keys
        )
        return [self._setting(self._keys[name]) for name in dict.fromkeys(chosen)]

    def differences(self) -> list[Difference]:
        """To the file as it is now. Raises ConfigError when that is wrong."""
        file = load(self.path, self._environ).config
        found = []
        for key in self._keys.values():
            running, other = value_of(self.config, key.name), value_of(file, key.name)
            if running != other:
                reason: Literal["changed by hand", "not reloaded", "needs a restart"]
                reason = "needs a restart" if key.at_start else "not reloaded"
                if key.name in self._changes:
                    reason = "changed by hand"
                found.append(Difference(key.name, _text(running, key), _text(other, key), reason))
        return found

    def _take(self, loaded: Loaded) -> Reloaded:
        """Keys that are read at the start keep the value that runs."""
        changed = [
            key
            for key in self._keys.values()
            if value_of(loaded.config, key.name) != value_of(self.config, key.name)
        ]
        waiting = [key.name for key in changed if key.at_start]
        running = _with_values_of(loaded.config, self.config, waiting)
        self._loaded = Loaded(running, loaded.path, loaded.lines)
        self.config = running
        self.apply(running)
        return Reloaded([key.name for key in changed if not key.at_start], waiting)

    async def _change(self, changes: dict[str, str]) -> Reloaded:
        try:
            loaded = load(self.path, self._environ, changes)
        except ConfigError as error:
            here = f"{self.path or 'environment'}: "  # what was typed is in no file
            problems = [line.removeprefix(here) for line in str(error).splitlines()]
            raise Refused("; ".join(problems)) from None
        encoded = encode({name.encode(): text.encode() for name, text in sorted(changes.items())})
        if (problem := await self.save(encoded)) is not None:
            raise Refused(f"it could not be saved: {problem}")
        self._changes = changes
        return self._take(loaded)

    def _changes_on_record(self, state_dir: Path) -> dict[str, str]:
        """What does not fit any more, of another version perhaps, is left out and told."""
        found: dict[str, str] = {}
        for name, text in _decode_changes(StateDir(state_dir).load_changes()).items():
            try:
                load(self.path, self._environ, {name: text})
                self._live_key(name)
            except (ConfigError, Refused) as error:
                log.warning("a change by hand does not fit any more", key=name, cause=str(error))
            else:
                found[name] = text
        return found

    def _live_key(self, name: str) -> Key:
        key = self._keys.get(name)
        if key is None:
            raise Refused(unknown_key(name))
        if key.at_start:
            raise Refused(f"{name} is read when torrentd starts: change it in the file")
        return key

    def _setting(self, key: Key) -> Setting:
        line = self._loaded.lines.get(key.name)
        origin: Origin = "environment" if key.name in _PLACES else "default"
        if key.name in self._changes:
            origin, line = "hand", None
        elif line is not None:
            origin = "file"
        return Setting(key.name, _text(value_of(self.config, key.name), key), origin, line)


async def _save_nowhere(data: bytes) -> str | None:
    return "there is no state folder"


def _with_values_of(config: Config, other: Config, names: list[str]) -> Config:
    """`config`, these keys having the values that they have in `other`."""
    for name in names:
        section, _, last = name.rpartition(".")
        value = value_of(other, name)
        if section:
            inner = value_of(config, section)
            assert hasattr(inner, "model_copy")
            value, last = inner.model_copy(update={last: value}), section
        config = config.model_copy(update={last: value})
    return config


def _text(value: object, key: Key) -> str:
    if isinstance(value, tuple):
        return list_text(value, key)
    return value_text(value, key.is_size)


def _decode_changes(data: bytes | None) -> dict[str, str]:
    """{} where there are none, or none that we can read."""
    if not data:
        return {}
    try:
        found = decode_dict(data, STATE_LIMITS)
        return {
            name.decode(): text.decode()
            for name, text in list(found.items())[:CHANGES_MAX]
            if isinstance(text, bytes)
        }
    except (ProtocolError, UnicodeDecodeError):
        return {}
