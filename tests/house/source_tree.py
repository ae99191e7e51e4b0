"""Every Python file of the project, read and parsed once."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.shared import CODE_FOLDERS, CORES, ROOT


@dataclass(frozen=True, slots=True)
class Module:
    path: str  # from the root of the checkout: dht/node.py
    text: str
    tree: ast.Module

    @property
    def line_count(self) -> int:
        return self.text.count("\n") + (not self.text.endswith("\n") and bool(self.text))

    @property
    def name(self) -> str:
        return Path(self.path).name


@cache
def modules() -> tuple[Module, ...]:
    """Source and tests, in the order of their paths."""
    paths = sorted(path for folder in (*CODE_FOLDERS, "tests") for path in _files(ROOT / folder))
    return tuple(_module(path) for path in paths)


def source() -> list[Module]:
    return [module for module in modules() if not module.path.startswith("tests/")]


def of_tests() -> list[Module]:
    return [module for module in modules() if module.path.startswith("tests/")]


def cores() -> list[Module]:
    """The rooms that decide: no clock, no chance, no I/O."""
    return [module for module in source() if module.path.startswith(tuple(f"{c}/" for c in CORES))]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.py") if "__pycache__" not in path.parts]


def _module(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    return Module(str(path.relative_to(ROOT)), text, ast.parse(text, str(path)))
