"""The laws of the house that ruff, mypy and import-linter do not know: a tree in, breaches out.

Each law is tested against a breach of it in test_laws.py, and against the house in test_house.py.
"""

import ast
from collections.abc import Callable, Iterator

FUNCTION_LINES_MAX = 50  # without the docstring
FORBIDDEN_IN_CORES = (
    *("asyncio", "datetime", "logging", "multiprocessing", "os", "pathlib", "secrets", "select"),
    *("selectors", "shutil", "signal", "socket", "structlog", "subprocess", "tempfile"),
    *("threading", "time", "uuid", "uvloop"),
)
UNUSED_OF_KADEMLIA = ("crawling", "network", "protocol")
SPAWNERS = ("create_task", "ensure_future", "run_coroutine_threadsafe")
LOG_METHODS = ("debug", "info", "warning", "error", "critical", "exception")

Law = Callable[[ast.Module], Iterator[str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def long_functions(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, Function):
            count = function_lines(node)
            if count > FUNCTION_LINES_MAX:
                yield f"{node.lineno}: {node.name} has {count} lines"


def function_lines(node: Function) -> int:
    """From `def` to the last line, its own docstring not counted."""
    count = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if ast.get_docstring(node) is not None:
        count -= (first.end_lineno or first.lineno) - first.lineno + 1
    return count


def spawners(tree: ast.Module) -> Iterator[str]:
    """Tasks begin in one place, which keeps them and hears of their end (style, 28)."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr="create_task") if "group" in owner:
                pass  # a TaskGroup keeps its tasks and hears of their end too
            case ast.Attribute(attr=name) | ast.alias(name=name) if name in SPAWNERS:
                yield f"{node.lineno}: {name}"


def swallowed_exceptions(tree: ast.Module) -> Iterator[str]:
    """`except Exception` that only logs hides our own mistakes; it may raise or hand it on."""
    for node in ast.walk(tree):
        match node:
            case ast.ExceptHandler(type=caught) if _catches_all(caught) and not _passed_on(node):
                yield f"{node.lineno}: except {ast.unparse(caught) if caught else ''}"
            case ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress")):
                if any(map(_catches_all, node.args)):
                    yield f"{node.lineno}: {ast.unparse(node)}"


def _passed_on(handler: ast.ExceptHandler) -> bool:
    """Raised again, or an argument of a call that is neither a log nor a rendering as text."""
    for node in ast.walk(handler):
        if isinstance(node, ast.Raise):
            return True
        if isinstance(node, ast.Call) and not _only_tells(node.func):
            names = [each.id for each in node.args if isinstance(each, ast.Name)]
            if handler.name in names:
                return True
    return False


def _only_tells(function: ast.expr) -> bool:
    match function:
        case ast.Name(id="str" | "repr" | "print" | "type" | "format"):
            return True
        case ast.Attribute(attr=name):
            return name in LOG_METHODS
    return False


def _catches_all(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    if isinstance(caught, ast.Tuple):
        return any(_catches_all(each) for each in caught.elts)
    return ast.unparse(caught) in ("Exception", "BaseException")


def chance(tree: ast.Module) -> Iterator[str]:
    """`random` is imported for its type alone: who draws is handed an rng (style, 21)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "random" and node.attr != "Random":
                yield f"{node.lineno}: random.{node.attr}"
        elif isinstance(node, ast.ImportFrom) and node.module == "random":
            for alias in node.names:
                if alias.name != "Random":
                    yield f"{node.lineno}: from random import {alias.name}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "random.Random":
            yield f"{node.lineno}: random.Random() is made by the shell, a core is handed one"


def forbidden_imports(tree: ast.Module) -> Iterator[str]:
    for line, name in _imports(tree):
        if name.partition(".")[0] in FORBIDDEN_IN_CORES:
            yield f"{line}: import {name}"


def kademlia_networking(tree: ast.Module) -> Iterator[str]:
    for line, name in _imports(tree):
        parts = name.split(".")
        if parts[0] == "kademlia" and set(parts[1:]) & set(UNUSED_OF_KADEMLIA):
            yield f"{line}: import {name}"


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def names_no_bep(tree: ast.Module) -> Iterator[str]:
    docstring = " ".join((ast.get_docstring(tree) or "").split())
    if "BEP " not in docstring and "BEPs " not in docstring and "No BEP applies" not in docstring:
        yield "1: the docstring names no BEP and does not say that no BEP applies"


def missing_docstring(tree: ast.Module) -> Iterator[str]:
    if tree.body and not ast.get_docstring(tree):
        yield "1: no docstring says what the room is for"


def spoken_kinds(tree: ast.Module) -> Iterator[str]:
    """The first argument of a log call is its kind, for which lines are counted: a constant."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        speaker = ast.unparse(node.func.value).rpartition(".")[2].lstrip("_")
        if speaker not in ("log", "logger") or node.func.attr not in LOG_METHODS:
            continue
        kind = node.args[0] if node.args else None
        if not isinstance(kind, ast.Constant) or not isinstance(kind.value, str):
            yield f"{node.lineno}: {ast.unparse(node)[:60]}"
