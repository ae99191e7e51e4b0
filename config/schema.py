"""What can be tuned: one frozen class a section, one field a key of torrentd.yaml.

A field carries its default, its bounds and one sentence for its reader; `torrentd.yaml` and the
sentences of `load.py` are made of these. Paths have no default here, since the right one depends
on who starts the daemon: `places.py` knows it, `load.py` fills it in. Imports a leaf alone, so that
every core may read `Limits`.
"""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from torrentd.config.times import parse_time_span

KIB = 1024
MIB = 1024 * KIB
SOCKET_PATH_BYTES_MAX = 107  # sun_path of Linux is 108 bytes with its closing zero
SIZE_TEXT = "a size"
_SIZE = re.compile(r"([0-9]{1,15}) ?(KiB|MiB|GiB)")
_SIZE_UNITS = {"KiB": KIB, "MiB": MIB, "GiB": 1024 * MIB}
_HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")


@dataclass(frozen=True, slots=True)
class Right:
    """What a value of this type is, as the second half of an error's sentence; `keys.py` adds
    the bounds of the field."""

    text: str


@dataclass(frozen=True, slots=True)
class AtStart:
    """The mark of a key that is read when the daemon starts, and not again."""


AT_START = AtStart()


def size_text(size_bytes: int) -> str:
    """The shortest exact form a `Size` is read back from: `64 MiB`, `16000`."""
    for unit in ("GiB", "MiB", "KiB"):
        if size_bytes and size_bytes % _SIZE_UNITS[unit] == 0:
            return f"{size_bytes // _SIZE_UNITS[unit]} {unit}"
    return str(size_bytes)


def split_host_port(text: str) -> tuple[str, int]:
    """`host:port` or `[IPv6]:port` -> both; ValueError with a reason."""
    host, colon, port_text = text.rpartition(":")
    if not colon or not port_text.isascii() or not port_text.isdigit():
        raise ValueError("the port is missing")
    if not 1 <= int(port_text[:6]) <= 65535:
        raise ValueError("the port is out of range")
    if host.startswith("[") and host.endswith("]"):
        host = str(ipaddress.IPv6Address(host[1:-1]))
    elif not _HOST_NAME.fullmatch(host):
        raise ValueError("the host is neither a name nor an address")
    return host, int(port_text)


def _size(value: object) -> object:
    """`64 MiB` -> bytes; whatever else comes is left to the integer's own check."""
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) * _SIZE_UNITS[match[2]] if match else value


def _path(value: object) -> object:
    """Expands a leading `~`; a relative path would mean another folder at each start."""
    if not isinstance(value, str | Path):
        raise ValueError("it is not text")
    try:
        path = Path(value).expanduser()
    except RuntimeError:
        raise ValueError("the home folder of that user is not known") from None
    if not path.is_absolute():
        raise ValueError("it is relative")
    if "\0" in str(path):
        raise ValueError("it contains a zero byte")
    return path


def _socket_path(path: Path) -> Path:
    if len(bytes(path)) > SOCKET_PATH_BYTES_MAX:
        raise ValueError(f"it is longer than the {SOCKET_PATH_BYTES_MAX} bytes of a socket's path")
    return path


def _listen_address(text: str) -> str:
    address = ipaddress.ip_address(text)
    if address.is_multicast:
        raise ValueError("it is a multicast address")
    if address.version == 6 and address.ipv4_mapped is not None:
        raise ValueError("it is an IPv4 address in IPv6 clothes")
    return str(address)


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("one of them is there twice")
    return values


def _host_port(text: str) -> str:
    split_host_port(text)
    return text


def _times(text: str) -> str:
    parse_time_span(text)
    return text


Count = Annotated[int, Field(strict=True), Right("a whole number")]
Size = Annotated[int, Field(strict=True), BeforeValidator(_size), Right(SIZE_TEXT)]
Flag = Annotated[bool, Field(strict=True), Right("true or false")]
AbsolutePath = Annotated[
    Path, BeforeValidator(_path), Right("an absolute path, or one that begins with ~/")
]
SocketPath = Annotated[
    Path,
    BeforeValidator(_path),
    AfterValidator(_socket_path),
    Right(f"an absolute path of at most {SOCKET_PATH_BYTES_MAX} bytes"),
]
ListenAddress = Annotated[
    str,
    AfterValidator(_listen_address),
    Right("an IPv4 or IPv6 address of this machine, as in 0.0.0.0 or ::"),
]
HostPort = Annotated[
    str, AfterValidator(_host_port), Right("host:port, as in dht.example.org:6881")
]


Times = Annotated[
    str,
    AfterValidator(_times),
    Right("a span of local time, as in mon-fri 08:00-18:00 or 22:00-06:00"),
]


class _Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True
    )


class Listen(_Section):
    """Where peers and nodes reach us."""

    addresses: Annotated[
        tuple[ListenAddress, ...],
        AfterValidator(_unique),
        Right("a list of 1 to 16 different IP addresses of this machine"),
        AT_START,
    ] = Field(default=("0.0.0.0", "::"), min_length=1, max_length=16)
    """The addresses to listen on; each has a socket of its own for TCP and for UDP."""

    port: Annotated[Count, AT_START] = Field(default=6881, ge=1, le=65535)
    """The port, for TCP (peers) and UDP (DHT) alike; let it through your router."""


class Control(_Section):
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


class Dht(_Section):
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


class Network(_Section):
    """Which addresses from outside we believe."""

    allow_local_addresses: Annotated[Flag, AT_START] = False
    """Connect to loopback, private and link-local addresses that peers and nodes name; for tests
    and closed networks, since it lets strangers aim us at your own machines."""


class Limits(_Section):
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
    """What the DHT may send in a second; a flood of queries goes unanswered beyond it."""

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


class Rates(_Section):
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


class Log(_Section):
    """What the daemon tells about itself, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important lines that are written."""

    format: Literal["auto", "json", "console"] = "auto"
    """One JSON document a line, or text for people; auto: text on a terminal, else JSON."""


class Config(_Section):
    """The whole file."""

    state_dir: Annotated[AbsolutePath, AT_START]
    """What the daemon remembers between runs; by default systemd's state folder or the user's."""

    download_dir: AbsolutePath
    """Where torrents are downloaded to, unless `torrentctl add --dir` says otherwise; by default
    `downloads` in systemd's state folder, or the user's download folder."""

    listen: Listen = Listen()
    control: Control
    dht: Dht = Dht()
    network: Network = Network()
    limits: Limits = Limits()
    rates: Rates = Rates()
    log: Log = Log()
