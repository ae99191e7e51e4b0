"""Torrents whose data is moved or renamed: there, whole and believed, whatever interrupts it."""

import errno
import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.daemon.session_room import (
    PORT,
    TIMEOUT_S,
    is_complete,
    make_config,
    new_host,
    run,
    running,
    seed,
    until,
)
from tests.wire.torrents import File, multi_file, single_file
from torrentd.config.schema import Limits
from torrentd.daemon import moving as moving_module
from torrentd.daemon.file_choice import FileChoice
from torrentd.daemon.free_space import Room
from torrentd.daemon.moving import renamed
from torrentd.daemon.status import AddRequest, Refused
from torrentd.wire.formats.metainfo import encode_metainfo
from torrentd.wire.store import resume
from torrentd.wire.store.api import StoreError
from torrentd.wire.store.relocation import Relocation
from torrentd.wire.store.resume import Place
from torrentd.wire.store.verify import Check

RNG = random.Random(9)
TORRENT = multi_file(
    [
        File((b"a.bin",), RNG.randbytes(100_000)),
        File((b"sub", b"b.bin"), RNG.randbytes(50_000)),
        File((b"empty",), b""),
    ],
    16384,
    b"data",
)
SINGLE = single_file(RNG.randbytes(50_000), 16384, b"single.bin")


