"""The info dictionary fetched from peers, some of whom lie (BEP 9; security M1 to M6)."""

import random
from hashlib import sha1

import pytest

from tests.wire.swarm.stand_ins import stand_in
from torrentd.wire.formats.extension import ExtensionHandshake
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.metadata import (
    METADATA_PIECE_BYTES,
    MetadataData,
    MetadataRequest,
    decode_metadata,
)
from torrentd.wire.swarm.info_download import (
    AHEAD_PIECES,
    ANSWER_S,
    ATTEMPTS_MAX,
    REQUESTS_MAX,
    TURN_S,
    USUAL_NUMBER,
    InfoDownload,
)
from torrentd.wire.swarm.peer import Peer

METADATA = random.Random(9).randbytes(150_000)  # ten pieces, the last of 2,544 bytes
PIECES = 10
INFOHASH = InfoHash(sha1(METADATA).digest())
SIZE_MAX = 32 * 1024 * 1024


def peer_of(number: int) -> Peer:
    """One that understands ut_metadata, by the number 3."""
    peer = stand_in(number)
    peer.connection.data_to_send()
    peer.connection.extension = ExtensionHandshake({"ut_metadata": 3})
    return peer


def asked(peer: Peer) -> list[int]:
    """The pieces it was asked for since the last time."""
    pieces = []
    for message in peer.connection.data_to_send():
        decoded = decode_metadata(bytes(message[6:]))
        assert isinstance(decoded, MetadataRequest)
        pieces.append(decoded.piece)
    return pieces


def part(metadata: bytes, piece: int) -> MetadataData:
    begin = piece * METADATA_PIECE_BYTES
    return MetadataData(piece, len(metadata), metadata[begin : begin + METADATA_PIECE_BYTES])


def give(download: InfoDownload, peer: Peer, now: float, metadata: bytes = METADATA) -> str | None:
    """Answers everything it is asked for."""
    while pieces := asked(peer):
        for piece in pieces:
            reason = download.receive(peer, part(metadata, piece), now)
            if reason is not None:
                return reason
    return None


def download_of() -> InfoDownload:
    return InfoDownload(INFOHASH, SIZE_MAX)


def lie(number: int) -> bytes:
    return random.Random(number).randbytes(len(METADATA))


class TestOnePeer:
    def test_it_is_asked_for_all_pieces_a_few_at_a_time(self) -> None:
        download, peer = download_of(), peer_of(1)
        download.offer(peer, len(METADATA), 0.0)
        assert asked(peer) == list(range(REQUESTS_MAX))
        download.receive(peer, part(METADATA, 0), 0.1)
        assert asked(peer) == [REQUESTS_MAX]
        assert download.progress() == 1 / PIECES

    def test_the_whole_is_checked_against_the_infohash(self) -> None:
        download, peer = download_of(), peer_of(1)
        download.offer(peer, len(METADATA), 0.0)
        assert give(download, peer, 0.1) is None
        assert download.metadata == METADATA
        assert not download.is_active
        assert download.next_deadline() is None

    def test_a_dropped_request_is_asked_again(self) -> None:
        """The trap of "stuck at 50 % until a restart"."""
        download, peer = download_of(), peer_of(1)
        download.offer(peer, len(METADATA), 0.0)
        asked(peer)
        download.receive(peer, part(METADATA, 0), 1.0)
        asked(peer)
        assert download.next_deadline() == 1.0 + ANSWER_S
        download.tick(1.0 + ANSWER_S)
        assert asked(peer) == [1, 2, 3, 4]
        for piece in (1, 2, 3, 4):
            download.receive(peer, part(METADATA, piece), 5.0)
        give(download, peer, 5.0)
        assert download.metadata == METADATA

    def test_one_that_rejects_is_left_alone_for_a_while_and_goes_on_where_it_was(self) -> None:
        download, peer = download_of(), peer_of(1)
        download.offer(peer, len(METADATA), 0.0)
        asked(peer)
        download.receive(peer, part(METADATA, 0), 0.0)
        download.rejected(peer, 1, 0.0)
        asked(peer)
        assert not download.is_active
        deadline = download.next_deadline()
        assert deadline is not None and 1.0 < deadline < 60.0
        download.tick(deadline)
        again = asked(peer)
        assert 1 in again and 0 not in again
        for piece in again:
            download.receive(peer, part(METADATA, piece), deadline)
        give(download, peer, deadline)
        assert download.metadata == METADATA


