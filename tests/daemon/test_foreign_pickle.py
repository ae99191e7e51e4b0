"""A pickle is a program: of deluge's, nothing is run."""

import os
import pickle
import random
from pathlib import Path

import pytest

from tests.daemon.test_foreign import MULTI, SINGLE, made_by
from torrentd.daemon.foreign_pickle import read_deluge_state


class Bomb:
    """What would be called by a reader that trusts it."""

    def __init__(self, command: str) -> None:
        self._command = command

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (self._command,)


def state(folder: Path) -> bytes:
    return (made_by("deluge", folder) / "state" / "torrents.state").read_bytes()


def test_what_deluge_wrote_is_read(tmp_path: Path) -> None:
    entries = read_deluge_state(state(tmp_path))
    assert {entry["torrent_id"] for entry in entries} == {MULTI, SINGLE}
    assert {entry["save_path"] for entry in entries} == {"/tmp/mig/data"}


def test_no_code_is_run(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    bomb = pickle.dumps(Bomb(f"touch {touched}"))
    assert read_deluge_state(bomb) == []
    assert not touched.exists()
    pickle.loads(bomb)  # noqa: S301  it would have been
    assert touched.exists()


@pytest.mark.parametrize("value", [None, [1, 2], {"torrents": [1]}, b"", 2**70])
def test_another_pickle_is_no_list_of_torrents(value: object) -> None:
    assert read_deluge_state(pickle.dumps(value)) == []


def test_no_change_of_it_raises(tmp_path: Path) -> None:
    data, rng = state(tmp_path), random.Random(1)
    for _ in range(3000):
        changed = bytearray(data)
        for _ in range(rng.randrange(1, 4)):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        read_deluge_state(bytes(changed[: rng.randrange(len(changed) + 1)]))
