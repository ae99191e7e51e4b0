"""The schemas: made of the types, shipped as they are made, and kept by every document."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal, NotRequired, TypedDict

import pytest
from jsonschema import Draft202012Validator

from tests.daemon.client.documents_checked import mistakes, validator
from tests.daemon.client.test_methods import CALLS, NOES, served
from tests.daemon.control_fixture import Served
from torrentd.daemon.client.blocking import Client
from torrentd.daemon.client.requests import Request, StreamRequest
from torrentd.daemon.client.schema import (
    DOCUMENTS,
    FOLDER,
    LINES,
    METHODS,
    schema,
    schemas,
    text,
    write,
)
from torrentd.daemon.control_lines import Json
from torrentd.daemon.control_verbs import Verbs
from torrentd.daemon.ctl.arguments import FIRST_OF_GROUP, make_parser

__all__ = ["served"]

NO_DOCUMENT = {"completion", "watch"}  # a script, and a screen


class Inner(TypedDict):
    """One of them."""

    word: Literal["a", "b"]


class Outer(TypedDict):
    """All."""

    one: Annotated[Literal[1], "always"]
    maybe: int | None
    inner: list[Inner]
    by_key: dict[str, float]
    either: Inner | None
    gone: NotRequired[bool]


RIGHT: dict[str, Json] = {
    "one": 1, "maybe": None, "inner": [{"word": "a"}], "by_key": {"k": 0.5}, "either": None,
}  # fmt: skip


class TestMaking:
    def test_a_type_is_a_schema(self) -> None:
        made = schema(Outer, "outer.json", "Outer")
        assert made["$ref"] == "#/$defs/Outer" and made["$id"] == "urn:torrentd:1:outer.json"
        outer = made["$defs"]
        assert isinstance(outer, dict) and isinstance(outer["Outer"], dict)
        assert outer["Outer"]["required"] == ["one", "maybe", "inner", "by_key", "either"]
        properties = outer["Outer"]["properties"]
        assert isinstance(properties, dict)
        assert properties["one"] == {"const": 1, "description": "always"}
        assert properties["maybe"] == {"type": ["integer", "null"]}

    @pytest.mark.parametrize(
        ("change", "right"),
        [
            ({}, True),
            ({"gone": True}, True),
            ({"either": {"word": "b"}}, True),
            ({"new": 1}, False),
            ({"inner": [{"word": "a", "new": 1}]}, False),
            ({"inner": [{"word": "c"}]}, False),
            ({"one": 2}, False),
            ({"maybe": "1"}, False),
            ({"maybe": True}, False),
            ({"by_key": {"k": "1"}}, False),
            ({"inner": [{}]}, False),
        ],
    )
    def test_it_takes_what_is_right_and_nothing_else(
        self, change: dict[str, Json], right: bool
    ) -> None:
        made = Draft202012Validator(schema(Outer, "outer.json", "Outer"))
        assert made.is_valid({**RIGHT, **change}) == right

    def test_a_key_that_is_missing_is_missed(self) -> None:
        made = Draft202012Validator(schema(Outer, "outer.json", "Outer"))
        for name in RIGHT:
            assert not made.is_valid({key: RIGHT[key] for key in RIGHT if key != name})


class TestShipped:
    def test_they_are_what_the_types_make(self) -> None:
        """Else: python -m torrentd.daemon.client.schema daemon/client/schemas"""
        there = {path.name: path.read_text() for path in FOLDER.iterdir()}
        assert there == {name: text(made) for name, made in schemas().items()}

    def test_each_is_a_schema_and_closed(self) -> None:
        for name, made in schemas().items():
            validator(name)
            definitions = made["$defs"]
            assert isinstance(definitions, dict)
            for kind in definitions.values():
                assert isinstance(kind, dict) and kind["additionalProperties"] is False
                assert kind["description"], f"{name}: a record without a sentence"

    def test_writing_them_takes_away_what_is_none_any_more(self, tmp_path: Path) -> None:
        (tmp_path / "old.json").touch()
        write(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == set(schemas())


class TestCompleteness:
    def test_every_verb_has_one(self) -> None:
        verbs = set(make_parser()[1]) - set(FIRST_OF_GROUP) - NO_DOCUMENT
        assert verbs == set(DOCUMENTS)

    def test_every_method_has_one(self, served: Served) -> None:
        verbs: Verbs = served.server._verbs
        assert set(verbs._by_name) <= set(DOCUMENTS | METHODS)

    def test_every_verb_with_lines_has_one_for_them(self) -> None:
        with_lines = {
            verb for verb, parser in make_parser()[1].items() if "--jsonl" in parser.option_names()
        }
        assert with_lines == set(LINES)


class Checking(Client):
    """Holds every document to its schema."""

    checked: list[str]

    def call(self, request: Request[object]) -> object:  # type: ignore[override]  # of any request
        document = super().call(request)
        assert mistakes(document, request.method) == []
        self.checked.append(request.method)
        return document


def test_every_method_answers_what_its_schema_says(served: Served) -> None:
    with Checking(str(served.path)) as daemon:
        daemon.checked = []
        for name, call in CALLS.items():
            if name not in NOES:
                call(daemon)
    methods = set(served.server._verbs._by_name) - {"dht", "resolve", "dht sample"}
    assert methods - set(daemon.checked) == set()


LISTENING: dict[str, Callable[[Client], Iterator[object]]] = {
    "events": lambda daemon: daemon.stream(StreamRequest("events", {"follow": True, "since": "0"})),
    "dht lookup": lambda daemon: daemon.follow_dht_lookup("ab" * 20),
}


@pytest.mark.parametrize("verb", LISTENING)
def test_what_is_told_is_a_line(verb: str, served: Served) -> None:
    with Client(str(served.path)) as daemon:
        told = next(LISTENING[verb](daemon))
    assert mistakes(told, verb, line=True) == []


def test_a_key_that_no_type_has_is_a_mistake(served: Served) -> None:
    with Client(str(served.path)) as daemon:
        document = daemon.version()
    assert mistakes(document, "version") == []
    assert mistakes({**document, "undocumented": 1}, "version") != []
    assert mistakes({"version": "1"}, "version") != []
