"""Documents are read without trust in their fields, and every text comes out escaped."""

import json

import pytest

from tests.daemon.ctl.hostile import HOSTILE, is_safe
from torrentd.daemon.control_lines import Json
from torrentd.daemon.ctl.document import Document, json_text


def test_fields_come_as_their_types() -> None:
    fields: dict[str, Json] = {"n": 3, "f": 0.5, "t": "x", "b": True, "l": ["a", 1, "b"]}
    document = Document({**fields, "c": {"n": 4}, "cs": [{"n": 5}]})
    assert document.integer("n") == 3 and document.number("f") == 0.5
    assert document.text("t") == "x" and document.flag("b") is True
    assert document.texts("l") == ["a", "b"]
    assert document.child("c").integer("n") == 4
    assert [child.integer("n") for child in document.children("cs")] == [5]


@pytest.mark.parametrize("value", [None, [], 3, "x", {}, {"k": None}, {"k": {}}, {"k": []}])
def test_what_is_absent_or_of_another_type_reads_as_nothing(value: Json) -> None:
    document = Document(value)
    assert document.text("k") == "" and document.integer("k") == 0 and not document.flag("k")
    assert document.integer_or_none("k") is None and document.texts("k") == []
    assert document.children("k") == [] and document.child("k").text("x") == ""


def test_entries_are_counted() -> None:
    document = Document({"list": [1, "x", None], "text": "abc"})
    assert [document.count(key) for key in ("list", "text", "absent")] == [3, 0, 0]


def test_zero_is_told_from_absent() -> None:
    document = Document({"zero": 0, "one": 1, "no": False})
    assert [document.is_zero(key) for key in ("zero", "one", "no", "absent")] == [
        True, False, False, False,
    ]  # fmt: skip


def test_picked_fields_are_as_they_came() -> None:
    assert Document({"a": 1, "b": "\x1b", "c": 3}).pick("a", "b", "x") == {
        "a": 1, "b": "\x1b", "x": None,
    }  # fmt: skip


def test_false_is_told_from_absent() -> None:
    document = Document({"yes": True, "no": False, "null": None})
    assert [document.is_false(key) for key in ("yes", "no", "null", "absent")] == [
        False, True, False, False,
    ]  # fmt: skip


def test_an_absent_number_is_told_from_zero() -> None:
    assert Document({"eta_s": 0}).integer_or_none("eta_s") == 0
    assert Document({"eta_s": None}).integer_or_none("eta_s") is None

    assert Document({"rtt_s": 0.5}).number_or_none("rtt_s") == 0.5
    assert Document({"rtt_s": True}).number_or_none("rtt_s") is None


@pytest.mark.parametrize("text", HOSTILE)
def test_no_reader_hands_out_a_hostile_text(text: str) -> None:
    document = Document({"name": text, "names": [text]})
    assert is_safe(document.text("name")) and is_safe(document.texts("names")[0])
    [(key, [value])] = Document({text: [text]}).texts_by_key()
    assert is_safe(key) and is_safe(value)


@pytest.mark.parametrize("indented", [True, False])
@pytest.mark.parametrize("text", HOSTILE)
def test_json_is_ascii_and_holds_the_text_unharmed(text: str, indented: bool) -> None:
    written = json_text({"name": [text]}, indented)
    assert written.isascii() and is_safe(written) and written.endswith("\n")
    assert json.loads(written) == {"name": [text]}
    assert ("\n" in written[:-1]) == indented
