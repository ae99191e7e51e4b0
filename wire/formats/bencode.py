"""Bencode (BEP 3), strictly: what one decoder takes and another refuses is an attack.

The only importer of bencodepy. Its decoder never sees network bytes as it is: a length like `-6`
makes it walk backwards for ever, and it takes `i1_0e`, `+1:a` and duplicate keys. The subclass here
checks every length and digit before use and stops at limits of size, depth and tokens.

Differs from the BEP: unsorted keys are taken, since clients in the wild send them; integers must
fit 64 bits, and a length has at most ten digits. Duplicate keys are refused.
"""

from dataclasses import dataclass
from typing import TypeAlias

from bencodepy import BencodeDecoder

from torrentd.wire.formats.errors import BencodeError

Bencoded: TypeAlias = "int | bytes | list[Bencoded] | dict[bytes, Bencoded]"
_Decoded: TypeAlias = tuple[Bencoded, int, tuple[int, int] | None]  # value, end, span of a key

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
INT_DIGITS_MAX = 19  # of 2^63
LENGTH_DIGITS_MAX = 10  # more digits than any input of ours has bytes
_ZERO, _END = b"0e"
_SHORT_LENGTHS = {b"%d:" % length: length for length in range(100)}  # all that KRPC mostly has


@dataclass(frozen=True, slots=True)
class Limits:
    """What one input may cost. A token is a string (keys too), an integer, a list or a dictionary;
    `depth_max` counts containers within containers, the outermost being 1."""

    size_bytes_max: int
    depth_max: int
    tokens_max: int


KRPC_LIMITS = Limits(2048, 8, 400)  # a datagram; the largest honest one has about 250 tokens
EXTENSION_LIMITS = Limits(64 * 1024, 8, 1000)  # handshakes of real clients have about 50
METAINFO_LIMITS = Limits(32 * 1024**2, 100, 2_000_000)  # 15 MB info dictionaries exist
STATE_LIMITS = Limits(128 * 1024**2, 16, 2_000_000)  # our own files, 200,000 names and stamps


class _Reading:
    """What one decode has left to spend, and the top-level key whose place it notes."""

    __slots__ = ("depth_max", "key", "span", "tokens_left")

    def __init__(self, limits: Limits, key: bytes | None = None) -> None:
        self.tokens_left = limits.tokens_max - 1  # the outermost value itself
        self.depth_max = limits.depth_max
        self.key = key
        self.span: tuple[int, int] | None = None


class StrictDecoder(BencodeDecoder):  # type: ignore[misc]  # bencodepy has no types
    """Keeps bencodepy's dispatch table, replaces each of its parsers. Holds no state of an input,
    so that one object serves every thread. Each parser takes the offset of its first byte and
    returns the value and the offset behind it; IndexError, KeyError, ValueError: malformed."""

    def decode_prefix(self, x: bytes, limits: Limits, key: bytes | None = None) -> _Decoded:
        if len(x) > limits.size_bytes_max:
            raise BencodeError("bencode larger than we take")
        reading = _Reading(limits, key)
        try:
            value, end = self.decode_func[x[:1]](x, 0, limits.depth_max, reading)
        except (IndexError, KeyError):
            raise BencodeError("not bencode, or cut short") from None
        except BencodeError:
            raise
        except ValueError:
            raise BencodeError("not bencode: malformed number") from None
        return value, end, reading.span

    def decode_int(
        self, x: bytes, f: int, depth_left: int = 0, reading: _Reading | None = None
    ) -> tuple[int, int]:
        f += 1
        end = x.index(b"e", f, f + INT_DIGITS_MAX + 2)
        text = x[f:end]
        digits = text[1:] if text[:1] == b"-" else text
        if not digits.isdigit() or (digits[0] == _ZERO and text != b"0"):
            raise BencodeError("not bencode: malformed integer")
        number = int(text)
        if not INT_MIN <= number <= INT_MAX:
            raise BencodeError("an integer of more than 64 bits")
        return number, end + 1

    def decode_string(
        self, x: bytes, f: int, depth_left: int = 0, reading: _Reading | None = None
    ) -> tuple[bytes, int]:
        length = _SHORT_LENGTHS.get(x[f : f + 2])
        if length is not None:
            start = f + 2
        else:
            length = _SHORT_LENGTHS.get(x[f : f + 3])
            if length is not None:
                start = f + 3
            else:
                length, start = self._decode_length(x, f)
        end = start + length
        if end > len(x):
            raise BencodeError("a string longer than the input")
        return x[start:end], end

    def _decode_length(self, x: bytes, f: int) -> tuple[int, int]:
        colon = x.index(b":", f, f + LENGTH_DIGITS_MAX + 1)
        digits = x[f:colon]
        if not digits.isdigit() or digits[0] == _ZERO:
            raise BencodeError("not bencode: malformed length")
        return int(digits), colon + 1

    def decode_list(
        self, x: bytes, f: int, depth_left: int, reading: _Reading
    ) -> tuple[list[Bencoded], int]:
        if depth_left <= 0:
            raise BencodeError("bencode nested deeper than we take")
        decoders = self.decode_func
        result: list[Bencoded] = []
        f += 1
        while x[f] != _END:
            reading.tokens_left -= 1
            if reading.tokens_left < 0:
                raise BencodeError("bencode of more tokens than we take")
            value, f = decoders[x[f : f + 1]](x, f, depth_left - 1, reading)
            result.append(value)
        return result, f + 1

    def decode_dict(
        self, x: bytes, f: int, depth_left: int, reading: _Reading
    ) -> tuple[dict[bytes, Bencoded], int]:
        if depth_left <= 0:
            raise BencodeError("bencode nested deeper than we take")
        decoders = self.decode_func
        result: dict[bytes, Bencoded] = {}
        f += 1
        while x[f] != _END:
            reading.tokens_left -= 2
            if reading.tokens_left < 0:
                raise BencodeError("bencode of more tokens than we take")
            key, start = self.decode_string(x, f)
            if key in result:
                raise BencodeError("a dictionary with the same key twice")
            result[key], f = decoders[x[start : start + 1]](x, start, depth_left - 1, reading)
            if key == reading.key and depth_left == reading.depth_max:
                reading.span = (start, f)
        return result, f + 1