class TestManyPeers:
    def test_three_are_asked_at_once_each_for_all_of_it(self) -> None:
        download = download_of()
        peers = [peer_of(n) for n in range(5)]
        for peer in peers:
            download.offer(peer, len(METADATA), 0.0)
        assert [asked(peer) for peer in peers] == [list(range(REQUESTS_MAX))] * ATTEMPTS_MAX + [
            [],
            [],
        ]

    def test_pieces_of_several_peers_are_never_mixed(self) -> None:
        """M3: there is no hash of a piece, so a mixture could not name its liar."""
        download = download_of()
        liar, honest = peer_of(1), peer_of(2)
        for peer in (liar, honest):
            download.offer(peer, len(METADATA), 0.0)
        asked(honest)
        for piece in range(REQUESTS_MAX):
            download.receive(honest, part(METADATA, piece), 0.0)
        assert give(download, liar, 0.1, lie(1)) == "metadata that does not match the infohash"
        assert give(download, honest, 0.2) is None
        assert download.metadata == METADATA

    def test_a_liar_is_not_asked_again_on_a_new_connection(self) -> None:
        download = download_of()
        liar = peer_of(1)
        download.offer(liar, len(METADATA), 0.0)
        assert give(download, liar, 0.1, lie(1))
        back = peer_of(1)
        download.offer(back, len(METADATA), 1.0)
        assert asked(back) == []

    def test_one_that_does_not_answer_makes_way_after_three_seconds(self) -> None:
        download = download_of()
        silent = [peer_of(n) for n in range(ATTEMPTS_MAX)]
        for peer in silent:
            download.offer(peer, len(METADATA), 0.0)
        honest = peer_of(9)
        download.offer(honest, len(METADATA), 0.5)
        assert asked(honest) == []
        assert download.next_deadline() == ANSWER_S
        download.tick(ANSWER_S)
        assert give(download, honest, ANSWER_S) is None
        assert download.metadata == METADATA

    def test_one_that_drips_makes_way_after_its_turn_and_keeps_what_it_sent(self) -> None:
        download = download_of()
        drips = [peer_of(n) for n in range(ATTEMPTS_MAX)]
        for peer in drips:
            download.offer(peer, len(METADATA), 0.0)
        honest = peer_of(9)
        download.offer(honest, len(METADATA), 0.0)
        now = 0.0
        while not asked(honest):
            now += 2.0
            assert now <= TURN_S + 2.0
            for peer in drips:
                for piece in asked(peer)[:1]:
                    download.receive(peer, part(METADATA, piece), now)
            download.tick(now)
        assert download.progress() > 0.3

    def test_the_last_answer_may_come_from_one_that_is_not_asked_any_more(self) -> None:
        download = download_of()
        peers = [peer_of(n) for n in range(ATTEMPTS_MAX + 1)]
        for peer in peers:
            download.offer(peer, 2_000, 0.0)
        small = METADATA[:2_000]
        download._infohash = InfoHash(sha1(small).digest())
        download.tick(ANSWER_S)
        assert download.receive(peers[0], part(small, 0), ANSWER_S + 1) is None
        assert download.metadata == small

    def test_who_leaves_makes_room(self) -> None:
        download = download_of()
        peers = [peer_of(n) for n in range(ATTEMPTS_MAX + 1)]
        for peer in peers:
            download.offer(peer, len(METADATA), 0.0)
        download.leave(peers[0], 0.0)
        assert asked(peers[-1])


