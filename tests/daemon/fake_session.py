"""A session that only remembers what it was told, for the control socket and torrentctl."""

import asyncio
import threading
from dataclasses import replace
from fnmatch import fnmatchcase

from torrentd.daemon import adopting
from torrentd.daemon.adopting import Adoption
from torrentd.daemon.control_call import Document
from torrentd.daemon.control_lines import Json, Written
from torrentd.daemon.dht_lookup import DhtLookup
from torrentd.daemon.file_choice import FileChoice
from torrentd.daemon.journal_file import Entry
from torrentd.daemon.ledger import Ledger
from torrentd.daemon.pointer_record import Pointer
from torrentd.daemon.queue import Move
from torrentd.daemon.status import (
    AddRequest,
    AddResult,
    BlocksStatus,
    DaemonStatus,
    DataFate,
    DhtFamilyStatus,
    DhtStatus,
    FileStatus,
    Moved,
    PeerStatus,
    PiecesStatus,
    Refused,
    TorrentInfo,
    TorrentStatus,
)
from torrentd.daemon.waiters import Goal
from torrentd.daemon.why import Why
from torrentd.dht.items import Item, MutableItem
from torrentd.dht.node_id import NodeId
from torrentd.dht.outputs import (
    HopEnded,
    ItemEnded,
    PingEnded,
    PutEnded,
    SampleEnded,
    ScrapeEnded,
    TraceEnded,
)
from torrentd.dht.stats import NodeStats, SearchStats
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.ids import InfoHash
from torrentd.wire.formats.pointer import PointerMagnet
from torrentd.wire.store.options import DEFAULTS, TorrentOptions


def make_torrent(number: int, name: str = "") -> TorrentStatus:
    """A download half way; each number has an infohash of its own."""
    return TorrentStatus(
        infohash=f"{number:08x}" * 5,
        name=name or f"torrent {number}",
        state="downloading",
        stage=None,
        progress=0.4321,
        size_bytes=1_288_490_189,
        done_bytes=556_756_610,
        download_rate_bytes_per_s=12_897_485,
        upload_rate_bytes_per_s=1_153_434,
        downloaded_bytes=556_756_610,
        uploaded_bytes=77_594_624,
        wasted_bytes=16384,
        peers_connected=14,
        peers_known=120,
        seeds_connected=3,
        eta_s=3725,
        error=None,
        download_dir="/srv/downloads",
        added_at=1_750_000_000,
    )


def make_dht() -> DhtStatus:
    votes = {
        "203.0.113.9": ["198.51.100.1", "192.0.2.7", "203.0.113.200"],
        "192.0.2.1": ["10.9.8.7"],
    }
    family = DhtFamilyStatus("ipv4", "a1" * 20, "203.0.113.9", 123, 7, 2, 16, votes, "online")
    return DhtStatus(
        enabled=True,
        nodes_good=123,
        nodes_questionable=7,
        nodes_bad=2,
        searches_running=1,
        peers_stored=42,
        items_stored=7,
        queries_sent=1000,
        replies_received=900,
        timeouts=80,
        queries_received=5000,
        replies_sent=4990,
        answered_per_s=12.5,
        last_reply_age_s=0.4,
        datagrams_received=6000,
        datagrams_sent=5990,
        datagrams_dropped=3,
        bytes_received=600_000,
        bytes_sent=1_200_000,
        families=[family],
    )


def make_hop(number: int, *peers: str) -> HopEnded:
    """The `number`-th node of a lookup, which answered."""
    return HopEnded(
        InfoHash(b"h" * 20),
        address=Address(f"192.0.2.{number}", 6881),
        family="ipv4",
        node_id=NodeId(bytes([number]) * 20),
        distance_bits=160 - number,
        depth=number,
        outcome="answered",
        rtt_s=number / 10,
        nodes=8,
        peers=[Address(host, 6881) for host in peers],
    )


