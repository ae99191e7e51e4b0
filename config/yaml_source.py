"""The text of a YAML file as values, with the line of each, and without YAML's surprises.

PyYAML reads YAML 1.1, in which `on` is true, `010` is eight, `22:30` is 1350 and the second of two
equal keys silently wins. Such a scalar is a problem here, with a sentence that names both things it
might mean. Problems are gathered, so that a reader mends all of them at once.
"""

import re
from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

YamlScalar: TypeAlias = bool | int | float | str | None
YamlValue: TypeAlias = "YamlScalar | list[YamlValue] | dict[str, YamlValue]"
KeyPath: TypeAlias = tuple[str | int, ...]

# The composer of libyaml's binding is recursive in C: 60,000 open brackets end the process.
DEPTH_MAX = 20
NODES_MAX = 100_000  # aliases of aliases multiply; a full configuration has about 100 nodes
SHOWN_CHARS_MAX = 80
_TOO_DEEP = f"nested deeper than {DEPTH_MAX} levels"
_TAG = "tag:yaml.org,2002:"
_PLAIN_INT = re.compile(r"[-+]?(0|[1-9][0-9_]*|0x[0-9a-fA-F]+)")


@dataclass(frozen=True, slots=True)
class Problem:
    line: int | None  # from 1; None: not of one line
    key: str  # "" when it is not of one key
    why: str


class SyntaxProblem(Exception):
    """It is not YAML, or not the YAML we read: nothing of it can be used."""

    def __init__(self, line: int | None, why: str) -> None:
        super().__init__(why)
        self.problem = Problem(line, "", why)


@dataclass(slots=True)
class Source:
    """What was read. `lines` and `shown` know every value, by its path from the root."""

    values: dict[str, YamlValue] = field(default_factory=dict)
    lines: dict[KeyPath, int] = field(default_factory=dict)
    shown: dict[KeyPath, str] = field(default_factory=dict)  # as written, for sentences
    problems: list[Problem] = field(default_factory=list)


def read_yaml(data: bytes) -> Source:
    """Raises SyntaxProblem alone; a value that may be misread is left out and is a problem."""
    root = _compose(_decode(data))
    return Source() if root is None else _Walk().source_of(root)


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SyntaxProblem(line, "it is not UTF-8 text") from None


def _compose(text: str) -> yaml.Node | None:
    try:
        _check_depth(text)
        return yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.reader.ReaderError as error:
        line = text.encode().count(b"\n", 0, error.position) + 1
        raise SyntaxProblem(line, f"not YAML: {error.reason}") from None
    except yaml.MarkedYAMLError as error:
        raise _syntax_problem(error) from None


def _syntax_problem(error: yaml.MarkedYAMLError) -> SyntaxProblem:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    if error.problem and "nesting depth" in error.problem:  # a libyaml with a limit of its own
        return SyntaxProblem(line, _TOO_DEEP)
    why = f"not YAML: {error.problem}"
    if error.context:
        begun = f" (from line {error.context_mark.line + 1} on)" if error.context_mark else ""
        why = f"not YAML: {error.context}{begun}: {error.problem}"
    return SyntaxProblem(line, why)


def key_text(path: KeyPath) -> str:
    """`dht.bootstrap[0]`"""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def shown_text(text: str) -> str:
    """A user's own text in a sentence: short, and without control characters."""
    text = text if len(text) <= SHOWN_CHARS_MAX else text[: SHOWN_CHARS_MAX - 1] + "…"
    return f"`{text}`" if text.isprintable() else ascii(text)


