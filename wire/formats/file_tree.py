"""The file tree of a hybrid torrent, read only to see that it tells the same as the list (BEP 52).

A hybrid is downloaded as version 1. Were its two halves different, two clients would see two
torrents under one infohash.
"""

from collections.abc import Iterator
from operator import itemgetter

from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.errors import MetainfoError

MISMATCH = "the hybrid torrent's version 1 and version 2 halves describe different files"
BROKEN = "the hybrid torrent's file tree is broken"

Listed = tuple[tuple[bytes, ...], int]


def check_file_tree(tree: Bencoded, listed: list[Listed]) -> None:
    """Raise MetainfoError unless the tree holds exactly `listed`: path and length of each file of
    the version 1 list that is no padding, in order."""
    count = 0
    for file in _walk(tree):
        if count == len(listed) or file != listed[count]:
            raise MetainfoError(MISMATCH)
        count += 1
    if count != len(listed):
        raise MetainfoError(MISMATCH)


def _walk(tree: Bencoded) -> Iterator[Listed]:
    # Depth first, keys as sorted bytes, which is the order of the version 1 list (BEP 52,
    # "Upgrade Path"). No recursion and no path that is not on the way: the shape is a stranger's.
    path: list[bytes] = []
    branches = [_children(tree)]
    while branches:
        key, node = next(branches[-1], (b"", None))
        if node is None:
            branches.pop()
            del path[-1:]
        elif isinstance(node, dict) and b"" in node:
            yield (*path, key), _leaf_length(node)
        else:
            path.append(key)
            branches.append(_children(node))


def _children(node: Bencoded) -> Iterator[tuple[bytes, Bencoded]]:
    if not isinstance(node, dict) or not node or b"" in node:
        raise MetainfoError(BROKEN)
    return iter(sorted(node.items(), key=itemgetter(0)))


def _leaf_length(node: dict[bytes, Bencoded]) -> int:
    # "a zero-length key … maps to a dictionary that describes the file"
    leaf = node[b""]
    if len(node) != 1 or not isinstance(leaf, dict):
        raise MetainfoError(BROKEN)
    attr = leaf.get(b"attr")
    if isinstance(attr, bytes) and b"l" in attr:
        return 0
    length = leaf.get(b"length")
    if not isinstance(length, int):
        raise MetainfoError(BROKEN)
    return length