class FakeItems:
    """Whatever was put is found, by whoever knows its name."""

    def __init__(self) -> None:
        self.stored: dict[bytes, Item] = {}
        self.sampled: SampleEnded | None = None
        self.answers = True

    async def get(self, target: bytes, salt: bytes = b"") -> ItemEnded | None:
        return ItemEnded(target, self.stored.get(target), 1, 8) if self.answers else None

    async def put(
        self, item: Item, *, cas: int | None = None, if_needed: bool = False
    ) -> PutEnded | None:
        self.stored[item.target] = item
        return PutEnded(item, 8, [], 0, None) if self.answers else None

    async def sample(self, target: NodeId) -> SampleEnded | None:
        return self.sampled


class FakePointers:
    """Mutable torrents that only remember what they were told."""

    def __init__(self) -> None:
        self.pointers: list[Pointer] = []
        self.stored = 8

    def all(self) -> list[Pointer]:
        return self.pointers

    async def follow(self, magnet: PointerMagnet, download_dir: str | None) -> Pointer:
        self.pointers.append(Pointer(magnet.key, magnet.salt, True, download_dir=download_dir))
        return self.pointers[-1]

    async def publish(self, item: MutableItem) -> PutEnded | None:
        self.pointers.append(Pointer(item.key, item.salt, False, item))
        return PutEnded(item, self.stored, [], 0, None)

    async def forget(self, key_prefix: str) -> list[Pointer]:
        gone, self.pointers = self.pointers, []
        return gone


class FakeBans:
    """Whatever is banned, by any text."""

    def __init__(self) -> None:
        self.banned: list[str] = []

    def all(self) -> list[str]:
        return self.banned

    async def ban(self, texts: list[str]) -> list[str]:
        self.banned += texts
        return texts

    async def unban(self, texts: list[str]) -> list[str]:
        self.banned = [text for text in self.banned if text not in texts]
        return texts


class FakeJournal:
    """Events by the numbers that a test puts."""

    def __init__(self) -> None:
        self.newest = 0
        self._entries: list[Entry] = []
        self._fresh = asyncio.Event()

    def put(self, *numbers: int, **fields: Json) -> None:
        for number in numbers:
            event: dict[str, Json] = {"cursor": self.cursor(number), "at": 1_750_000_000.25}
            event |= {"event": "done", "infohash": "c9e15763" * 5, "name": "one", **fields}
            self._entries.append(Entry(number, event))
            self.newest = number
        self._fresh.set()

    def cursor(self, number: int) -> str:
        return f"00c0ffee-{number}"

    def position(self, cursor: str) -> int | None:
        name, _, number = cursor.partition("-")
        known = name == "00c0ffee" and int(number) <= self.newest
        return int(number) if known else None

    async def after(self, number: int, within_s: float) -> list[Entry]:
        if number >= self.newest:
            self._fresh.clear()
            try:
                async with asyncio.timeout(within_s):
                    await self._fresh.wait()
            except TimeoutError:
                return []
        return [entry for entry in self._entries if entry.number > number][:256]


class FakeDht:
    """The DHT of a session whose node list a test may fill."""

    def __init__(self) -> None:
        self.node_list: list[NodeStats] = []
        self.search_list: list[SearchStats] = []
        self.pings: dict[Address, PingEnded] = {}  # who answers
        self.hops: list[HopEnded] = []  # of each lookup
        self.lookups: list[DhtLookup] = []  # that are watched
        self.lookups_end = True
        self.scraped: ScrapeEnded | None = None
        self.items = FakeItems()

    def status(self) -> DhtStatus:
        return make_dht()

    def searches(self) -> list[SearchStats]:
        return self.search_list

    def nodes(self) -> list[NodeStats]:
        return self.node_list

    def look_up(self, infohash: InfoHash) -> DhtLookup:
        lookup = DhtLookup(infohash, 0.0)
        self.lookups.append(lookup)
        for hop in self.hops:
            lookup.hop_ended(hop, hop.rtt_s)
        if self.lookups_end:
            lookup.ended(TraceEnded(infohash, len(self.hops), len(self.hops)), 1.5)
        return lookup

    def stop_looking(self, lookup: DhtLookup) -> Document:
        self.lookups.remove(lookup)
        return lookup.document(2.5)

    async def scrape(self, infohash: InfoHash) -> ScrapeEnded | None:
        return self.scraped

    async def ping(self, address: Address) -> PingEnded:
        return self.pings.get(address) or PingEnded(address)

    async def ping_and_keep(self, address: Address) -> tuple[PingEnded, bool]:
        return await self.ping(address), address in self.pings


