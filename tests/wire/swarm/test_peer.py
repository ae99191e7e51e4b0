"""What a swarm remembers of one peer. No BEP applies."""

from tests.wire.swarm.stand_ins import stand_in
from torrentd.wire.formats.address import Address


def test_a_peer_is_told_apart_by_identity() -> None:
    one, same = stand_in(1, 2), stand_in(1, 2)
    assert one != same
    assert len({one: None, same: None}) == 2
    assert one.address == Address("20.0.1.1", 6881)


def test_peers_share_no_memory() -> None:
    one, other = stand_in(1), stand_in(2)
    one.reading[0, 0] = 1
    one.metadata_waiting.append(1)
    one.pex_told[one.address] = None
    assert not other.reading and not other.metadata_waiting and not other.pex_told
