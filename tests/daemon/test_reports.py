"""What is told of torrents, peers and files, against counting byte by byte."""

import errno
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.link_room import make_connection
from tests.daemon.session_room import (
    PORT,
    lay_out,
    make_config,
    new_host,
    run,
    running,
    seed,
    until,
)
from tests.wire.torrents import File, assorted, multi_file, single_file
from torrentd.daemon.reports import ETA_S_MAX, _eta_s, _file_done_bytes, _flags
from torrentd.daemon.stages import STAGES
from torrentd.daemon.status import AddRequest, Refused
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.geometry import FileLayout
from torrentd.wire.formats.metainfo import encode_metainfo

KIB = 1024
SMALL = single_file(random.Random(6).randbytes(100_000), 16 * KIB, b"small.bin")


class TestFilesDoneBytes:
    @given(
        st.lists(st.integers(0, 100), min_size=1, max_size=8).filter(any),
        st.integers(1, 50),
        st.randoms(use_true_random=False),
    )
    def test_every_byte_in_a_piece_we_have_counts_once(
        self, lengths: list[int], piece_length: int, rng: random.Random
    ) -> None:
        files = [File((b"%d" % i,), bytes(length)) for i, length in enumerate(lengths)]
        info = multi_file(files, piece_length).info
        have = Bitfield(info.geometry.piece_count)
        for piece_index in range(len(have)):
            if rng.random() < 0.5:
                have.set(piece_index)
        layout = FileLayout(info.geometry, lengths)
        start = 0
        for file_index, length in enumerate(lengths):
            expected = sum(have[at // piece_length] for at in range(start, start + length))
            assert _file_done_bytes(layout, have, file_index) == expected
            start += length


class TestEta:
    def test_the_guess_is_what_is_missing_at_the_present_rate(self) -> None:
        assert _eta_s(1000, 10) == 100

    def test_there_is_no_guess_without_a_rate_or_when_nothing_is_missing(self) -> None:
        assert _eta_s(1000, 0) is None
        assert _eta_s(0, 10) is None

    def test_a_guess_of_more_than_a_hundred_days_is_none(self) -> None:
        assert _eta_s(ETA_S_MAX, 1) == ETA_S_MAX
        assert _eta_s(ETA_S_MAX + 1, 1) is None


class TestFlags:
    @pytest.mark.parametrize(("choking", "flags"), [(False, "DUH"), (True, "duH")])
    def test_capitals_are_for_who_may_and_small_letters_for_who_waits(
        self, choking: bool, flags: str
    ) -> None:
        connection = make_connection()
        connection.am_interested = connection.peer_interested = True
        connection.am_choking = connection.peer_choking = choking
        assert _flags(connection, "dht") == flags

    def test_who_wants_nothing_has_no_letter_for_it(self) -> None:
        assert _flags(make_connection(outgoing=False), "pex") == "IX"


class TestMagnets:
    def test_the_stage_is_the_first_thing_missing(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                alone = session.find((await session.add(AddRequest(magnet="ab" * 20))).infohash)
                known = AddRequest(magnet="cd" * 20, peers=[f"{new_host()}:{PORT}"])
                other = session.find((await session.add(known)).infohash)
                assert session.torrent(alone).stage == "peers", "without a DHT"
                assert session.torrent(other).stage == "handshakes"
                assert [*session.torrent(other).stages_s] == ["dht", "peers", "handshakes"]
                await session.pause(alone)
                assert session.torrent(alone).stage is None

        run(scenario())

    def test_without_a_node_the_stage_is_the_dht_until_one_answers(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host = new_host()
            alone = make_config(tmp_path / "a", host, bootstrap=())
            async with running(alone) as session:
                infohash = session.find((await session.add(AddRequest(magnet="ab" * 20))).infohash)
                assert session.torrent(infohash).stage == "dht"
                other = make_config(tmp_path / "b", new_host(), bootstrap=(f"{host}:{PORT}",))
                async with running(other):
                    await until(lambda: session.torrent(infohash).stage == "peers")
                    told = session.torrent(infohash).stages_s
                    assert told["dht"] > 0 and [*told] == ["dht", "peers"]

        run(scenario())

    def test_after_the_metadata_each_stage_has_its_time(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            host = new_host()
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host())) as leecher,
            ):
                infohash = await seed(seeder, SMALL, tmp_path / "source")
                assert seeder.torrent(infohash).stages_s == {}, "no magnet"
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                assert await leecher.wait(infohash, "metadata", 20)
                told = leecher.torrent(infohash)
                assert told.stage is None and [*told.stages_s] == [*STAGES]

        run(scenario())

    def test_before_the_metadata_nothing_is_claimed(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = session.find((await session.add(AddRequest(magnet="ab" * 20))).infohash)
                told = session.info(infohash)
                assert (told.status.progress, told.status.size_bytes) == (0.0, 0)
                assert (told.piece_count, told.file_count) == (0, 0)
                assert told.files_root == str(tmp_path / "downloads")
                assert session.files(infohash) == []
                with pytest.raises(Refused, match="not known yet"):
                    session.metainfo(infohash)

        run(scenario())


class TestData:
    def test_a_piece_that_is_bad_is_missing_from_all_numbers(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            lay_out(SMALL, tmp_path / "downloads")
            path = tmp_path / "downloads" / "small.bin"
            with path.open("r+b") as file:
                file.seek(20_000)
                file.write(b"somebody was here")
            async with running(make_config(tmp_path, new_host())) as session:
                request = AddRequest(metainfo=encode_metainfo(SMALL.metadata))
                infohash = session.find((await session.add(request)).infohash)
                await until(lambda: session.torrent(infohash).state == "downloading")
                told = session.info(infohash)
                done_bytes = 100_000 - 16 * KIB
                assert (told.piece_count, told.pieces_had) == (7, 6)
                assert told.status.done_bytes == done_bytes
                assert told.status.progress == pytest.approx(done_bytes / 100_000)
                assert [file.done_bytes for file in session.files(infohash)] == [done_bytes]
                assert told.files_root == str(path)
                assert session.metainfo(infohash) == encode_metainfo(SMALL.metadata)
                pieces = session.pieces(infohash)
                assert (pieces.piece_count, pieces.have, pieces.here) == (7, "be", "00")

        run(scenario())

    def test_padding_is_no_file_and_the_others_keep_their_numbers(self, tmp_path: Path) -> None:
        async def scenario() -> None:
            torrent = assorted()
            async with running(make_config(tmp_path, new_host())) as session:
                infohash = await seed(session, torrent, tmp_path / "source")
                told = {status.index: status for status in session.files(infohash)}
                pads = [i for i, file in enumerate(torrent.info.files) if file.pad]
                assert pads and not set(pads) & set(told)
                for index, status in told.items():
                    length = torrent.info.files[index].length
                    assert (status.size_bytes, status.done_bytes) == (length, length)

        run(scenario())


class TestPeers:
    def test_both_sides_tell_of_each_other(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The leecher's disk is full, which keeps the two together until we have looked."""

        def full(*arguments: object) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "pwrite", full)

        async def scenario() -> None:
            host = new_host()
            async with (
                running(make_config(tmp_path / "a", host)) as seeder,
                running(make_config(tmp_path / "b", new_host())) as leecher,
            ):
                infohash = await seed(seeder, SMALL, tmp_path / "source")
                await leecher.add(AddRequest(magnet=infohash.hex(), peers=[f"{host}:{PORT}"]))
                await until(lambda: leecher.torrent(infohash).state == "error")
                [source], [sink] = leecher.peers(infohash), seeder.peers(infohash)
                assert (source.address, source.source) == (f"{host}:{PORT}", "manual")
                assert (source.progress, sink.progress) == (1.0, 0.0)
                assert "I" not in source.flags and "D" in source.flags
                assert "I" in sink.flags and "U" in sink.flags and sink.source == "incoming"
                assert leecher.torrent(infohash).seeds_connected == 1
                assert seeder.torrent(infohash).seeds_connected == 0
                assert leecher.status().peers_connected == seeder.status().peers_connected == 1

        run(scenario())