class TestClaims:
    @pytest.mark.parametrize("size", [None, 0, -1, SIZE_MAX + 1, 2**31, 2_038_487_152])
    def test_a_size_that_cannot_be_is_no_offer(self, size: int | None) -> None:
        download, peer = download_of(), peer_of(1)
        download.offer(peer, size, 0.0)
        assert asked(peer) == []
        assert download.next_deadline() is None

    def test_a_great_claim_takes_no_memory(self) -> None:
        download, peer = download_of(), peer_of(1)
        download.offer(peer, SIZE_MAX, 0.0)
        (source,) = download._sources.values()
        assert source.pieces == {} and len(source.asked) == REQUESTS_MAX

    def test_the_size_that_most_claim_comes_first(self) -> None:
        download = download_of()
        for n in range(ATTEMPTS_MAX):
            download.offer(peer_of(n), 1_000 + n, 0.0)  # they hold the turns
        odd, even, other = peer_of(10), peer_of(11), peer_of(12)
        download.offer(odd, 999, 0.0)
        download.offer(even, len(METADATA), 0.0)
        download.offer(other, len(METADATA), 0.0)
        first = next(iter(download._sources))
        download.leave(first, 0.0)
        assert (asked(odd), bool(asked(even))) == ([], True)

    def test_a_claim_that_changes_begins_anew(self) -> None:
        download, peer = download_of(), peer_of(1)
        download.offer(peer, 20_000, 0.0)
        asked(peer)
        download.offer(peer, len(METADATA), 1.0)
        assert give(download, peer, 1.0) is None
        assert download.metadata == METADATA

    def test_data_of_another_size_or_not_asked_for_is_not_taken(self) -> None:
        download, peer = download_of(), peer_of(1)
        download.offer(peer, len(METADATA), 0.0)
        wrong = MetadataData(0, len(METADATA) + 1, bytes(METADATA_PIECE_BYTES))
        reasons = [download.receive(peer, wrong, 0.0)]
        reasons += [download.receive(peer, part(METADATA, 9), 0.0) for _ in range(4)]
        assert reasons == [None] * 4 + ["unrequested metadata"]
        assert download.progress() == 0.0

    def test_what_the_waiting_sent_is_bounded(self) -> None:
        download = InfoDownload(INFOHASH, 200_000)
        peers = [peer_of(n) for n in range(8)]
        for peer in peers:
            download.offer(peer, len(METADATA), 0.0)
        now = 0.0
        for _ in range(40):
            now += ANSWER_S
            for peer in peers:
                for piece in asked(peer)[:2]:
                    if piece < PIECES - 1:
                        download.receive(peer, part(METADATA, piece), now)
            download.tick(now)
            kept = sum(
                sum(map(len, source.pieces.values()))
                for source in download._sources.values()
                if not source.active
            )
            assert kept <= 200_000 + 3 * len(METADATA)


def test_nine_of_ten_lie_and_the_metadata_is_there_in_half_a_minute() -> None:
    """T18, a hundred orders of arrival: silent, rejecting, other size, corrupt, dripping."""
    for seed in range(100):
        rng = random.Random(seed)
        download = download_of()
        honest = peer_of(0)
        kinds: dict[Peer, str] = {honest: "honest"}
        for number in range(1, 10):
            kinds[peer_of(number)] = rng.choice(["silent", "reject", "size", "corrupt", "drip"])
        order = list(kinds)
        rng.shuffle(order)
        for peer in order:
            size = len(METADATA) + (7 if kinds[peer] == "size" else 0)
            download.offer(peer, size, 0.0)
        now = 0.0
        named = []
        while download.progress() or download._sources:
            now += 0.1
            assert now < 30.0, "too late"
            for peer in list(download._sources):
                reason = answer_as(download, peer, kinds[peer], now)
                if reason is not None:
                    named.append(peer)
                    download.leave(peer, now)
            download.tick(now)
        assert download.metadata == METADATA
        assert honest not in named
        assert all(kinds[peer] in ("corrupt", "size") for peer in named)


def answer_as(download: InfoDownload, peer: Peer, kind: str, now: float) -> str | None:
    pieces = asked(peer)
    for piece in pieces:
        reason = None
        match kind:
            case "honest":
                reason = download.receive(peer, part(METADATA, piece), now)
            case "reject":
                download.rejected(peer, piece, now)
            case "corrupt":
                reason = download.receive(peer, part(lie(peer.host_key[2]), piece), now)
            case "size":
                reason = download.receive(peer, part(METADATA + bytes(7), piece), now)
            case "drip" if piece == pieces[0]:
                reason = download.receive(peer, part(lie(1), piece), now)
        if reason is not None:
            return reason
    return None


def ahead(download: InfoDownload, number: int) -> Peer:
    """TCP stands with this one."""
    peer = stand_in(number)
    download.ask_ahead(peer, 6881, 0.0)
    return peer