@pytest.fixture(autouse=True)
def hashes_nothing(monkeypatch: pytest.MonkeyPatch) -> list[Check]:
    """What is moved is believed: a check that runs is told here."""
    checks: list[Check] = []
    once = Check.run

    def counted(check: Check) -> None:
        checks.append(check)
        once(check)

    monkeypatch.setattr(Check, "run", counted)
    return checks


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every two folders are on two file systems."""
    rename = os.rename

    def across(source: str, target: str, **folders: int | None) -> None:
        if folders.get("src_dir_fd") != folders.get("dst_dir_fd"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        rename(source, target, **folders)

    monkeypatch.setattr(os, "rename", across)
    monkeypatch.setattr(moving_module, "_is_elsewhere", lambda here, there: True)


def moves(tmp_path: Path, checks: list[Check]) -> None:
    """A seed is moved, seeds from there, and is there after a restart."""

    async def scenario() -> None:
        host, new = new_host(), tmp_path / "new" / "place"
        config = make_config(tmp_path / "a", host)
        async with running(config) as session:
            infohash = await seed(session, TORRENT, tmp_path / "source")
            checks.clear()
            await session.move(infohash, str(new))
            assert await session.wait(infohash, "done", TIMEOUT_S)
            assert session.torrent(infohash).download_dir == str(new)
            assert is_complete(TORRENT, new)
            await until(lambda: list((tmp_path / "source").iterdir()) == [])
            async with running(make_config(tmp_path / "b", new_host())) as leecher:
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
        async with running(config) as session:
            assert await session.wait(infohash, "done", TIMEOUT_S)
            assert session.torrent(infohash).download_dir == str(new)
            assert checks == [], "not a byte was hashed again"
            await session.remove(infohash, fate="deleted")
            assert list(new.iterdir()) == []

    run(scenario())


class TestMove:
    def test_within_a_file_system(self, tmp_path: Path, hashes_nothing: list[Check]) -> None:
        moves(tmp_path, hashes_nothing)

    @pytest.mark.usefixtures("apart")
    def test_to_another_file_system(self, tmp_path: Path, hashes_nothing: list[Check]) -> None:
        moves(tmp_path, hashes_nothing)

    def test_in_the_middle_of_a_download(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host, new = new_host(), tmp_path / "new"
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host())) as leecher,
            ):
                infohash = await seed(seeder, TORRENT, tmp_path / "source")
                peers = [f"{host}:{PORT}"]
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=peers, select=["0"]))
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                before = leecher.torrent(infohash).downloaded_bytes
                leecher.choose_files(infohash, FileChoice(also=["*"]))
                await leecher.move(infohash, str(new))
                await leecher.add_peer(infohash, peers[0])
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                moved = leecher.torrent(infohash).downloaded_bytes - before
                # what was on its way when the peers were sent away comes twice, what was had never
                assert moved < len(TORRENT.content), "what was had is not fetched again"
            assert is_complete(TORRENT, new)

        run(scenario())

    @pytest.mark.parametrize("done", [0, 1, 2, 3])
    def test_a_start_goes_on_with_what_a_kill_interrupted(
        self, tmp_path: Path, done: int, hashes_nothing: list[Check]
    ) -> None:
        """Some files were there already."""

        async def scenario() -> None:
            config, new = make_config(tmp_path, new_host()), tmp_path / "new"
            async with running(config) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
            path = tmp_path / "state" / "torrents" / f"{infohash.hex()}.resume"
            state = resume.load(path).state
            assert state is not None
            resume.save(path, replace(state, moving_to=Place(str(new), state.names)))
            for name in state.names[:done]:
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / "source" / name).rename(new / name)
            hashes_nothing.clear()
            async with running(config) as session:
                assert await session.wait(infohash, "done", TIMEOUT_S)
                assert session.torrent(infohash).download_dir == str(new)
                facts = session._torrents[infohash]
                await until(lambda: facts._state.moved_from is None)
            assert is_complete(TORRENT, new) and hashes_nothing == []
            state = resume.load(path).state
            assert state is not None and (state.moving_to, state.moved_from) == (None, None)

        run(scenario())

    def test_a_start_removes_what_was_copied(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                infohash = await seed(session, SINGLE, tmp_path / "source")
            (tmp_path / "old").mkdir()
            left = tmp_path / "old" / "single.bin"
            left.write_bytes(SINGLE.content)
            path = tmp_path / "state" / "torrents" / f"{infohash.hex()}.resume"
            state = resume.load(path).state
            assert state is not None
            resume.save(path, replace(state, moved_from=Place(str(left.parent), state.names)))
            async with running(config) as session:
                await until(lambda: not left.exists())
                assert await session.wait(infohash, "done", TIMEOUT_S)
            assert is_complete(SINGLE, tmp_path / "source")

        run(scenario())

    def test_before_anything_is_there_only_the_folder_changes(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                infohash = session.find((await session.add(AddRequest(magnet="ab" * 20))).infohash)
                await session.move(infohash, str(tmp_path / "new"))
            async with running(config) as session:
                assert session.torrent(infohash).download_dir == str(tmp_path / "new")

        run(scenario())

    def test_what_cannot_be_done_is_refused_and_changes_nothing(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = await seed(session, SINGLE, tmp_path / "source")
                await session.add(AddRequest(metainfo=encode_metainfo(SINGLE.metadata)))
                twin = single_file(SINGLE.content[::-1], 16384, b"single.bin")
                other = await seed(session, twin, tmp_path / "taken")
                (tmp_path / "full").mkdir()
                (tmp_path / "full" / "single.bin").write_bytes(b"precious")
                for folder, sentence in (
                    (str(tmp_path / "source"), "already"),
                    (str(tmp_path / "taken"), f"torrent {other.hex()} has files of that name"),
                    (str(tmp_path / "full"), "a file is there already"),
                    (str(tmp_path / "state" / "x"), "its own state"),
                    ("here", "absolute"),
                    ("/proc/none", "/proc/none"),
                ):
                    with pytest.raises(Refused, match=sentence):
                        await session.move(infohash, folder)
                    assert session.torrent(infohash).state == "seeding"
                    assert session.torrent(infohash).download_dir == str(tmp_path / "source")
                await session.move(infohash, str(tmp_path / "free"))
                assert (tmp_path / "full" / "single.bin").read_bytes() == b"precious"

        run(scenario())

    @pytest.mark.parametrize("noticed", [False, True])
    def test_what_the_user_moved_himself_is_hashed_where_it_is_now(
        self, tmp_path: Path, hashes_nothing: list[Check], noticed: bool
    ) -> None:
        config = make_config(tmp_path, new_host())

        async def scenario() -> None:
            async with running(config) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
                (tmp_path / "new").mkdir()
                (tmp_path / "source" / "data").rename(tmp_path / "new" / "data")
                if noticed:
                    await session.verify(infohash)
                    await until(lambda: session.torrent(infohash).state == "downloading")
                hashes_nothing.clear()
                await session.move(infohash, str(tmp_path / "new"))
                assert await session.wait(infohash, "done", TIMEOUT_S)
                assert hashes_nothing, "nothing is believed"
                assert session.torrent(infohash).download_dir == str(tmp_path / "new")
            async with running(config) as session:
                assert await session.wait(infohash, "done", TIMEOUT_S)
                await session.remove(infohash, fate="deleted")
            assert list((tmp_path / "new").iterdir()) == []

        run(scenario())

    def test_what_lies_there_and_is_another_file_is_not_taken(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = await seed(session, SINGLE, tmp_path / "source")
                (tmp_path / "source" / "single.bin").unlink()
                (tmp_path / "new").mkdir()
                (tmp_path / "new" / "single.bin").write_bytes(b"precious" * 6250)
                await session.move(infohash, str(tmp_path / "new"))
                await until(lambda: session.torrent(infohash).state == "error")
                assert "nothing of this torrent" in str(session.torrent(infohash).error)
                await session.remove(infohash, fate="deleted")
            assert (tmp_path / "new" / "single.bin").read_bytes() == b"precious" * 6250

        run(scenario())

    def test_what_does_not_fit_there_beside_the_reserve_is_not_begun(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Of 10,000 bytes 20 percent stay free."""
        free = [5000]
        monkeypatch.setattr(Relocation, "check", lambda relocation: 3001)
        monkeypatch.setattr(moving_module, "look_at", lambda folder: Room(99, 10_000, free[0]))
        config = make_config(tmp_path, new_host(), limits=Limits(free_percent_min=20))

        async def scenario() -> None:
            async with running(config) as session:
                infohash = await seed(session, SINGLE, tmp_path / "source")
                with pytest.raises(Refused, match=r"free, of which .* stay free; .* to be copied"):
                    await session.move(infohash, str(tmp_path / "new"))
                assert is_complete(SINGLE, tmp_path / "source")
                free[0] = 5001
                await session.move(infohash, str(tmp_path / "new"))
                assert is_complete(SINGLE, tmp_path / "new")

        run(scenario())

    def test_one_that_fails_on_its_way_goes_on_when_it_is_resumed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rename, broken = os.rename, [True]

        def failing(source: str, target: str, **folders: int | None) -> None:
            if broken[0] and source == "b.bin":
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            rename(source, target, **folders)

        monkeypatch.setattr(os, "rename", failing)

        async def scenario() -> None:
            new = tmp_path / "new"
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
                with pytest.raises(Refused, match="cannot be moved"):
                    await session.move(infohash, str(new))
                assert session.torrent(infohash).state == "error"
                assert (new / "data" / "a.bin").exists(), "half of it is there"
                broken[0] = False
                await session.resume(infohash)
                assert await session.wait(infohash, "done", TIMEOUT_S)
            assert is_complete(TORRENT, new)

        run(scenario())


