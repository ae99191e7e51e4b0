"""A second bencode decoder (BEP 3), slow and short enough to be believed: the fast one's oracle."""

import re

from torrentd.wire.formats.bencode import Bencoded, Limits

_TOKEN = re.compile(rb"i(-?[1-9][0-9]{0,18}|0)e|(0|[1-9][0-9]{0,9}):|([lde])")
_Open = list[Bencoded]  # a container's items so far; a dictionary's keys and values in turn


def slow_decode(data: bytes, limits: Limits) -> Bencoded:
    """The value, or ValueError. Containers are kept on a list, so nothing recurses."""
    stack: list[tuple[bytes, _Open]] = [(b"root", [])]
    at = tokens = 0
    while at < len(data):
        token = _TOKEN.match(data, at)
        if token is None or (stack[0][1] and len(stack) == 1):
            raise ValueError("no token, or one behind the end")
        at = token.end()
        tokens += token[3] != b"e"
        if token[1]:
            stack[-1][1].append(_int64(int(token[1])))
        elif token[2]:
            at += int(token[2])
            stack[-1][1].append(data[token.end() : at])
        elif token[3] == b"e":
            kind, items = stack.pop()
            if not stack:
                raise ValueError("the end of nothing")
            stack[-1][1].append(items if kind == b"l" else _dictionary(items))
        else:
            stack.append((token[3], []))
        if len(stack) - 1 > limits.depth_max:
            raise ValueError("too deep")
    [(kind, items)] = stack
    if at != len(data) or len(items) != 1 or tokens > limits.tokens_max:
        raise ValueError("cut short, or too much")
    return items[0]


def _int64(number: int) -> int:
    if number.bit_length() > 63 and number != -(2**63):
        raise ValueError("more than 64 bits")
    return number


def _dictionary(items: _Open) -> dict[bytes, Bencoded]:
    keys, values = items[::2], items[1::2]
    d = {key: value for key, value in zip(keys, values, strict=True) if isinstance(key, bytes)}
    if len(d) != len(keys):
        raise ValueError("a key twice, or one that is no string")
    return d