def speak(download: InfoDownload, peer: Peer, number: int, size: int = len(METADATA)) -> None:
    """Its extension handshake: the number that it gives ut_metadata."""
    peer.connection.data_to_send()
    peer.connection.extension = ExtensionHandshake({"ut_metadata": number})
    download.offer(peer, size, 0.1)


class TestAskedAhead:
    """Before the peer has said anything, under a number that is guessed."""

    def test_where_the_guess_was_right_only_the_rest_is_asked_for(self) -> None:
        download, peer = download_of(), ahead(download_of(), 1)
        download.ask_ahead(peer, 6881, 0.0)
        speak(download, peer, USUAL_NUMBER)
        assert asked(peer) == list(range(AHEAD_PIECES, REQUESTS_MAX))
        for piece in range(AHEAD_PIECES):
            assert download.receive(peer, part(METADATA, piece), 0.1) is None
        assert give(download, peer, 0.2) is None
        for piece in range(AHEAD_PIECES, REQUESTS_MAX):
            download.receive(peer, part(METADATA, piece), 0.3)
        assert give(download, peer, 0.4) is None and download.metadata == METADATA

    def test_what_was_asked_ahead_and_is_not_answered_is_asked_again_in_time(self) -> None:
        download = download_of()
        peer = ahead(download, 1)
        speak(download, peer, USUAL_NUMBER)
        asked(peer)
        download.tick(0.1 + ANSWER_S)
        assert asked(peer) == list(range(REQUESTS_MAX))

    def test_metadata_of_one_piece_leaves_no_request_open(self) -> None:
        short = METADATA[:1000]
        download = InfoDownload(InfoHash(sha1(short).digest()), SIZE_MAX)
        peer = ahead(download, 1)
        speak(download, peer, USUAL_NUMBER, len(short))
        download.rejected(peer, 1, 0.2)
        assert asked(peer) == []
        assert download.receive(peer, part(short, 0), 0.2) is None
        assert download.metadata == short

    def test_where_it_was_wrong_everything_is_asked_for_and_the_number_is_kept(self) -> None:
        download = download_of()
        peer = ahead(download, 1)
        speak(download, peer, 3)
        assert asked(peer) == list(range(REQUESTS_MAX))
        assert download.leave(peer, 0.2), "perhaps because of it"
        again = ahead(download, 1)
        flight = again.connection.data_to_send()
        assert [bytes(message[5:6]) for message in flight[2:]] == AHEAD_PIECES * [b"\x03"]
        speak(download, again, 3)
        assert asked(again) == list(range(AHEAD_PIECES, REQUESTS_MAX))
        assert not download.leave(again, 0.3)

    def test_one_that_tells_another_number_each_time_is_not_asked_ahead_for_ever(self) -> None:
        download = download_of()
        for number in (3, 4):
            peer = ahead(download, 1)
            speak(download, peer, number)
            assert download.leave(peer, 0.2)
        peer = ahead(download, 1)
        assert not peer.asked_ahead
        speak(download, peer, 5)
        assert not download.leave(peer, 0.3)

    def test_one_that_parts_without_a_word_is_not_asked_ahead_again(self) -> None:
        download = download_of()
        assert download.leave(ahead(download, 1), 0.1)
        peer = ahead(download, 1)
        assert not peer.asked_ahead and not download.leave(peer, 0.2)

    def test_no_more_of_them_at_once_than_would_be_asked_anyway(self) -> None:
        """A swarm dials dozens: not each of them need send the same 32 KiB."""
        download = download_of()
        peers = [ahead(download, number) for number in range(10)]
        assert sum(peer.asked_ahead for peer in peers) == ATTEMPTS_MAX
        download.leave(peers[0], 0.1)
        assert ahead(download, 11).asked_ahead

    def test_an_answer_before_the_extension_handshake_is_asked_for_again(self) -> None:
        download = download_of()
        peer = ahead(download, 1)
        assert download.receive(peer, part(METADATA, 0), 0.1) is None
        speak(download, peer, USUAL_NUMBER)
        assert asked(peer) == list(range(REQUESTS_MAX))

    def test_a_liar_is_not_asked_ahead(self) -> None:
        download, peer = download_of(), peer_of(1)
        download.offer(peer, len(METADATA), 0.0)
        assert give(download, peer, 0.1, lie(1)) is not None
        assert not ahead(download, 1).asked_ahead