class TestNoRecord:
    def test_what_cannot_be_put_on_record_is_not_begun(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        full, save = [True], resume.save

        def failing(path: Path, state: resume.ResumeState) -> None:
            if full[0] and state.moving_to is not None:
                raise StoreError(path, "input/output error")
            save(path, state)

        monkeypatch.setattr(resume, "save", failing)

        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = await seed(session, SINGLE, tmp_path / "source")
                with pytest.raises(Refused, match="its files stay where they are"):
                    await session.move(infohash, str(tmp_path / "new"))
                assert is_complete(SINGLE, tmp_path / "source")
                full[0] = False
                await session.resume(infohash)
                assert await session.wait(infohash, "done", TIMEOUT_S)
                await session.move(infohash, str(tmp_path / "new"))
            assert is_complete(SINGLE, tmp_path / "new")

        run(scenario())


class TestRename:
    def test_a_file_a_folder_and_the_torrent(
        self, tmp_path: Path, hashes_nothing: list[Check]
    ) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            async with running(config) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
                hashes_nothing.clear()
                await session.rename(infohash, None, "A name")
                await session.rename(infohash, "a.bin", "first.bin")
                assert await session.wait(infohash, "done", TIMEOUT_S)
                await session.rename(infohash, "data/sub", "below")
                assert await session.wait(infohash, "done", TIMEOUT_S)
                await session.rename(infohash, "data", "other")
                assert await session.wait(infohash, "done", TIMEOUT_S)
            async with running(config) as session:
                assert await session.wait(infohash, "done", TIMEOUT_S)
                await session.wake(infohash)
                assert session.torrent(infohash).name == "A name"
                paths = [file.path for file in session.files(infohash)]
                assert paths == ["other/first.bin", "other/below/b.bin", "other/empty"]
            assert hashes_nothing == []
            found = [p for p in (tmp_path / "source").rglob("*") if p.is_file()]
            assert len(found) == 3

        run(scenario())

    @pytest.mark.parametrize("name", ["..", "a/b", "", "\x07", "sub"])
    def test_what_is_no_name_is_refused(self, tmp_path: Path, name: str) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
                with pytest.raises(Refused):
                    await session.rename(infohash, "a.bin", name)
                assert session.torrent(infohash).state == "seeding"

        run(scenario())


NAMES = ["r/a", "", "r/d/b", "r/d/c", "r/da"]


@pytest.mark.parametrize(
    ("path", "name", "names"),
    [
        ("r/a", "x", ("r/x", "", "r/d/b", "r/d/c", "r/da")),
        ("r/d", "x", ("r/a", "", "r/x/b", "r/x/c", "r/da")),
        ("r", "x", ("x/a", "", "x/d/b", "x/d/c", "x/da")),
        ("r/d/c", "a", ("r/a", "", "r/d/b", "r/d/a", "r/da")),
    ],
)
def test_names_after_a_rename(path: str, name: str, names: tuple[str, ...]) -> None:
    assert renamed(NAMES, path, name) == names


@pytest.mark.parametrize(
    ("path", "name"), [("r/e", "x"), ("r/a", "da"), ("r/a", "d"), ("r/d", "a"), ("", "x")]
)
def test_names_that_are_not_there_or_taken(path: str, name: str) -> None:
    with pytest.raises(Refused):
        renamed(NAMES, path, name)


class TestIncomplete:
    def test_a_download_moves_home_when_it_is_done_and_is_told_as_done_there(
        self, tmp_path: Path
    ) -> None:
        async def scenario() -> None:
            host, home, meanwhile = new_host(), tmp_path / "home", tmp_path / "meanwhile"
            config = make_config(tmp_path / "b", new_host())
            config = config.model_copy(update={"incomplete_dir": meanwhile})
            async with running(make_config(tmp_path / "a", host)) as seeder:
                infohash = await seed(seeder, TORRENT, tmp_path / "source")
                async with running(config) as leecher:
                    request = AddRequest(magnet=infohash.hex(), download_dir=str(home))
                    await leecher.add(request)
                    assert leecher.torrent(infohash).download_dir == str(meanwhile)
                async with running(config) as leecher:
                    await leecher.add_peer(infohash, f"{host}:{PORT}")
                    assert await leecher.wait(infohash, "done", TIMEOUT_S)
                    assert leecher.torrent(infohash).download_dir == str(home)
                    assert is_complete(TORRENT, home)
                    await until(lambda: list(meanwhile.iterdir()) == [])
                    entries = await leecher.journal.after(0, 0.0)
            done = [entry.event for entry in entries if entry.event["event"] == "done"]
            assert [each["dir"] for each in done] == [str(home)]

        run(scenario())

    def test_what_is_at_home_already_stays_there(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            config = make_config(tmp_path, new_host())
            config = config.model_copy(update={"incomplete_dir": tmp_path / "meanwhile"})
            async with running(config) as session:
                infohash = await seed(session, TORRENT, tmp_path / "source")
                assert session.torrent(infohash).download_dir == str(tmp_path / "source")
                assert session.options(infohash).final_dir == ""
            assert not (tmp_path / "meanwhile").exists()

        run(scenario())

    def test_where_something_is_in_the_way_it_stays_and_seeds(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host, meanwhile = new_host(), tmp_path / "meanwhile"
            config = make_config(tmp_path / "b", new_host())
            config = config.model_copy(update={"incomplete_dir": meanwhile})
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(config) as leecher,
            ):
                infohash = await seed(seeder, SINGLE, tmp_path / "source")
                await leecher.add(AddRequest(metainfo=encode_metainfo(SINGLE.metadata)))
                await until(lambda: leecher._torrents[infohash].opened)
                (tmp_path / "b" / "downloads").mkdir()
                (tmp_path / "b" / "downloads" / "single.bin").write_bytes(b"precious")
                await leecher.add_peer(infohash, f"{host}:{PORT}")
                assert await leecher.wait(infohash, "done", TIMEOUT_S)
                assert leecher.torrent(infohash).state == "seeding"
                assert is_complete(SINGLE, meanwhile)

        run(scenario())
