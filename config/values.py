"""What a value of torrentd.yaml may be: types with their checks, and a sentence of what is right.

The words of `Right` make the second half of an error's sentence. Imports a leaf alone.
"""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from torrentd.config.labels import check_label
from torrentd.config.rules import parse_rule, size_of
from torrentd.config.times import parse_time_span

KIB = 1024
MIB = 1024 * KIB
SOCKET_PATH_BYTES_MAX = 107  # sun_path of Linux is 108 bytes with its closing zero
TEXT_LENGTH_MAX = 4096
SIZE_TEXT = "a size"
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
    """`64 MiB`, `500K` -> bytes; whatever else comes is left to the integer's own check."""
    size = size_of(value) if isinstance(value, str) else None
    return value if size is None else size


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


def unique(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise ValueError("one of them is there twice")
    return values


def _host_port(text: str) -> str:
    split_host_port(text)
    return text


def _text(text: str) -> str:
    if "\0" in text:
        raise ValueError("it contains a zero byte")
    return text


def _metrics_address(text: str) -> str:
    """Numbers are for this machine alone: who wants them elsewhere puts a proxy in front."""
    if text.startswith("unix:"):
        _socket_path(Path(text.removeprefix("unix:")))
        if not text.startswith("unix:/"):
            raise ValueError("the path is relative")
        return text
    host, _ = split_host_port(text)
    if host not in ("127.0.0.1", "::1"):
        raise ValueError("it is not of this machine alone")
    return text


def _times(text: str) -> str:
    parse_time_span(text)
    return text


def _rule(text: str) -> str:
    parse_rule(text)
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
MetricsAddress = Annotated[
    str,
    AfterValidator(_metrics_address),
    Right("127.0.0.1:PORT, [::1]:PORT, or unix: and an absolute path"),
]
HostPort = Annotated[
    str,
    AfterValidator(_host_port),
    Right("host:port, as in dht.example.org:6881"),
]
Text = Annotated[
    str,
    Field(min_length=1, max_length=TEXT_LENGTH_MAX),
    AfterValidator(_text),
    Right("a text without a zero byte"),
]
Times = Annotated[
    str,
    AfterValidator(_times),
    Right("a span of local time, as in mon-fri 08:00-18:00 or 22:00-06:00"),
]


class Section(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, validate_default=True
    )


RuleText = Annotated[
    str, AfterValidator(_rule), Right('a rule in quotes, as in "when ratio > 2: pause"')
]
LabelName = Annotated[
    str,
    AfterValidator(check_label),
    Right("a name of 1 to 64 characters, without a comma, a colon or a sign of a pattern"),
]
Rules = Annotated[tuple[RuleText, ...], Right("a list of at most 20 rules in quotes")]