def _check_depth(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH_MAX:
            raise SyntaxProblem(_line(event), _TOO_DEEP)


class _Unreadable(Exception):
    """A value that is left out; its text is the problem's."""


class _Walk:
    """One pass over the nodes; `_open` are those we are inside of."""

    def __init__(self) -> None:
        self._source = Source()
        self._open: set[int] = set()
        self._nodes = 0

    def source_of(self, root: yaml.Node) -> Source:
        if isinstance(root, yaml.ScalarNode) and root.tag == _TAG + "null":
            return self._source
        if not isinstance(root, yaml.MappingNode):
            raise SyntaxProblem(_line(root), "the file must consist of lines `key: value`")
        self._source.values = self._mapping(root, ())
        return self._source

    def _problem(self, node: yaml.Node, path: KeyPath, why: str) -> None:
        self._source.problems.append(Problem(_line(node), key_text(path), why))

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, YamlValue]:
        values: dict[str, YamlValue] = {}
        first_lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(key_node, path, "a key must be a word")
                continue
            key = key_node.value  # as written: `on` is a word here, whatever YAML 1.1 thinks
            if key in first_lines:
                why = f"the key is there twice, first in line {first_lines[key]}"
                self._problem(key_node, (*path, key), why)
                continue
            first_lines[key] = _line(key_node)
            self._source.lines[*path, key] = _line(key_node)
            try:
                values[key] = self._value(value_node, (*path, key))
            except _Unreadable as error:
                self._problem(value_node, (*path, key), str(error))
        return values

    def _sequence(self, node: yaml.SequenceNode, path: KeyPath) -> list[YamlValue]:
        values: list[YamlValue] = []
        for item in node.value:
            item_path = (*path, len(values))
            self._source.lines[item_path] = _line(item)
            try:
                values.append(self._value(item, item_path))
            except _Unreadable as error:
                self._problem(item, item_path, str(error))
        return values

    def _value(self, node: yaml.Node, path: KeyPath) -> YamlValue:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise SyntaxProblem(_line(node), f"more than {NODES_MAX} values")
        if id(node) in self._open:
            raise _Unreadable("the alias stands inside of what it names, without an end")
        if len(self._open) > DEPTH_MAX:
            raise SyntaxProblem(_line(node), _TOO_DEEP)
        self._open.add(id(node))
        try:
            return self._inner(node, path)
        finally:
            self._open.discard(id(node))

    def _inner(self, node: yaml.Node, path: KeyPath) -> YamlValue:
        if node.tag == _TAG + "map" and isinstance(node, yaml.MappingNode):
            self._source.shown[path] = "a group of keys"
            return self._mapping(node, path)
        if node.tag == _TAG + "seq" and isinstance(node, yaml.SequenceNode):
            self._source.shown[path] = "a list" if node.value else "an empty list"
            return self._sequence(node, path)
        if not isinstance(node, yaml.ScalarNode):
            raise _Unreadable(_tag_sentence(node.tag))
        self._source.shown[path] = _as_written(node)
        return _scalar(node.tag.removeprefix(_TAG), node.value)


def _line(node: yaml.Node | yaml.Event) -> int:
    return node.start_mark.line + 1 if node.start_mark else 0


def _as_written(node: yaml.ScalarNode) -> str:
    if node.style:  # in quotes, or a block: text, whatever is in it
        return shown_text(f'"{node.value}"')
    return shown_text(node.value) if node.value else "nothing"


def _scalar(kind: str, raw: str) -> YamlScalar:
    """Raises _Unreadable for what YAML reads as something that was hardly meant."""
    try:
        match kind:
            case "null":
                return None
            case "str" | "value":
                return raw
            case "bool" if raw.lower() in ("true", "false"):
                return raw.lower() == "true"
            case "int" if _PLAIN_INT.fullmatch(raw):
                return int(raw.replace("_", ""), 0)
            case "float" if ":" not in raw:
                return float(raw.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:  # an explicit tag that does not fit, a number of 5,000 digits
        raise _Unreadable(f"{shown_text(raw)} is not a number we can read") from None
    raise _Unreadable(_trap_sentence(kind, raw))


def _trap_sentence(kind: str, raw: str) -> str:
    shown, quoted = shown_text(raw), f'"{raw}" in quotes'
    match kind:
        case "bool":
            truth = "true" if raw.lower() in ("on", "yes", "y") else "false"
            return f"{shown} means {truth} in YAML 1.1: write {truth}, or {quoted} if text is meant"
        case "int" if ":" in raw:
            return f"{shown} is a number to the base of 60 in YAML 1.1: write {quoted}"
        case "int" if raw.startswith("0") and raw[1:2].isdigit():
            return f"{shown} is an octal number in YAML 1.1: write {raw.lstrip('0')}, or {quoted}"
        case "int":
            return f"{shown} is hard to read: write a decimal number, or {quoted} if text is meant"
        case "float" | "timestamp":
            return f"{shown} is a time or a date in YAML 1.1: write {quoted}"
    return _tag_sentence(kind)


def _tag_sentence(tag: str) -> str:
    return f"the YAML tag {shown_text(tag)} has no meaning here: write a plain value"
