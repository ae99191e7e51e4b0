"""Adopting in a whole session: in place, linked, a dry run, and what is refused."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.daemon.session_room import (
    TIMEOUT_S,
    is_complete,
    lay_out,
    make_config,
    new_host,
    run,
    running,
)
from tests.wire.torrents import File, multi_file
from torrentd.daemon.adopting import Adoption, Request
from torrentd.daemon.session import Session
from torrentd.daemon.status import AddRequest, Refused
from torrentd.wire.formats.metainfo import encode_metainfo

RNG = random.Random(41)
TORRENT = multi_file(
    [File((b"a",), RNG.randbytes(50_000)), File((b"b",), RNG.randbytes(40_000))], 16384, b"name"
)
METAINFO = encode_metainfo(TORRENT.metadata)


def scattered(folder: Path) -> None:
    lay_out(TORRENT, folder)
    (folder / "name" / "a").rename(folder / "other name")


async def adopted(
    session: Session, folder: Path, *, into: Path | None = None, dry_run: bool = False
) -> Adoption:
    directory = str(into) if into is not None else None
    return await session.adopt(Request(METAINFO, [folder], directory, dry_run))


async def seeds(session: Session, adoption: Adoption) -> None:
    """The add that follows believes it only when it has hashed it."""
    request = AddRequest(metainfo=METAINFO, download_dir=adoption.download_dir)
    infohash = session.find((await session.add(request)).infohash)
    assert await session.wait(infohash, "done", TIMEOUT_S)
    assert session.torrent(infohash).downloaded_bytes == 0


def test_what_has_its_names_is_seeded_where_it_lies(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(make_config(tmp_path, new_host())) as session:
            old = tmp_path / "old"
            lay_out(TORRENT, old)
            adoption = await adopted(session, tmp_path)
            assert adoption.in_place and adoption.download_dir == str(old)
            assert adoption.found_bytes == adoption.size_bytes == 90_000
            await seeds(session, adoption)
            assert not (tmp_path / "downloads" / "name").exists()
            with pytest.raises(Refused, match="name is here already"):
                await adopted(session, tmp_path)

    run(scenario())


@pytest.mark.parametrize("into", [None, "films"])
def test_what_has_other_names_is_linked(tmp_path: Path, into: str | None) -> None:
    async def scenario() -> None:
        async with running(make_config(tmp_path, new_host())) as session:
            scattered(tmp_path / "old")
            target = tmp_path / (into or "downloads")
            chosen = target if into is not None else None
            looked = await adopted(session, tmp_path / "old", into=chosen, dry_run=True)
            assert not looked.in_place and [file.how for file in looked.files] == ["found"] * 2
            assert not (target / "name").exists(), "a dry run changes nothing"
            adoption = await adopted(session, tmp_path / "old", into=chosen)
            assert {file.how for file in adoption.files} <= {"reflink", "hard link"}
            await seeds(session, adoption)
            assert is_complete(TORRENT, target)
            assert (tmp_path / "old" / "other name").exists()

    run(scenario())


def test_nothing_is_found_and_that_is_told(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(make_config(tmp_path, new_host())) as session:
            (tmp_path / "old").mkdir()
            adoption = await adopted(session, tmp_path / "old")
            assert adoption.files == [] and adoption.found_bytes == 0
            assert adoption.download_dir == str(tmp_path / "downloads")

    run(scenario())


def test_what_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(make_config(tmp_path, new_host())) as session:
            with pytest.raises(Refused, match="is no folder"):
                await adopted(session, tmp_path / "absent")
            with pytest.raises(Refused, match="not a torrent"):
                await session.adopt(Request(b"garbage", [tmp_path], None, True))
            with pytest.raises(Refused, match="its own state"):
                await adopted(session, tmp_path, into=tmp_path / "state")

    run(scenario())


def test_one_at_a_time_and_none_waits(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(make_config(tmp_path, new_host())) as session:
            lay_out(TORRENT, tmp_path / "old")
            first = asyncio.ensure_future(adopted(session, tmp_path / "old", dry_run=True))
            await asyncio.sleep(0)
            with pytest.raises(Refused, match="try again when that is done"):
                await adopted(session, tmp_path / "old", dry_run=True)
            assert (await first).found_bytes == 90_000
            assert (await adopted(session, tmp_path / "old", dry_run=True)).in_place

    run(scenario())
