"""Hybrids (BEP 52, "Upgrade Path"): both halves describe the same files or none of them counts."""

import pytest

from torrentd.wire.formats.bencode import Bencoded
from torrentd.wire.formats.errors import MetainfoError
from torrentd.wire.formats.file_tree import BROKEN, MISMATCH, check_file_tree

LISTED = [((b"a",), 3), ((b"d", b"e", b"f"), 0), ((b"d", b"g"), 5)]


def leaf(length: Bencoded) -> dict[bytes, Bencoded]:
    return {b"": {b"length": length, b"pieces root": b"r" * 32}}


def tree() -> dict[bytes, Bencoded]:
    """Keys out of order: what counts is the order of the bytes."""
    return {b"d": {b"g": leaf(5), b"e": {b"f": leaf(0)}}, b"a": leaf(3)}


def refused(node: Bencoded) -> str:
    with pytest.raises(MetainfoError) as error:
        check_file_tree(node, list(LISTED))
    return error.value.reason


def test_the_same_files_in_the_order_of_sorted_keys_pass() -> None:
    check_file_tree(tree(), list(LISTED))


def test_a_link_has_no_length() -> None:
    check_file_tree({b"l": {b"": {b"attr": b"l", b"symlink path": [b"x"]}}}, [((b"l",), 0)])


def test_another_length_is_refused() -> None:
    assert refused(tree() | {b"a": leaf(4)}) == MISMATCH


def test_another_name_is_refused() -> None:
    assert refused({b"b": leaf(3), b"d": tree()[b"d"]}) == MISMATCH


def test_one_file_more_or_less_is_refused() -> None:
    assert refused(tree() | {b"z": leaf(0)}) == MISMATCH
    assert refused({b"a": leaf(3)}) == MISMATCH


@pytest.mark.parametrize(
    "node",
    [5, b"x", [], {}, leaf(3), {b"a": {}}, {b"a": 5}, {b"a": []}, {b"a": leaf(b"3")}],
)
def test_what_is_no_tree_is_refused(node: Bencoded) -> None:
    assert refused(node) == BROKEN


def test_a_file_is_no_folder_at_the_same_time() -> None:
    assert refused({b"a": leaf(3) | {b"b": leaf(1)}}) == BROKEN


def test_a_leaf_is_a_dictionary() -> None:
    assert refused({b"a": {b"": b"x"}}) == BROKEN


def test_depth_costs_no_recursion() -> None:
    node: Bencoded = leaf(3)
    for _ in range(100_000):
        node = {b"x": node}
    try:
        assert refused(node) == MISMATCH
    finally:
        while isinstance(node, dict) and b"x" in node:  # dealt with here: freeing would recurse
            node = node.pop(b"x")
