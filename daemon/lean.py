"""Importing a library without what it would bring along: memory of every daemon, for nothing."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def without(name: str) -> Iterator[None]:
    """Within, a module that was not imported before cannot be: whoever can do without it does."""
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]  # None: banned
    banned = name not in modules
    if banned:
        modules[name] = None
    try:
        yield
    finally:
        if banned:
            del modules[name]
