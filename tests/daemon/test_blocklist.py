"""The blocklist's file: plain and gzip, damaged, missing, changed while it runs."""

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.daemon.session_room import run, supervised, until
from torrentd.daemon import blocklist
from torrentd.daemon.blocklist import BlocklistFile, read_list
from torrentd.daemon.workers import Workers
from torrentd.wire.formats.blocks import Blocklist, Blocks

TEXT = b"one:192.0.2.1-192.0.2.9\ngarbage\n198.51.100.0/24\n"


class Room:
    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self.changes = 0

    def changed(self) -> None:
        self.changes += 1


@asynccontextmanager
async def opened(path: Path | None) -> AsyncIterator[tuple[BlocklistFile, Room]]:
    async with supervised() as tasks:
        workers, room = Workers("test", 1, tasks), Room(Blocks())
        file = BlocklistFile(room.blocks, lambda folder: workers, room.changed)
        file.use(path)
        tasks.spawn(file.run(), "blocklist")
        yield file, room


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocklist, "LOOK_S", 0.01)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "list"


@pytest.mark.parametrize("packed", [0, 1, 2])
def test_plain_or_gzip(path: Path, packed: int) -> None:
    path.write_bytes(gzip.compress(TEXT) * packed or TEXT)
    found = read_list(path)
    assert isinstance(found, Blocklist)
    assert len(found.hosts) == 2 and found.bad_lines >= 1 and found.first_bad == 2


def test_damage_is_a_sentence(path: Path) -> None:
    path.write_bytes(gzip.compress(TEXT * 1000)[:-30])
    assert read_list(path) == "its gzip data is cut short or damaged"
    path.write_bytes(b"\x1f\x8bnonsense")
    assert isinstance(read_list(path), str)
    assert read_list(path.parent) == "Is a directory"


def test_a_bomb_and_an_endless_line_are_bounded(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocklist, "BYTES_MAX", 100_000)
    path.write_bytes(gzip.compress(b"1.2.3.4\n" * 10**6))
    found = read_list(path)
    assert isinstance(found, Blocklist) and found.lines <= 100_000 // 8 + 1
    path.write_bytes(gzip.compress(b"x" * 50_000 + b"\n1.2.3.4\n"))
    found = read_list(path)
    assert isinstance(found, Blocklist) and (found.lines, found.bad_lines) == (2, 1)


def put(path: Path, data: bytes | None) -> None:
    """In one step, or away."""
    if data is None:
        path.unlink()
        return
    path.with_name("new").write_bytes(data)
    path.with_name("new").replace(path)


def test_it_is_read_again_when_it_has_changed(path: Path) -> None:
    async def scenario() -> None:
        put(path, TEXT)
        async with opened(path) as (file, room):
            await until(lambda: room.changes == 1)
            assert room.blocks.holds("192.0.2.5") and not room.blocks.holds("9.9.9.9")
            put(path, b"9.9.9.9\n")
            await until(lambda: room.changes == 2)
            assert room.blocks.holds("9.9.9.9") and not room.blocks.holds("192.0.2.5")
            assert file.warnings() == []
            file.use(None)
            assert room.changes == 3 and not room.blocks.holds("9.9.9.9")

    run(scenario())


def test_a_missing_file_is_a_warning_and_what_was_read_still_counts(path: Path) -> None:
    async def scenario() -> None:
        async with opened(path) as (file, room):
            await until(lambda: file.problem is not None)
            (warning,) = file.warnings()
            assert warning == (
                f"the blocklist {path} cannot be read: No such file or directory; "
                "nothing is blocked by it"
            )
            put(path, TEXT)
            await until(lambda: file.problem is None)
            put(path, None)
            await until(lambda: file.problem is not None)
            assert "the 2 ranges that were read before still count" in file.warnings()[0]
            assert room.blocks.holds("192.0.2.5")

    run(scenario())


def test_a_file_without_any_line_that_is_understood_is_a_warning(path: Path) -> None:
    async def scenario() -> None:
        put(path, b"<html>404</html>\n")
        async with opened(path) as (file, room):
            await until(lambda: room.changes == 1)
            assert file.warnings() == [f"the blocklist {path} has no line that is understood"]

    run(scenario())
