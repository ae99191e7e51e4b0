"""The keys of torrentd.yaml, read off the schema: for sentences of errors and the shipped file."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from torrentd.config.schema import Config
from torrentd.config.values import AT_START, SIZE_TEXT, Right, size_text

LIKENESS_MIN = 0.65  # found by trying: `dth` is meant to be `dht`, `foo` nothing
SAME_SECTION = 0.05


@dataclass(frozen=True, slots=True)
class Key:
    """One key, or one section: then `section` is its class and `right` lists its keys."""

    name: str  # as in errors: listen.port
    sentence: str
    right: str  # what a right value is
    item_right: str  # for a list: what one of its items is
    default: object
    is_size: bool
    at_start: bool  # a change takes effect at the next start
    section: type[BaseModel] | None
    entries: "tuple[Key, ...]" = ()  # for a list of maps: the keys of each


def all_keys() -> dict[str, Key]:
    """Name -> key, in the order of the schema, each section before its keys."""
    return {key.name: key for key in _walk(Config, "")}


def entry_keys() -> dict[str, Key]:
    """The keys of entries of lists, as `hooks.command`."""
    return {entry.name: entry for key in all_keys().values() for entry in key.entries}


def nearest_key(name: str, keys: dict[str, Key]) -> str | None:
    """The key that was probably meant: its whole name is alike, or its last part is."""
    best = max(keys, key=lambda key: _likeness(name, key))
    return best if _likeness(name, best) >= LIKENESS_MIN else None


def _likeness(name: str, key: str) -> float:
    """0 to 1, and a little more for a key of the same section."""
    section, _, last = name.lower().rpartition(".")
    key_section, _, key_last = key.rpartition(".")
    if section == key_section:
        return _ratio(last, key_last) + SAME_SECTION
    return 0 if section == key else max(_ratio(name.lower(), key), _ratio(last, key_last))


def _ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def _walk(model: type[BaseModel], prefix: str) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield _section_key(prefix + name, section)
            yield from _walk(section, f"{prefix}{name}.")
        else:
            yield _key(prefix + name, field)


def _section_key(name: str, section: type[BaseModel]) -> Key:
    known = ", ".join(section.model_fields)
    right = f"one or more indented lines with the keys {known}"
    sentence = " ".join((section.__doc__ or "").split())
    return Key(name, sentence, right, right, None, False, False, section)


def _key(name: str, field: FieldInfo) -> Key:
    right = _right_of(field.metadata)
    is_size = right == SIZE_TEXT
    arguments = get_args(field.annotation)
    item_right = ""
    entries: tuple[Key, ...] = ()
    if arguments and isinstance(arguments[0], type) and issubclass(arguments[0], BaseModel):
        fields = arguments[0].model_fields
        entries = tuple(_key(f"{name}.{entry}", fields[entry]) for entry in fields)
        item_right = f"a map with the keys {', '.join(fields)}"
        parts = (f"{entry} ({each.right})" for entry, each in zip(fields, entries, strict=True))
        right = f"a list of maps with the keys {'; '.join(parts)}"
    elif arguments and arguments[-1] is Ellipsis:  # tuple[Annotated[…], ...]
        item_right = _right_of(list(get_args(arguments[0])))
        right = right or f"a list of entries, each {item_right}"
    elif not right:  # Literal[…]
        right = "one of " + ", ".join(map(str, arguments))
    right += _bounds(field, is_size)
    sentence = " ".join((field.description or "").split())
    default = None if field.is_required() else field.default
    at_start = AT_START in field.metadata
    return Key(name, sentence, right, item_right, default, is_size, at_start, None, entries)


def _right_of(metadata: list[object]) -> str:
    return next((each.text for each in metadata if isinstance(each, Right)), "")


def _bounds(field: FieldInfo, is_size: bool) -> str:
    low = next((each.ge for each in field.metadata if isinstance(each, Ge)), None)
    high = next((each.le for each in field.metadata if isinstance(each, Le)), None)
    if not isinstance(low, int) or not isinstance(high, int):
        return ""
    return " from {} to {}".format(*((size_text(n) if is_size else str(n)) for n in (low, high)))


def list_text(values: tuple[object, ...], key: Key) -> str:
    """A list as the file would say it in one line."""
    return f"[{', '.join(_entry_text(value, key.entries) for value in values)}]"


def _entry_text(entry: object, keys: tuple[Key, ...]) -> str:
    """Of a map, the keys that are not at their defaults."""
    parts = []
    for key in keys:
        name = key.name.rpartition(".")[2]
        value = getattr(entry, name)
        match value:
            case _ if value == key.default:
                continue
            case tuple():
                text = list_text(value, key)
            case str() | Path():
                text = f'"{value}"'
            case _:
                text = value_text(value, key.is_size)
        parts.append(f"{name}: {text}")
    return f"{{{', '.join(parts)}}}" if keys else f'"{entry}"'


def value_text(value: object, is_size: bool) -> str:
    """A scalar as the file would say it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return size_text(value) if is_size else str(value)
        case str() if value[:1].isdigit():  # an octal mode would be read as a number
            return f'"{value}"'
    return str(value)
