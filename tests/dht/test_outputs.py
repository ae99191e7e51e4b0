"""What the DHT tells (BEP 5): every kind of output is one of the union that callers match on."""

from typing import get_args

from tests.dht.makers import INFOHASH, address
from torrentd.dht import outputs
from torrentd.dht.items import ImmutableItem


def test_the_union_names_every_output() -> None:
    made = [
        outputs.SendDatagram(b"de", address(1)),
        outputs.PeersFound(INFOHASH, [address(1)]),
        outputs.SearchEnded(INFOHASH, queries=1, responses=1, peers=1, announced=0),
        outputs.ScrapeEnded(INFOHASH, seeds=1, peers=1, nodes=1),
        outputs.HopEnded(INFOHASH, address(1), "ipv4", None, None, 1, "silent", 5.0, 0, []),
        outputs.TraceEnded(INFOHASH, queries=1, responses=1),
        outputs.ItemEnded(bytes(20), ImmutableItem(b"de"), copies=1, nodes=1),
        outputs.PutEnded(ImmutableItem(b"de"), 1, [301], copies=0, found=None),
        outputs.SampleEnded(bytes(20), [INFOHASH], nodes=1, stored=1),
        outputs.PingEnded(address(1)),
        outputs.BootstrapWanted(),
        outputs.RejoinBegan("ipv4", None),
        outputs.SilenceEnded("ipv4", 1.0),
        outputs.ExternalAddressChanged("5.6.7.8"),
    ]
    assert {type(output) for output in made} == set(get_args(outputs.Output))