_DECODER = StrictDecoder()


def decode(data: bytes, limits: Limits) -> Bencoded:
    """The one value that `data` is. Raises BencodeError, nothing else."""
    value, end, _ = _DECODER.decode_prefix(data, limits)
    if end != len(data):
        raise BencodeError("bytes behind the end of the bencoded value")
    return value


def decode_dict(data: bytes, limits: Limits) -> dict[bytes, Bencoded]:
    """The one dictionary that `data` is."""
    value, end = decode_prefix(data, limits)
    if end != len(data):
        raise BencodeError("bytes behind the end of the bencoded value")
    return value


def decode_prefix(data: bytes, limits: Limits) -> tuple[dict[bytes, Bencoded], int]:
    """The dictionary that `data` begins with, and the offset of what follows it (BEP 9)."""
    value, end, _ = _DECODER.decode_prefix(data, limits)
    if not isinstance(value, dict):
        raise BencodeError("not a bencoded dictionary")
    return value, end


def decode_with_span(
    data: bytes, limits: Limits, key: bytes
) -> tuple[dict[bytes, Bencoded], tuple[int, int] | None]:
    """The dictionary, and from where to where in `data` the value of its top-level `key` stands:
    an infohash is over the bytes as they came, never over a re-encoding (BEP 3)."""
    value, end, span = _DECODER.decode_prefix(data, limits, key)
    if end != len(data):
        raise BencodeError("bytes behind the end of the bencoded value")
    if not isinstance(value, dict):
        raise BencodeError("not a bencoded dictionary")
    return value, span


def encode(value: Bencoded) -> bytes:
    """Canonical bencode, keys sorted as raw bytes. Raises TypeError for what bencode has not: bool,
    str, tuple and None are mistakes of ours, where bencodepy would convert them."""
    parts: list[bytes] = []
    _write(value, parts)
    return b"".join(parts)


def _write(value: Bencoded, parts: list[bytes]) -> None:
    if isinstance(value, bytes):  # InfoHash, NodeId … too
        parts.append(b"%d:%b" % (len(value), value))
    elif isinstance(value, int) and not isinstance(value, bool):
        parts.append(b"i%de" % value)
    elif isinstance(value, dict):
        _write_dict(value, parts)
    elif isinstance(value, list):
        parts.append(b"l")
        for item in value:
            _write(item, parts)
        parts.append(b"e")
    else:
        raise TypeError(f"bencode has no {type(value).__name__}")


def _write_dict(value: dict[bytes, Bencoded], parts: list[bytes]) -> None:
    parts.append(b"d")
    for key in sorted(value):
        if not isinstance(key, bytes):
            raise TypeError(f"a bencoded key is bytes, not {type(key).__name__}")
        parts.append(b"%d:%b" % (len(key), key))
        _write(value[key], parts)
    parts.append(b"e")


def get_int(d: dict[bytes, Bencoded], key: bytes, low: int, high: int) -> int | None:
    """The integer at `key`; None when absent, of another type, or not in low … high."""
    value = d.get(key)
    return value if isinstance(value, int) and low <= value <= high else None


def get_bytes(d: dict[bytes, Bencoded], key: bytes, size_max: int | None = None) -> bytes | None:
    """The string at `key`; None when absent, of another type, or longer than `size_max`."""
    value = d.get(key)
    if not isinstance(value, bytes) or (size_max is not None and len(value) > size_max):
        return None
    return value


def get_list(d: dict[bytes, Bencoded], key: bytes) -> list[Bencoded] | None:
    """The list at `key`; None when absent or of another type."""
    value = d.get(key)
    return value if isinstance(value, list) else None


def get_dict(d: dict[bytes, Bencoded], key: bytes) -> dict[bytes, Bencoded] | None:
    """The dictionary at `key`; None when absent or of another type."""
    value = d.get(key)
    return value if isinstance(value, dict) else None
