"""The verbs of `torrentctl dht`, and their help."""

from torrentd.daemon.ctl.parser import Parser, Verbs


def define_dht(parser: Parser) -> Verbs:
    """Fields of their own are in `Options`; `torrentctl dht` alone is `dht status`."""
    verbs = Verbs(parser, "action", "dht ")
    verbs.add("status", "how the node is: nodes, our address, searches, traffic", _STATUS_DETAILS)
    verbs.add("nodes", "the nodes of the routing tables", _NODES_DETAILS)
    return verbs


DHT_DETAILS = """\
Without a verb: status.

examples:
  torrentctl dht
  torrentctl dht nodes --json | jq -r '.nodes[] | select(.rtt_s < 0.1).address'
"""
_STATUS_DETAILS = """\
A node is good when it answered or asked us within 15 minutes, questionable
(UNSURE) when it has been silent for longer, bad when it left queries
unanswered. SEEN AS is our address as nodes of different networks say (BEP 42),
with how many of them say so.

examples:
  torrentctl dht status
  torrentctl dht status --json | jq .nodes_good
"""
_NODES_DETAILS = """\
RTT is the round trip, SEEN how long ago the node last answered us. A node
whose ID does not follow from its address (BEP 42) has a * at its state.

examples:
  torrentctl dht nodes
  torrentctl dht nodes --json | jq -r '.nodes[].address'
"""