class FakeSession:
    """Torrents by infohash. What a test wants to know is in `calls`."""

    def __init__(self, *torrents: TorrentStatus) -> None:
        self.entries = {InfoHash(bytes.fromhex(t.infohash)): t for t in torrents}
        self.pointers = FakePointers()
        self.bans = FakeBans()
        self.journal = FakeJournal()
        self.calls: list[tuple[object, ...]] = []
        self.added: list[AddRequest] = []
        self.adopted: list[adopting.Request] = []
        self.adoption: Adoption | None = None
        self.warnings: list[str] = []
        self.dht = FakeDht()
        self.peer_list: list[PeerStatus] = []
        self.file_list: list[FileStatus] = []
        self.reached = asyncio.Event()
        self.waits_begun = threading.Semaphore(0)
        self.fault: Exception | None = None
        self.wanted: dict[InfoHash, TorrentOptions] = {}
        self.alternative_limits_hold = False
        self.resolved: bytes | None = None
        self.ledger = Ledger(lambda: None, lambda data: None)
        self.choices: list[tuple[str, FileChoice]] = []
        self.shutdown_requested = False

    async def add(self, request: AddRequest) -> AddResult:
        self.added.append(request)
        if request.magnet is not None and not request.magnet.startswith("magnet:?xt=urn:btih:"):
            raise Refused("this is no magnet link")
        torrent = make_torrent(len(self.added), "added")
        self.entries[InfoHash(bytes.fromhex(torrent.infohash))] = torrent
        return AddResult(torrent.infohash, torrent.name, added=True)

    async def wake(self, infohash: InfoHash) -> None:
        """All are awake."""

    async def adopt(self, request: adopting.Request) -> Adoption:
        self.adopted.append(request)
        if self.adoption is None:
            raise Refused("nothing of it is here")
        return self.adoption

    def status(self) -> DaemonStatus:
        if self.fault is not None:
            raise self.fault
        return DaemonStatus(
            version="1.2.3",
            uptime_s=3725,
            pid=4321,
            listen_addresses=["0.0.0.0:6881"],
            state_dir="/var/lib/torrentd",
            download_dir="/srv/downloads",
            download_rate_bytes_per_s=12_897_485,
            upload_rate_bytes_per_s=1_153_434,
            peers_connected=14,
            moved=Moved(5_000_000, 300_000, 20_000, 7_000),
            dht=make_dht(),
            blocks=BlocksStatus(None, 0, 0, None, 0, 0),
            warnings=self.warnings,
        )

    def torrents(self) -> list[TorrentStatus]:
        return list(self.entries.values())

    def listed(self) -> list[TorrentStatus | Written]:
        return list(self.entries.values())

    def torrent(self, infohash: InfoHash) -> TorrentStatus:
        return self.entries[infohash]

    def find(self, selector: str) -> InfoHash:
        for infohash, torrent in self.entries.items():
            if torrent.infohash.startswith(selector) or torrent.name == selector:
                return infohash
        raise Refused(f"there is no torrent {selector}")

    def select(self, selector: str) -> list[InfoHash]:
        if selector == "all":
            return list(self.entries)
        if selector.startswith("state:"):
            state = selector.removeprefix("state:")
            return [found for found, torrent in self.entries.items() if torrent.state == state]
        if "*" in selector:
            return [i for i, t in self.entries.items() if fnmatchcase(t.name, selector)]
        return [self.find(selector)]

    def info(self, infohash: InfoHash) -> TorrentInfo:
        return TorrentInfo(
            status=self.entries[infohash],
            magnet=f"magnet:?xt=urn:btih:{infohash.hex()}",
            piece_length_bytes=262144,
            piece_count=4916,
            pieces_had=2124,
            file_count=3,
            hash_failures=1,
            peers_banned=1,
            files_root="/srv/downloads/torrent",
        )

    def why(self, infohashes: list[InfoHash]) -> list[Why]:
        torrents = [self.entries[infohash] for infohash in infohashes]
        return [
            Why(t.infohash, t.name, t.state, "choked", "all choke us", "wait") for t in torrents
        ]

    def peers(self, infohash: InfoHash) -> list[PeerStatus]:
        return self.peer_list

    def files(self, infohash: InfoHash) -> list[FileStatus]:
        return self.file_list

    def pieces(self, infohash: InfoHash) -> PiecesStatus:
        return PiecesStatus(10, 262144, have="f000", here="0f00")

    def metainfo(self, infohash: InfoHash) -> bytes:
        if self.entries[infohash].state == "metadata":
            raise Refused("the metadata is not known yet")
        return bytes(range(256)) * 100

    async def pause(self, infohash: InfoHash) -> None:
        self.calls.append(("pause", infohash.hex()))
        self.entries[infohash] = replace(self.entries[infohash], state="paused")

    async def resume(self, infohash: InfoHash) -> None:
        self.calls.append(("resume", infohash.hex()))

    async def check_trash(self, infohash: InfoHash) -> None:
        self.calls.append(("check_trash", infohash.hex()))
        if self.entries[infohash].name == "no-trash":
            raise Refused("nothing was removed: there is no trash")

    async def remove(self, infohash: InfoHash, fate: DataFate = "stays") -> list[str]:
        self.calls.append(("remove", infohash.hex(), fate))
        name = self.entries.pop(infohash).name
        return [f"/trash/files/{name}"] if fate == "trashed" else []

    async def verify(self, infohash: InfoHash) -> None:
        self.calls.append(("verify", infohash.hex()))

    async def announce(self, infohash: InfoHash) -> None:
        self.calls.append(("announce", infohash.hex()))

    async def add_peer(self, infohash: InfoHash, address_text: str) -> None:
        self.calls.append(("add_peer", infohash.hex(), address_text))

    def options(self, infohash: InfoHash) -> TorrentOptions:
        return self.wanted.get(infohash, DEFAULTS)

    def set_options(self, infohash: InfoHash, options: TorrentOptions) -> None:
        self.wanted[infohash] = options

    def totals(self) -> Ledger:
        return self.ledger

    async def resolve(self, uri: str, timeout_s: float) -> bytes:
        self.calls.append(("resolve", uri, timeout_s))
        if self.resolved is None:
            raise Refused("no peer was found within 60 s")
        return self.resolved

    async def move(self, infohash: InfoHash, folder: str) -> None:
        self.calls.append(("move", infohash.hex(), folder))

    async def rename(self, infohash: InfoHash, path: str | None, name: str) -> None:
        self.calls.append(("rename", infohash.hex(), path, name))

    def queue(self) -> list[TorrentStatus]:
        return list(self.entries.values())

    def move_in_queue(self, infohashes: list[InfoHash], to: Move) -> None:
        self.calls += [("queue", infohash.hex(), to) for infohash in infohashes]

    def choose_files(self, infohash: InfoHash, choice: FileChoice) -> None:
        self.choices.append((infohash.hex(), choice))

    async def wait(
        self,
        infohash: InfoHash,
        until: Goal,
        timeout_s: float | None = None,
    ) -> bool:
        self.calls.append(("wait", infohash.hex(), until))
        self.waits_begun.release()
        try:
            async with asyncio.timeout(timeout_s):
                await self.reached.wait()
        except TimeoutError:
            return False
        return True

    def request_shutdown(self) -> None:
        self.shutdown_requested = True
