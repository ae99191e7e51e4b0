"""The verbs of mutable torrents as they are typed."""

import pytest

from torrentd.daemon.ctl.arguments import parse
from torrentd.daemon.ctl.failure import Failure


def test_follow_with_and_without_a_magnet() -> None:
    assert parse(["follow"]).uri == ""
    options = parse(["follow", "magnet:?xs=urn:btpk:ab", "--dir", "/srv"])
    assert (options.uri, options.dir) == ("magnet:?xs=urn:btpk:ab", "/srv")


def test_publish_needs_a_key_file() -> None:
    options = parse(["publish", "c9e1", "--key", "k.pem", "--new-key", "--salt", "n"])
    assert (options.torrent, options.key_file, options.salt) == ("c9e1", "k.pem", "n")
    assert options.new_key and not parse(["publish", "c9e1", "--key", "k"]).new_key
    with pytest.raises(Failure, match="--key"):
        parse(["publish", "c9e1"])
