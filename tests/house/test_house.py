"""The house keeps its laws: size, names, mirrored tests, cores without clock or chance."""

import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.house import laws
from tests.house.laws import FUNCTION_LINES_MAX, Law
from tests.house.set_law import iterated_sets
from tests.house.source_tree import Module, cores, modules, of_tests, source
from tests.shared import CODE_FOLDERS, ROOT

MODULE_LINES_MAX = 400
TEST_MODULE_LINES_MAX = 600
BANNED_NAMES = re.compile(r"(.*_)?(utils?|helpers?|common|misc|base|managers?)(_.*)?")
TASKS = "daemon/tasks.py"
REASON_CHARS_MIN = 10
REAL_TIME = ("tests/interop/", "tests/bench/", "tests/loopback/")
MARK = re.compile(
    r"#\s*(noqa|type: ignore)(?P<rule>: ?[A-Z]+\d+(, ?[A-Z]+\d+)*|\[[a-z, -]+\])?(?P<reason>.*)"
)


def none(found: list[str]) -> None:
    """All of them, a line each: pytest would show the first."""
    if found:
        pytest.fail("\n".join(found), pytrace=False)


def broken(law: Law, checked: Iterable[Module]) -> list[str]:
    return [f"{module.path}:{found}" for module in checked for found in law(module.tree)]


def test_there_is_something_to_check() -> None:
    assert len(source()) > 20
    assert len(cores()) > 10
    assert {module.path.partition("/")[0] for module in source()} == set(CODE_FOLDERS)


class TestShape:
    def test_no_function_is_longer_than_fifty_lines(self) -> None:
        assert FUNCTION_LINES_MAX == 50
        none(broken(laws.long_functions, modules()))

    def test_no_module_is_too_long(self) -> None:
        none(list(too_long(source(), MODULE_LINES_MAX)))
        none(list(too_long(of_tests(), TEST_MODULE_LINES_MAX)))

    def test_every_file_is_named_after_a_noun(self) -> None:
        paths = [Path(module.path) for module in modules()]
        names = {part: str(path) for path in paths for part in (*path.parts[:-1], path.stem)}
        none([path for name, path in names.items() if BANNED_NAMES.fullmatch(name)])

    def test_every_source_file_has_its_test_file(self) -> None:
        there = {module.path for module in of_tests()}
        missing = [mirrored_path(module) for module in source() if module.name != "__init__.py"]
        none([path for path in missing if path not in there])

    def test_every_module_says_what_it_is_for(self) -> None:
        none(broken(laws.missing_docstring, modules()))

    def test_every_folder_of_source_is_a_package(self) -> None:
        folders = sorted({Path(module.path).parent for module in source()})
        none([str(each) for each in folders if not (ROOT / each / "__init__.py").exists()])


class TestCores:
    """They decide; time, chance and what happened outside are handed to them."""

    def test_no_core_imports_a_clock_a_socket_or_a_log(self) -> None:
        none(broken(laws.forbidden_imports, cores()))

    def test_no_core_draws_by_itself(self) -> None:
        none(broken(laws.chance, cores()))

    def test_no_core_iterates_a_set(self) -> None:
        none(broken(iterated_sets, cores()))

    def test_every_room_of_the_protocol_names_its_bep(self) -> None:
        rooms = [module for module in source() if module.path.startswith(("dht/", "wire/"))]
        none(broken(laws.names_no_bep, rooms))

    def test_of_kademlia_only_the_data_structures_are_used(self) -> None:
        none(broken(laws.kademlia_networking, modules()))


class TestShell:
    def test_tasks_begin_in_one_place(self) -> None:
        elsewhere = [module for module in source() if module.path != TASKS]
        none(broken(laws.spawners, elsewhere))

    def test_no_mistake_of_ours_is_swallowed(self) -> None:
        elsewhere = [module for module in modules() if module.path != TASKS]
        none(broken(laws.swallowed_exceptions, elsewhere))

    def test_the_kind_of_a_log_line_is_a_constant(self) -> None:
        none(broken(laws.spoken_kinds, source()))


class TestTests:
    def test_no_test_sleeps(self) -> None:
        """Whatever is timed is tested in virtual time; a real peer is waited for by polling."""
        pattern = re.compile(r"\btime\.sleep\(")
        quick = [module for module in of_tests() if not module.path.startswith(REAL_TIME)]
        none([module.path for module in quick if pattern.search(module.text)])

    def test_every_exception_to_a_check_has_its_reason(self) -> None:
        """`# noqa` and `# type: ignore` name the rule, and say why in the same line."""
        none(list(marks_without_reason(modules())))


def too_long(checked: Iterable[Module], lines_max: int) -> Iterator[str]:
    for module in checked:
        if module.line_count > lines_max:
            yield f"{module.path} has {module.line_count} lines of {lines_max}"


def mirrored_path(module: Module) -> str:
    path = Path(module.path)
    return str(Path("tests") / path.parent / f"test_{path.name}")


def marks_without_reason(checked: Iterable[Module]) -> Iterator[str]:
    for module in checked:
        for token in tokenize.generate_tokens(io.StringIO(module.text).readline):
            match = MARK.match(token.string) if token.type == tokenize.COMMENT else None
            if match and (not match["rule"] or len(match["reason"]) < REASON_CHARS_MIN):
                yield f"{module.path}:{token.start[0]}: {token.string}"
