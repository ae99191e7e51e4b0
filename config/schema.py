"""What can be tuned: one frozen class a section, one field a key of torrentd.yaml.

A field carries its default, its bounds and one sentence for its reader; `torrentd.yaml` and the
sentences of `load.py` are made of these. Paths have no default here, since the right one depends
on who starts the daemon: `places.py` knows it, `load.py` fills it in. Imports a leaf alone, so that
every core may read `Limits`.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from torrentd.config.entries import Hook, Label, WatchFolder
from torrentd.config.values import (
    AT_START,
    KIB,
    MIB,
    AbsolutePath,
    Count,
    Flag,
    HostPort,
    ListenAddress,
    MetricsAddress,
    Right,
    Section,
    Size,
    SocketPath,
    Times,
    unique,
)
from torrentd.config.values import (
    Rules as RuleTexts,
)


class Listen(Section):
    """Where peers and nodes reach us."""

    addresses: Annotated[
        tuple[ListenAddress, ...],
        AfterValidator(unique),
        Right("a list of 1 to 16 different IP addresses of this machine"),
        AT_START,
    ] = Field(default=("0.0.0.0", "::"), min_length=1, max_length=16)
    """The addresses to listen on; each has a socket of its own for TCP and for UDP."""

    port: Annotated[Count, AT_START] = Field(default=6881, ge=1, le=65535)
    """The port, for TCP (peers) and UDP (DHT) alike; let it through your router."""


class Control(Section):
    """The socket torrentctl speaks to."""

    socket: Annotated[SocketPath, AT_START]
    """The Unix socket of torrentctl; by default in systemd's runtime folder or the user's."""

    mode: Annotated[
        str,
        Field(pattern=r"^06[0-7]0$"),
        Right('an octal mode in quotes without access for others, as in "0660" or "0600"'),
        AT_START,
    ] = "0660"
    """The permissions of the socket, octal and in quotes; others never get any."""

    group: Annotated[str | None, Right("the name of a group"), AT_START] = Field(
        default=None, min_length=1, max_length=64
    )
    """The group that may use the socket beside the daemon's own user; none: the daemon's group."""

    @property
    def permissions(self) -> int:
        """`mode` as chmod(2) takes it."""
        return int(self.mode, 8)


class Dht(Section):
    """The mainline DHT (BEP 5): where the first peers of a torrent come from."""

    enabled: Annotated[Flag, AT_START] = True
    """Take part in the DHT; without it only magnets with x.pe and add-peer find peers."""

    bootstrap: Annotated[tuple[HostPort, ...], AT_START] = Field(
        default=(
            "dht.libtorrent.org:25401",
            "dht.transmissionbt.com:6881",
            "router.bt.ouinet.work:6881",
        ),
        max_length=64,
    )
    """The hosts asked for the first nodes, all at once, while no saved node answers."""

    read_only: Annotated[Flag, AT_START] = False
    """Ask but never answer (BEP 43): for a machine that nobody can reach."""


class Network(Section):
    """Which addresses from outside we believe."""

    allow_local_addresses: Annotated[Flag, AT_START] = False
    """Connect to loopback, private and link-local addresses that peers and nodes name; for tests
    and closed networks, since it lets strangers aim us at your own machines."""

    blocklist: Annotated[
        AbsolutePath | None, Right("an absolute path, or one that begins with ~/")
    ] = None
    """A file of addresses that we have nothing to do with: P2P, DAT or networks, a line each, plain
    or gzip; read again when it has changed."""


class Limits(Section):
    """How much of everything. Sizes are bytes, or a number with KiB, MiB or GiB."""

    peers_per_torrent_max: Annotated[Count, AT_START] = Field(default=60, ge=1, le=2000)
    """Connections of one torrent."""

    connections_max: Count = Field(default=200, ge=1, le=20_000)
    """Connections to peers in all."""

    connections_per_address_max: Annotated[Count, AT_START] = Field(default=1, ge=1, le=1000)
    """Connections to one IPv4 address or one IPv6 /64, so that nobody takes all of them."""

    half_open_max: Count = Field(default=50, ge=1, le=2000)
    """Connections being made, or still without a handshake, at once."""

    dials_per_s_max: Count = Field(default=30, ge=1, le=1000)
    """New connections in a second, outgoing and incoming each."""

    peers_known_per_torrent_max: Annotated[Count, AT_START] = Field(default=2000, ge=10, le=100_000)
    """Addresses remembered for one torrent."""

    unchoke_slots: Annotated[Count, AT_START] = Field(default=0, ge=0, le=500)
    """Peers of one torrent that we upload to at once, the optimistic unchoke among them; 0: as many
    as the upload fills."""

    requests_queued_max: Annotated[Count, AT_START] = Field(default=512, ge=16, le=5000)
    """Blocks one peer may ask for ahead (our `reqq`, BEP 10)."""

    requests_outstanding_max: Annotated[Count, AT_START] = Field(default=2000, ge=1, le=5000)
    """Blocks we ask for ahead at one peer."""

    piece_buffers_bytes_max: Size = Field(default=64 * MIB, ge=MIB, le=64 * 1024 * MIB)
    """Memory for pieces that are arriving or on their way to the disk, of all torrents together."""

    read_cache_bytes_max: Size = Field(default=32 * MIB, ge=0, le=64 * 1024 * MIB)
    """Memory for pieces read to be uploaded."""

    send_buffer_bytes_max: Annotated[Size, AT_START] = Field(
        default=512 * KIB, ge=64 * KIB, le=64 * MIB
    )
    """Memory for what one peer has not yet taken from us."""

    free_bytes_min: Size = Field(default=1024 * MIB, ge=0, le=1024 * 1024 * MIB)
    """What stays free on the file system of a download; it waits, with its peers, until there is
    room for all of it beside this."""

    free_percent_min: Count = Field(default=2, ge=0, le=90)
    """The same in percent of the file system, of its bytes and of its inodes; the greater of the
    two counts."""

    metadata_bytes_max: Annotated[Size, AT_START] = Field(
        default=32 * MIB, ge=16 * KIB, le=256 * MIB
    )
    """The largest info dictionary taken from peers or a .torrent file."""

    files_max: Count = Field(default=200_000, ge=1, le=5_000_000)
    """The most files in one torrent."""

    dht_upload_bytes_per_s_max: Annotated[Size, AT_START] = Field(
        default=16_000, ge=1000, le=1_000_000_000
    )
    """What the DHT may answer with in a second; announces of seeds may take as much again."""

    dht_datagrams_per_source_per_s_max: Annotated[Count, AT_START] = Field(default=5, ge=1, le=5000)
    """What one address may send to the DHT in a second; beyond it, it is not heard for a while."""

    dht_infohashes_stored_max: Annotated[Count, AT_START] = Field(default=2000, ge=1, le=1_000_000)
    """Infohashes for which others may leave peers with us."""

    dht_peers_per_infohash_max: Annotated[Count, AT_START] = Field(default=200, ge=1, le=10_000)
    """Peers left with us for one infohash."""

    control_clients_max: Annotated[Count, AT_START] = Field(default=32, ge=1, le=1000)
    """Clients of the control socket at once."""

    control_request_bytes_max: Annotated[Size, AT_START] = Field(
        default=64 * KIB, ge=4 * KIB, le=16 * MIB
    )
    """The longest line a control client may send; torrent files travel apart from it."""


class Rates(Section):
    """How fast the data of torrents may flow, in bytes a second; 0: as fast as it can. What the DHT
    and the peers say to each other is not counted."""

    download_bytes_per_s_max: Size = Field(default=0, ge=0, le=1024 * 1024 * MIB)
    """Of all torrents together, in."""

    upload_bytes_per_s_max: Size = Field(default=0, ge=0, le=1024 * 1024 * MIB)
    """Of all torrents together, out."""

    alternative_download_bytes_per_s_max: Size = Field(default=0, ge=0, le=1024 * 1024 * MIB)
    """The same, while the alternative limits hold."""

    alternative_upload_bytes_per_s_max: Size = Field(default=0, ge=0, le=1024 * 1024 * MIB)
    """The same, while the alternative limits hold."""

    alternative: Literal["auto", "always", "never"] = "auto"
    """When the alternative limits hold; auto: at the alternative times."""

    alternative_times: Annotated[
        tuple[Times, ...],
        Right("a list of at most 50 spans of local time, as in mon-fri 08:00-18:00"),
    ] = Field(default=(), max_length=50)
    """When the alternative limits hold, if that is decided by the clock."""

    limit_local_network: Flag = False
    """Count peers of this machine and of private networks too."""


class Queue(Section):
    """How many torrents run at once; the others wait for their turn, in the order of
    `torrentctl queue`. 0: all."""

    active_downloads_max: Count = Field(default=0, ge=0, le=100_000)
    """Downloads, magnets among them; one that got nothing for five minutes does not count."""

    active_seeds_max: Count = Field(default=0, ge=0, le=100_000)
    """Seeds; one that sent nothing for five minutes does not count."""


def _named_once(labels: tuple[Label, ...]) -> tuple[Label, ...]:
    unique(tuple(label.name for label in labels))
    return labels


class Seeding(Section):
    """When torrents have given enough, and what labels bring along."""

    rules: RuleTexts = Field(default=(), max_length=20)
    """For torrents with no rules of their own and none by a label; the first that holds counts. Of
    ratio, seeds and peers (as the DHT counts them), seeding (since it was done, without pauses),
    uploaded; what follows is pause, remove (the data stays), or limit and a rate."""

    labels: Annotated[tuple[Label, ...], AfterValidator(_named_once)] = Field(
        default=(), max_length=100
    )
    """What is meant by labels, of those that are more than a name."""


class Metrics(Section):
    """Numbers for Prometheus."""

    listen: Annotated[
        MetricsAddress | None,
        Right("127.0.0.1:PORT, [::1]:PORT, or unix: and an absolute path"),
        AT_START,
    ] = None
    """Where the page /metrics is; docs/metrics.md lists what is on it."""


class Log(Section):
    """What the daemon tells about itself, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important lines that are written."""

    format: Literal["auto", "json", "console"] = "auto"
    """One JSON document a line, or text for people; auto: text on a terminal, else JSON."""


def _different(folders: tuple[WatchFolder, ...]) -> tuple[WatchFolder, ...]:
    unique(tuple(str(folder.path) for folder in folders))
    return folders


class Config(Section):
    """The whole file."""

    state_dir: Annotated[AbsolutePath, AT_START]
    """What the daemon remembers between runs; by default systemd's state folder or the user's."""

    download_dir: AbsolutePath
    """Where torrents are downloaded to, unless `torrentctl add --dir` says otherwise; by default
    `downloads` in systemd's state folder, or the user's download folder."""

    incomplete_dir: Annotated[
        AbsolutePath | None, Right("an absolute path, or one that begins with ~/")
    ] = None
    """Where torrents are while they are downloaded; then they move to their own folder. None: they
    are in their own folder from the start. One whose files are in its own folder stays there."""

    listen: Listen = Listen()
    control: Control
    dht: Dht = Dht()
    network: Network = Network()
    limits: Limits = Limits()
    rates: Rates = Rates()
    queue: Queue = Queue()
    seeding: Seeding = Seeding()
    metrics: Metrics = Metrics()
    log: Log = Log()

    watch: Annotated[tuple[WatchFolder, ...], AfterValidator(_different)] = Field(
        default=(), max_length=50
    )
    """The folders whose .torrent and .magnet files are added, and renamed to .added or .invalid."""

    hooks: tuple[Hook, ...] = Field(default=(), max_length=50)
    """The commands that are run when something happens, never by a shell; what happened is in their
    environment, as TORRENTD_EVENT, TORRENTD_NAME, TORRENTD_DIR and so on."""
