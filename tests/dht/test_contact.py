"""BEP 5, Routing Table: good, questionable, bad; compact node info (BEP 5, 32)."""

import pytest

from tests.dht.makers import NOW, address, contact, node_id
from tests.vectors.dht import NODES
from torrentd.dht.contact import Contact, NodeState, decode_nodes, encode_nodes
from torrentd.dht.node_id import NodeId
from torrentd.wire.formats.address import Address
from torrentd.wire.formats.errors import ProtocolError

QUARTER_S = 15 * 60


class TestNodeState:
    def test_who_never_answered_is_questionable(self) -> None:
        """ "has responded to one of our queries" """
        never = Contact(node_id(1), address(1))
        never.last_queried_at = NOW
        assert never.state(NOW) is NodeState.QUESTIONABLE

    def test_an_answer_is_good_for_15_minutes(self) -> None:
        node = contact(1, 1, NOW)
        assert node.state(NOW + QUARTER_S - 1) is NodeState.GOOD
        assert node.state(NOW + QUARTER_S) is NodeState.QUESTIONABLE

    def test_a_query_keeps_good_who_ever_answered(self) -> None:
        node = contact(1, 1, NOW)
        node.last_queried_at = NOW + 3600
        assert node.state(NOW + 3600 + QUARTER_S - 1) is NodeState.GOOD
        assert node.state(NOW + 3600 + QUARTER_S) is NodeState.QUESTIONABLE

    def test_failing_multiple_queries_in_a_row_is_bad(self) -> None:
        node = contact(1, 1, NOW)
        node.failures = 1
        assert node.state(NOW) is NodeState.QUESTIONABLE
        node.failures = 2
        assert node.state(NOW) is NodeState.BAD
        node.replied(NOW, 0.1)
        assert node.state(NOW) is NodeState.GOOD

    def test_the_round_trip_is_smoothed(self) -> None:
        node = contact(1, 1)
        node.replied(NOW, 0.1)
        assert node.rtt_s == 0.1
        node.replied(NOW, 0.2)
        assert node.rtt_s == pytest.approx(0.13)


@pytest.mark.parametrize(("packed", "id_hex", "host", "port"), NODES)
def test_compact_node_info(packed: str, id_hex: str, host: str, port: int) -> None:
    data = bytes.fromhex(packed)
    expected = (NodeId(bytes.fromhex(id_hex)), Address(host, port))
    assert decode_nodes(data * 3, len(data), 20) == [expected] * 3
    assert encode_nodes([Contact(*expected)] * 3) == data * 3
    for cut in range(1, len(data)):
        with pytest.raises(ProtocolError):
            decode_nodes(data + data[:cut], len(data), 20)


def test_no_more_nodes_are_decoded_than_asked_for() -> None:
    assert len(decode_nodes(bytes(26 * 1000), 26, 20)) == 20
