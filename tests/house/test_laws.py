"""Each law of the house finds a breach of it, and lets the honest form pass."""

import ast

import pytest

from tests.house import laws
from tests.house.laws import Law
from tests.house.set_law import iterated_sets


def breaches(law: Law, code: str) -> list[str]:
    return list(law(ast.parse(code)))


def function_of(lines: int, docstring_lines: int = 0) -> str:
    docstring = '    """' + "\n" * (docstring_lines - 1) + '    """\n' if docstring_lines else ""
    return "def f() -> None:\n" + docstring + "    x = 1\n" * (lines - 1)


@pytest.mark.parametrize(
    ("law", "code"),
    [
        (laws.long_functions, function_of(51)),
        (laws.long_functions, "class A:\n    async " + function_of(51).replace("\n", "\n    ")),
        (laws.spawners, "asyncio.create_task(f())"),
        (laws.spawners, "self.loop.create_task(f())"),
        (laws.spawners, "from asyncio import ensure_future"),
        (laws.swallowed_exceptions, "try: pass\nexcept Exception: log.error('x')"),
        (laws.swallowed_exceptions, "try: pass\nexcept: pass"),
        (laws.swallowed_exceptions, "try: pass\nexcept (OSError, BaseException) as e: x = e"),
        (laws.swallowed_exceptions, "with contextlib.suppress(Exception): pass"),
        (laws.swallowed_exceptions, "try: pass\nexcept Exception as e: log.error('x', exc_info=e)"),
        (laws.swallowed_exceptions, "try: pass\nexcept Exception as e: log.error('x', e=str(e))"),
        (laws.chance, "import random\nrandom.choice([1])"),
        (laws.chance, "from random import shuffle"),
        (laws.chance, "rng = random.Random(5)"),
        (laws.chance, "x = random.SystemRandom"),
        (laws.forbidden_imports, "import time"),
        (laws.forbidden_imports, "def f():\n    from os.path import join"),
        (laws.kademlia_networking, "from kademlia.network import Server"),
        (laws.kademlia_networking, "from kademlia import protocol"),
        (laws.kademlia_networking, "import kademlia.crawling"),
        (laws.names_no_bep, '"""The write tokens."""'),
        (laws.names_no_bep, "x = 1"),
        (laws.missing_docstring, "x = 1"),
        (laws.spoken_kinds, "log.info(f'{peer} left')"),
        (laws.spoken_kinds, "self._log.warning(text, peer=1)"),
        (laws.spoken_kinds, "log.error(event='x')"),
        (iterated_sets, "for x in {1, 2}: pass"),
        (iterated_sets, "y = [x for x in set(z)]"),
        (iterated_sets, "def f(seen: set[int]) -> None:\n    for x in seen: pass"),
        (iterated_sets, "def f(seen: frozenset[int] | None) -> None:\n    y = list(seen)"),
        (iterated_sets, "class A:\n    def f(self):\n        self.a = set()\n        [*self.a]"),
        (iterated_sets, "class A:\n    a: set[int]\n    def f(self): return tuple(self.a)"),
        (iterated_sets, "def f():\n    a = {x for x in [1]}\n    return a.pop()"),
        (iterated_sets, "for x in a.keys() - b.keys(): pass"),
        (iterated_sets, "def f(a: set[int], b: list[int]):\n    for x in a | set(b): pass"),
        (iterated_sets, "def f(a: set[str]) -> str:\n    return ','.join(a)"),
        (iterated_sets, "def f(a: set[str]):\n    b, c = a"),
        (iterated_sets, "def f(a: set[str]):\n    for i, x in enumerate(a.copy()): pass"),
    ],
)
def test_a_breach_is_found(law: Law, code: str) -> None:
    assert len(breaches(law, code)) == 1


@pytest.mark.parametrize(
    ("law", "code"),
    [
        (laws.long_functions, function_of(50)),
        (laws.long_functions, function_of(50, docstring_lines=30)),
        (laws.spawners, "async with asyncio.TaskGroup() as group: tasks.spawn(f())"),
        (laws.spawners, "group.create_task(f())"),
        (laws.swallowed_exceptions, "try: pass\nexcept OSError: pass"),
        (laws.swallowed_exceptions, "try: pass\nexcept BaseException:\n    close()\n    raise"),
        (laws.swallowed_exceptions, "try: pass\nexcept Exception as e: tasks.peer_fault(e)"),
        (laws.chance, "def f(rng: random.Random): return rng.choice([1])"),
        (laws.chance, "from random import Random"),
        (laws.forbidden_imports, "from torrentd.wire.formats.ids import InfoHash"),
        (laws.kademlia_networking, "from kademlia.routing import KBucket"),
        (laws.names_no_bep, '"""The write tokens of get_peers (BEP 5)."""'),
        (laws.names_no_bep, '"""A rate. No BEP\napplies."""'),
        (laws.missing_docstring, '"""For this."""\nx = 1'),
        (laws.missing_docstring, ""),
        (laws.spoken_kinds, "log.info('peer left', peer=peer)"),
        (laws.spoken_kinds, "parser.error(text)"),
        (iterated_sets, "def f(a: set[int]):\n    for x in sorted(a): pass"),
        (iterated_sets, "def f(a: set[int]): return 1 in a and len(a) and max(a) and any(a)"),
        (iterated_sets, "def f(a: dict[int, None]):\n    for x in a.keys(): pass"),
        (iterated_sets, "def f():\n    a = set()\ndef g(a: list[int]): return list(a)"),
        (iterated_sets, "def f(a: list[int]): return a.pop()"),
        (iterated_sets, "def f(a: int, b: int): return list(range(a | b))"),
    ],
)
def test_the_honest_form_passes(law: Law, code: str) -> None:
    assert breaches(law, code) == []
