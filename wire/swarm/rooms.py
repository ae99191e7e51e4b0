"""The rooms of one swarm, and what can be read from them (BEP 3, 9).

The ground floor of `Swarm`; `conversation` and `swarm` stand on it.
"""

from random import Random

from torrentd.config.schema import Limits
from torrentd.wire.formats.address import AddressPolicy
from torrentd.wire.formats.bitfield import Bitfield
from torrentd.wire.formats.ids import InfoHash, PeerId
from torrentd.wire.formats.metainfo import Info
from torrentd.wire.peer.connection import PeerConnection
from torrentd.wire.peer.rates import Rate
from torrentd.wire.swarm.buffer_pool import BufferPool
from torrentd.wire.swarm.choker import Choker
from torrentd.wire.swarm.company import Company, Places
from torrentd.wire.swarm.download import Download
from torrentd.wire.swarm.exchange import Exchange
from torrentd.wire.swarm.info_download import InfoDownload
from torrentd.wire.swarm.outlook import Outlook, look_out, pieces_here
from torrentd.wire.swarm.piece_mask import bitfield_of
from torrentd.wire.swarm.quota import UploadQuota
from torrentd.wire.swarm.schedule import SearchSchedule
from torrentd.wire.swarm.super_seeding import SuperSeeding
from torrentd.wire.swarm.throttle import Throttle
from torrentd.wire.swarm.uploads import Uploads
from torrentd.wire.swarm.vantage import Vantage

EASE_S = 5.0
BUFFERS_RETRY_S = 0.1  # between two tries of a swarm that waits for memory of others


class Rooms:
    """`info` and `metadata` are known from a torrent file, or come later, or never."""

    _super: SuperSeeding | None = None  # while it seeds so (BEP 16)
    _wants_super = False

    def __init__(
        self,
        infohash: InfoHash,
        *,
        peer_id: PeerId,
        limits: Limits,
        policy: AddressPolicy,
        rng: Random,
        listen_port: int,
        now: float,
        info: Info | None,
        metadata: bytes | None,
        buffers: BufferPool | None,
        upload: Throttle | None,
        places: Places | None,
        vantage: Vantage | None,
    ) -> None:
        self.infohash = infohash
        self.peer_id = peer_id
        self.info = info
        self.metadata = metadata
        self.running = False
        self._is_sent_to_peers = False  # the user named some: they are tried for ever
        self.uploaded_bytes = 0
        self.downloaded_bytes = 0
        self.upload_rate = Rate(now)
        self.download_rate = Rate(now)
        self._limits = limits
        self._policy = policy
        self._rng = rng
        self._listen_port = listen_port
        self._company = Company(peer_id, limits, policy, rng, now, places, vantage)
        self._info_download = InfoDownload(infohash, limits.metadata_bytes_max)
        self._buffers = (buffers or BufferPool(limits.piece_buffers_bytes_max)).share()
        self._download: Download | None = None  # until the store is open
        self._uploads: Uploads | None = None
        self.quota: UploadQuota | None = None  # may be one of before, until the store is open
        self.upload_meter = (upload or Throttle(0, now)).meter(now)
        self._choker: Choker[PeerConnection] = Choker(limits.unchoke_slots, rng)
        self._exchange = Exchange(policy)
        self._schedule = SearchSchedule(rng)
        self._haves_due_at: float | None = None
        self._wasted_bytes = 0  # what `download` does not count
        self._rechoke_due = False
        self._forgive_at: float | None = None  # who declined is asked again
        self._completed_told = False
        self._now = now
        self._deadline: float | None = None
        self._deadline_known = False

    @property
    def is_complete(self) -> bool:
        """Every wanted piece is stored."""
        return self._download is not None and self._download.is_complete

    @property
    def is_seed(self) -> bool:
        """Every piece is stored, wanted or not."""
        return self._download is not None and self._download.have.all()

    @property
    def is_upload_only(self) -> bool:
        """Nothing more is wanted, and peers may know (BEP 21): who seeds super does not say so."""
        return self.is_complete and self._super is None

    @property
    def connections(self) -> list[PeerConnection]:
        """Everybody who is here, first come first; some may not have shaken hands yet."""
        return list(self._company.peers)

    @property
    def handshakes_count(self) -> int:
        """Peers that shook hands."""
        return sum(peer.greeted for peer in self._company.peers.values())

    @property
    def peers_known(self) -> int:
        """Addresses that may be peers."""
        return len(self._company.candidates)

    def source(self, connection: PeerConnection) -> str:
        """Who told us of this peer."""
        peer = self._company.peers.get(connection)
        address = connection.address if peer is None else peer.listen_address or peer.address
        return self._company.candidates.source(address) or "incoming"

    @property
    def have(self) -> Bitfield:
        """The pieces that are stored; of size 0 before the metadata is known. Not to be changed."""
        if self._download is not None:
            return self._download.have
        return Bitfield(self.info.geometry.piece_count if self.info else 0)

    @property
    def wanted(self) -> Bitfield:
        """The pieces of the selected files; none before the store is open."""
        return self._download.wanted if self._download is not None else self.have

    @property
    def wanted_bytes(self) -> int:
        """Size of what is wanted; 0 before the store is open."""
        return self._download.wanted_bytes if self._download is not None else 0

    @property
    def done_bytes(self) -> int:
        """Of that, what is stored."""
        return self._download.done_bytes if self._download is not None else 0

    @property
    def wasted_bytes(self) -> int:
        """Failed the hash, came twice, or nobody had asked for."""
        wasted_bytes = self._download.wasted_bytes if self._download is not None else 0
        return self._wasted_bytes + wasted_bytes

    @property
    def hash_failures(self) -> int:
        """Pieces that did not match."""
        return self._download.picker.suspects.failures if self._download is not None else 0

    @property
    def peers_banned(self) -> int:
        """Peers that sent them."""
        return self._company.banned_count

    @property
    def here(self) -> Bitfield:
        """The pieces that connected peers have."""
        return bitfield_of(pieces_here(self._company), len(self.have))

    def is_at_ease(self, now: float) -> bool:
        """Complete, nobody is here, and nobody is to be dialed soon: a seed runs after nobody but
        those whom the user named."""
        if not self.is_complete or self._company.peers or self._company.dialing:
            return False
        if self._is_sent_to_peers and self.running:
            return False
        dial_at = self._company.candidates.next_deadline(now)
        return not self.running or dial_at is None or dial_at > now + EASE_S

    def outlook(self) -> Outlook:
        """Who gives, and what nobody has."""
        return look_out(self._company, self._download)

    @property
    def info_progress(self) -> float:
        """0 to 1: how much of the metadata is here."""
        return 1.0 if self.metadata is not None else self._info_download.progress()

    def _be_called_at(self, deadline: float) -> None:
        """A deadline may have come nearer. One that moved away costs a tick too early, no more."""
        if self._buffers.waits_for_others:
            deadline = min(deadline, self._now + BUFFERS_RETRY_S)
        if self._deadline is None or deadline < self._deadline:
            self._deadline = deadline
