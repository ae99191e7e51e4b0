"""Room on the disks: who may write, who waits, and why (P11)."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import pytest

from torrentd.config.schema import Limits
from torrentd.daemon import free_space as free_space_module
from torrentd.daemon.free_space import Footprint, FreeSpace, Room, look_at
from torrentd.wire.formats.ids import InfoHash

MIB = 1024 * 1024
T = TypeVar("T")
DATA, OTHER = Path("/srv/data"), Path("/srv/other")


class Torrent:
    def __init__(self, number: int, lacking_mib: int, root: Path = DATA) -> None:
        self.infohash = InfoHash(bytes([number]) * 20)
        self.no_room: str | None = None
        self.holding = self
        self.root = root
        self.lacking_bytes = lacking_mib * MIB
        self.unallocated_bytes = self.lacking_bytes
        self.missing_files = 1
        self.told = 0

    @property
    def may_write(self) -> bool:
        return self.told > 0 and self.no_room is None

    def footprint(self) -> Footprint:
        return Footprint(self.unallocated_bytes, self.missing_files)

    def room_found(self, no_room: str | None) -> None:
        self.no_room = no_room
        self.told += 1

    def write(self, mib: int) -> None:
        self.lacking_bytes -= mib * MIB


class Machine:
    """Disks of 1000 MiB, of which 100 stay free, and threads that wait for `answer`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.torrents: list[Torrent] = []
        self.free_mib = 500
        self.inodes = 1000
        self.free_inodes = 1000
        self.gone = False
        self.jobs: list[Callable[[], None]] = []
        monkeypatch.setattr(free_space_module, "look_at", self.look_at)
        disk = SimpleNamespace(workers_for=lambda root: self)
        limits = Limits(free_bytes_min=100 * MIB, free_percent_min=5)
        self.space = FreeSpace(limits, disk, lambda: self.torrents)  # type: ignore[arg-type]  # a stand-in

    def submit(self, job: Callable[[], T], done: Callable[[T], None]) -> None:
        self.jobs.append(lambda: done(job()))

    def look_at(self, folder: Path) -> Room | None:
        if self.gone:
            return None
        return Room(1, 1000 * MIB, self.free_mib * MIB, self.inodes, self.free_inodes)

    def answer(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()

    def add(self, torrent: Torrent) -> Torrent:
        self.torrents.append(torrent)
        self.space.look(torrent.root)
        self.answer()
        return torrent

    def later(self) -> None:
        self.space.look_at_all()
        self.answer()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


class TestBeforeTheStart:
    def test_what_fits_beside_the_reserve_may_begin(self, machine: Machine) -> None:
        assert machine.add(Torrent(1, 400)).may_write

    def test_what_does_not_fit_waits_with_the_numbers(self, machine: Machine) -> None:
        assert machine.add(Torrent(1, 401)).no_room == (
            "/srv/data has 500 MiB free, of which 100 MiB stay free; the torrent needs 401 MiB"
        )

    def test_a_copy_must_fit_beside_what_has_begun(self, machine: Machine) -> None:
        machine.add(Torrent(1, 300))
        room = Room(1, 1000 * MIB, 500 * MIB)
        assert machine.space.refuse_copy(OTHER, room, 100 * MIB) is None
        assert machine.space.refuse_copy(OTHER, room, 101 * MIB) == (
            "/srv/other has 500 MiB free, of which 100 MiB stay free; 101 MiB are to be copied "
            "there beside the 300 MiB that others still need"
        )
        large = Room(2, 4000 * MIB, 500 * MIB)  # another disk, of which five percent are 200 MiB
        assert machine.space.refuse_copy(OTHER, large, 300 * MIB) is None
        assert machine.space.refuse_copy(OTHER, large, 301 * MIB) is not None

    def test_what_has_begun_can_be_finished(self, machine: Machine) -> None:
        first, second = machine.add(Torrent(1, 300)), machine.add(Torrent(2, 200, OTHER))
        assert first.may_write
        assert second.no_room == (
            "/srv/other has 500 MiB free, of which 100 MiB stay free; the torrent needs 200 MiB "
            "beside the 300 MiB that others still need"
        )
        first.write(300)
        machine.free_mib = 200
        machine.later()
        assert second.no_room is not None, "what is written is gone from both sides"
        machine.free_mib = 310
        machine.later()
        assert second.may_write

    def test_blocks_that_a_file_has_already_cost_nothing(self, machine: Machine) -> None:
        torrent = Torrent(1, 900)
        torrent.unallocated_bytes = 0
        assert machine.add(torrent).may_write

    def test_files_need_inodes(self, machine: Machine) -> None:
        machine.free_inodes = 250
        torrent = Torrent(1, 1)
        torrent.missing_files = 201
        assert machine.add(torrent).no_room == (
            "/srv/data has room for 250 files, of which 50 stay free; the torrent has 201 to make"
        )

    def test_where_inodes_are_not_counted_there_are_enough(self, machine: Machine) -> None:
        machine.inodes = machine.free_inodes = 0
        torrent = Torrent(1, 1)
        torrent.missing_files = 10**6
        assert machine.add(torrent).may_write

    def test_a_disk_that_does_not_say_is_tried(self, machine: Machine) -> None:
        machine.gone = True
        assert machine.add(Torrent(1, 10**6)).may_write

    def test_one_that_comes_while_a_disk_is_looked_at_is_looked_for_again(
        self, machine: Machine
    ) -> None:
        first, second = Torrent(1, 10), Torrent(2, 10)
        machine.torrents.append(first)
        machine.space.look(DATA)
        machine.torrents.append(second)
        machine.space.look(DATA)
        assert len(machine.jobs) == 1, "a disk that hangs takes one thread"
        machine.answer()
        assert first.may_write and second.may_write


class TestMeanwhile:
    def test_when_others_take_the_reserve_everyone_waits_and_goes_on(
        self, machine: Machine
    ) -> None:
        torrents = [machine.add(Torrent(1, 50)), machine.add(Torrent(2, 50, OTHER))]
        machine.free_mib = 99
        machine.later()
        assert torrents[0].no_room == "/srv/data has 99.0 MiB free, and 100 MiB stay free"
        assert not torrents[1].may_write
        for free_mib in (100, 109, 159):
            machine.free_mib = free_mib
            machine.later()
            assert not any(torrent.may_write for torrent in torrents), "hysteresis"
        machine.free_mib = 160
        machine.later()
        assert [torrent.may_write for torrent in torrents] == [True, False]
        machine.free_mib = 210
        machine.later()
        assert all(torrent.may_write for torrent in torrents)

    def test_inodes_run_out_likewise(self, machine: Machine) -> None:
        torrent = machine.add(Torrent(1, 50))
        machine.free_inodes = 49
        machine.later()
        assert torrent.no_room == "/srv/data has room for 49 files, and 50 stay free"
        machine.free_inodes = 60
        machine.later()
        assert torrent.may_write

    def test_one_that_is_done_or_paused_promises_nothing(self, machine: Machine) -> None:
        first, second = machine.add(Torrent(1, 400)), machine.add(Torrent(2, 300))
        assert not second.may_write
        first.lacking_bytes = 0
        machine.later()
        assert second.may_write

    def test_one_removed_and_added_again_may_write(self, machine: Machine) -> None:
        machine.torrents.remove(machine.add(Torrent(1, 300)))
        assert machine.add(Torrent(1, 300)).may_write

    def test_a_reserve_of_nothing_refuses_only_what_cannot_fit(self, machine: Machine) -> None:
        machine.space.limits = Limits(free_bytes_min=0, free_percent_min=0)
        machine.free_mib = 1
        assert machine.add(Torrent(1, 1)).may_write
        assert not machine.add(Torrent(2, 1)).may_write

    def test_the_greater_reserve_counts(self, machine: Machine) -> None:
        machine.space.limits = Limits(free_bytes_min=0, free_percent_min=50)
        assert not machine.add(Torrent(1, 1)).may_write


class TestLookAt:
    def test_the_nearest_folder_that_is_there_answers(self, tmp_path: Path) -> None:
        here, below = look_at(tmp_path), look_at(tmp_path / "not" / "yet" / "made")
        assert here is not None and below is not None
        assert here.device == below.device == tmp_path.stat().st_dev
        assert 0 < here.free_bytes < here.size_bytes

    def test_a_disk_that_fails_says_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(path: object) -> None:
            raise OSError(5, "input/output error")

        monkeypatch.setattr("os.statvfs", fail)
        assert look_at(Path("/")) is None
