"""torrentd.yaml -> Config, or every mistake in it as one sentence with file, line and key.

    path = find_config_file(args.config, os.environ)     # None: no file, the defaults stand
    loaded = load(path, os.environ)                      # ConfigError: print it, exit 78

The file is read, never written. Called again on SIGHUP. What was changed by hand at run time
stands in `changes`, a key's name with its value as YAML text, and is laid over the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from torrentd.config.keys import Key, all_keys, entry_keys, nearest_key
from torrentd.config.places import default_places, find_config_file
from torrentd.config.schema import Config
from torrentd.config.yaml_source import (
    KeyPath,
    Problem,
    Source,
    SyntaxProblem,
    YamlValue,
    key_text,
    read_yaml,
    shown_text,
)

__all__ = [
    "EX_CONFIG",
    "ConfigError",
    "Loaded",
    "Problem",
    "find_config_file",
    "load",
    "load_config",
    "value_of",
]

EX_CONFIG = 78  # sysexits.h: "something was found in an unconfigured or misconfigured state"
FILE_BYTES_MAX = 1024 * 1024


class ConfigError(Exception):
    """What is wrong, all of it, in the order of the file: `str()` is a line for each problem."""

    def __init__(self, path: Path | None, problems: list[Problem]) -> None:
        self.path = path
        self.problems = sorted(problems, key=lambda problem: problem.line or 0)
        super().__init__("\n".join(self._sentence(problem) for problem in self.problems))

    def _sentence(self, problem: Problem) -> str:
        where = str(self.path or "environment")
        if problem.line is not None:
            where += f":{problem.line}"
        return ": ".join(filter(None, (where, problem.key, problem.why)))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration, and which line of the file at `path` says which of its keys."""

    config: Config
    path: Path | None
    lines: Mapping[str, int]


def load_config(path: Path | None, environ: Mapping[str, str]) -> Config:
    """`load`, for whoever does not ask where a value comes from."""
    return load(path, environ).config


def load(
    path: Path | None, environ: Mapping[str, str], changes: Mapping[str, str] | None = None
) -> Loaded:
    """`environ` gives the paths that the file leaves open (`places.py`)."""
    source = _read(path) if path is not None else Source()
    keys = all_keys()
    _empty_sections_are_left_out(source, keys)
    lines = {key_text(at): line for at, line in source.lines.items() if key_text(at) in keys}
    for name, text in (changes or {}).items():
        _lay_over(source, name, text)
    document = _with_default_places(source.values, environ)
    problems = list(source.problems)
    try:
        config = Config.model_validate(document)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            problems.append(_problem(detail, source, keys))
        raise ConfigError(path, problems) from None
    if problems:
        raise ConfigError(path, problems)
    return Loaded(config, path, lines)


def value_of(config: Config, name: str) -> object:
    """The value of a key by its name, as in `listen.port`."""
    value: object = config
    for step in name.split("."):
        value = getattr(value, step)
    return value


def _lay_over(source: Source, name: str, text: str) -> None:
    """As if the file said so; a problem of it has no line."""
    path = tuple(name.split("."))
    try:
        read = read_yaml(f"value: {text}".encode())
    except SyntaxProblem as error:
        source.problems.append(Problem(None, name, error.problem.why))
        return
    if read.problems:
        source.problems += [Problem(None, name, problem.why) for problem in read.problems]
        return
    if list(read.values) != ["value"]:
        source.problems.append(Problem(None, name, f"{shown_text(text)} is not one value"))
        return
    values = source.values
    for step in path[:-1]:
        section = values.setdefault(step, {})
        if not isinstance(section, dict):
            return  # the file's own mistake, told of as such
        values = section
    values[path[-1]] = read.values["value"]
    for at in [at for at in source.lines if at[: len(path)] == path]:
        del source.lines[at]
    for at, shown in read.shown.items():
        source.shown[path + at[1:]] = shown


def _read(path: Path) -> Source:
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
        raise ConfigError(path, [Problem(None, "", why)]) from None
    if len(data) > FILE_BYTES_MAX:
        why = f"larger than {FILE_BYTES_MAX} bytes"
        raise ConfigError(path, [Problem(None, "", why)])
    try:
        return read_yaml(data)
    except SyntaxProblem as error:
        raise ConfigError(path, [error.problem]) from None


def _empty_sections_are_left_out(source: Source, keys: dict[str, Key]) -> None:
    """A heading whose keys are all commented out is no mistake."""
    for name, key in keys.items():
        if key.section is not None and source.values.get(name, "") is None:
            del source.values[name]


def _with_default_places(
    values: dict[str, YamlValue], environ: Mapping[str, str]
) -> dict[str, YamlValue]:
    places = default_places(environ)
    document: dict[str, YamlValue] = {
        "state_dir": str(places.state_dir),
        "download_dir": str(places.download_dir),
        **values,
    }
    control = values.get("control", {})
    if isinstance(control, dict):
        document["control"] = {"socket": str(places.control_socket), **control}
    return document


def _problem(detail: ErrorDetails, source: Source, keys: dict[str, Key]) -> Problem:
    path = detail["loc"]
    name, line = key_text(path), source.lines.get(path)
    if detail["type"] == "extra_forbidden":
        return Problem(line, name, _unknown_sentence(path, keys))
    key = (keys | entry_keys())[key_text(tuple(step for step in path if isinstance(step, str)))]
    right = key.item_right if isinstance(path[-1], int) else key.right
    came = source.shown.get(path) or shown_text(str(detail["input"]))
    reason = detail.get("ctx", {}).get("error")
    because = f" ({reason})" if reason else ""
    return Problem(line, name, f"{came} came{because}; right is {right}")


def _unknown_sentence(path: KeyPath, keys: dict[str, Key]) -> str:
    steps = tuple(step for step in path if isinstance(step, str))
    section = key_text(steps[:-1])
    known = [name for name in keys | entry_keys() if name.rpartition(".")[0] == section]
    nearest = nearest_key(key_text(steps), keys | entry_keys())
    if nearest is not None:
        return f"no such key; the nearest one is {nearest}"
    return f"no such key; known here are {', '.join(known)}"
