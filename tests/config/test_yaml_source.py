"""config/yaml_source.py: values with their lines, and the traps of YAML 1.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torrentd.config.yaml_source import (
    DEPTH_MAX,
    NODES_MAX,
    SyntaxProblem,
    YamlValue,
    key_text,
    read_yaml,
    shown_text,
)


def only_problem(text: str) -> str:
    source = read_yaml(text.encode())
    assert source.values == {}
    (problem,) = source.problems
    assert (problem.line, problem.key) == (1, "a")
    return problem.why


def syntax_problem(data: bytes) -> tuple[int | None, str]:
    with pytest.raises(SyntaxProblem) as caught:
        read_yaml(data)
    return caught.value.problem.line, caught.value.problem.why


def test_values_and_the_line_of_each() -> None:
    source = read_yaml(b"\na:\n  b: 1\n  c:\n    - x\n    - 'y'\nd: [true, ~, 1.5]\n")
    assert source.values == {"a": {"b": 1, "c": ["x", "y"]}, "d": [True, None, 1.5]}
    assert not source.problems
    assert source.lines["a",] == 2
    assert source.lines["a", "b"] == 3
    assert source.lines["a", "c", 1] == 6
    assert source.lines["d", 2] == 7
    assert source.shown["a", "c", 1] == '`"y"`'


@pytest.mark.parametrize("data", [b"", b"\n", b"# nothing\n", b"---\n", b"~", b"\xef\xbb\xbf# bom"])
def test_a_file_without_values(data: bytes) -> None:
    assert read_yaml(data).values == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("0", 0),
        ("-12", -12),
        ("1_000", 1000),
        ("0xff", 255),
        ("1.5", 1.5),
        ("null", None),
        ("", None),
        ("text", "text"),
        ("'on'", "on"),
        ("'010'", "010"),
        ("'22:30'", "22:30"),
        ("1.2.3.4", "1.2.3.4"),
        ("'::1'", "::1"),
        ("host:6881", "host:6881"),
        ("=", "="),
        ("08", "08"),  # no octal number, so YAML 1.1 has it as text
    ],
)
def test_plain_values(text: str, value: YamlValue) -> None:
    source = read_yaml(f"a: {text}".encode())
    assert source.values == {"a": value}
    assert type(source.values["a"]) is type(value)
    assert source.problems == []


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("on", 'write true, or "on" in quotes'),
        ("Yes", 'write true, or "Yes" in quotes'),
        ("off", 'write false, or "off" in quotes'),
        ("no", 'write false, or "no" in quotes'),
        ("010", 'write 10, or "010" in quotes'),
        ("0660", '"0660" in quotes'),
        ("22:30", 'write "22:30" in quotes'),
        ("1:2.5", 'write "1:2.5" in quotes'),
        ("2026-11-23", 'write "2026-11-23" in quotes'),
        ("0b11", "decimal"),
        ("0x_", "decimal"),
        ("!!binary aGk=", "tag `binary`"),
        ("!!python/object/apply:os.system [ls]", "python/object/apply:os.system"),
        ("!own {b: 1}", "tag `!own`"),
        ("!!int x", "decimal"),
        ("!!float x", "not a number"),
        ("9" * 5000, "not a number"),
    ],
)
def test_what_yaml_misreads_is_a_problem_with_advice(text: str, advice: str) -> None:
    why = only_problem(f"a: {text}")
    assert advice in why
    assert shown_text(text) in why or text.startswith("!")


def test_a_key_is_the_word_that_was_written() -> None:
    source = read_yaml(b"on: 1\n010: 2\n~: 3\n<<: 4\n")
    assert source.values == {"on": 1, "010": 2, "~": 3, "<<": 4}


def test_a_key_that_is_there_twice_names_both_lines() -> None:
    source = read_yaml(b"a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert source.values == {"a": {"b": 1, "c": 2}}
    (problem,) = source.problems
    assert (problem.line, problem.key) == (4, "a.b")
    assert "first in line 2" in problem.why


def test_a_key_that_is_no_word_is_a_problem() -> None:
    source = read_yaml(b"? [a]\n: 1\nb: 2\n")
    assert source.values == {"b": 2}
    assert "a key must be a word" in source.problems[0].why


def test_all_problems_are_gathered() -> None:
    source = read_yaml(b"a: on\nb: [1, 010, 2]\nc: 3\n")
    assert source.values == {"b": [1, 2], "c": 3}
    assert [(each.line, each.key) for each in source.problems] == [(1, "a"), (2, "b[1]")]


@pytest.mark.parametrize("data", [b"[1]", b"text", b"5", b"!x {a: 1}x"])
def test_a_file_that_is_no_mapping(data: bytes) -> None:
    assert syntax_problem(data)[0] == 1


@pytest.mark.parametrize(
    ("data", "line", "why"),
    [
        (b"a: 1\nb: [1\nc: 2\n", 3, "from line 2 on"),
        (b"a: b: c", 1, "mapping values are not allowed"),
        (b"a: 1\n\tb: 2", 2, "a tab character"),
        (b"a: 1\nb: 'x", 2, "unexpected end"),
        (b"a: *x", 1, "undefined alias"),
        (b"a: 1\n---\nb: 2", 2, "another document"),
        (b"a: 1\nb: \xff", 2, "UTF-8"),
        ("a: ä\nb: ä\x01".encode(), 2, "control characters"),
        (b"a: @x", 1, "cannot start any token"),
        (b"\xff\xfea\x00", 1, "UTF-8"),
    ],
)
def test_what_is_not_yaml_has_a_line_and_a_reason(data: bytes, line: int, why: str) -> None:
    found_line, found_why = syntax_problem(data)
    assert found_line == line
    assert why in found_why


def test_an_alias_stands_for_its_value() -> None:
    source = read_yaml(b"a: &x [1, 2]\nb: *x\n")
    assert source.values == {"a": [1, 2], "b": [1, 2]}


def test_an_alias_inside_of_its_own_value_is_a_problem() -> None:
    source = read_yaml(b"a: &x\n  b: *x\n  c: 1\n")
    assert source.values == {"a": {"c": 1}}
    assert source.problems[0].key == "a.b"
    assert "without an end" in source.problems[0].why


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000,
        b"{a: " * 100_000,
        b"- " * 100_000,
        b"a: " + b"[" * DEPTH_MAX + b"]" * DEPTH_MAX,
        b"".join(b"a%d: &a%d [*a%d]\n" % (i, i, i - 1) for i in range(1, 5000)).replace(
            b"*a0", b""
        ),
    ],
)
def test_depth_has_an_end(data: bytes) -> None:
    assert "deeper than 20" in syntax_problem(data)[1]


def test_aliases_of_aliases_have_an_end() -> None:
    """Ten to the tenth values in ten lines."""
    lines = [b"a0: &a0 [" + b"1, " * 9 + b"1]"]
    lines += [
        b"a%d: &a%d [%s]" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 10)) for i in range(1, 10)
    ]
    assert str(NODES_MAX) in syntax_problem(b"\n".join(lines))[1]


def test_the_name_of_a_key() -> None:
    assert key_text(()) == ""
    assert key_text(("dht", "bootstrap", 0)) == "dht.bootstrap[0]"


def test_what_is_shown_is_short_and_printable() -> None:
    assert shown_text("x" * 1000) == "`" + "x" * 79 + "…`"
    assert shown_text("ä") == "`ä`"
    assert shown_text("\x1b[31m\n").isprintable()


yaml_text = st.text(alphabet="ab:-[]{}&*!#'\"\n ,?|>%@~01\t", max_size=60)


@given(yaml_text | st.text(max_size=40))
def test_any_text_is_read_or_is_one_problem_with_a_sentence(text: str) -> None:
    try:
        source = read_yaml(text.encode("utf-8", "surrogatepass"))
    except SyntaxProblem as error:
        assert error.problem.why
        return
    for problem in source.problems:
        assert problem.why
        assert problem.line is not None
