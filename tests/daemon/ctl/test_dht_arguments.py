"""The verbs of `torrentctl dht` (their parsing in full: test_arguments)."""

from torrentd.daemon.ctl.dht_arguments import define_dht
from torrentd.daemon.ctl.parser import Parser


def test_every_verb_has_help_with_examples() -> None:
    verbs = define_dht(Parser(prog="torrentctl dht")).made
    assert {
        "dht status",
        "dht nodes",
        "dht lookup",
        "dht scrape",
        "dht ping",
        "dht add-node",
    } <= verbs.keys()
    for name, parser in verbs.items():
        assert "examples:\n  torrentctl dht" in (parser.epilog or ""), name
