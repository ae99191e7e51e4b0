"""The verbs of `torrentctl dht`, and their help."""

from torrentd.daemon.ctl.parser import Parser, Verbs, flag


def define_dht(parser: Parser) -> Verbs:
    """Fields of their own are in `Options`; `torrentctl dht` alone is `dht status`."""
    verbs = Verbs(parser, "action", "dht ")
    verbs.add("status", "how the node is: nodes, our address, searches, traffic", _STATUS_DETAILS)
    verbs.add("nodes", "the nodes of the routing tables", _NODES_DETAILS)
    lookup = verbs.add("lookup", "search the peers of an infohash, hop by hop", _LOOKUP_DETAILS)
    scrape = verbs.add("scrape", "about how many seeds and peers it has", _SCRAPE_DETAILS)
    for parser in (lookup, scrape):
        parser.add_argument(
            "infohash", metavar="INFOHASH|MAGNET", help="or one of the daemon's own torrents"
        )
    flag(lookup, "--jsonl", "as_jsonl", "one JSON document a line: each hop, then what was found")
    get = verbs.add("get", "the item that is stored under a name (BEP 44)", _GET_DETAILS)
    get.add_argument("target", metavar="TARGET|KEY", help="40 digits, or the 64 of its owner's key")
    get.add_argument("--salt", metavar="HEX", help="with a key: which of its owner's items")
    put = verbs.add("put", "store a text under its hash (BEP 44)", _PUT_DETAILS)
    put.add_argument("text", metavar="TEXT", help="at most 996 bytes")
    sample = verbs.add("sample", "infohashes that nodes know of (BEP 51)", _SAMPLE_DETAILS)
    sample.add_argument("target", nargs="?", default="", metavar="TARGET", help="40 digits")
    ping = verbs.add("ping", "ask one node whether it is there", _PING_DETAILS)
    add_node = verbs.add("add-node", "name a node: it is pinged and kept", _ADD_NODE_DETAILS)
    for parser in (ping, add_node):
        parser.add_argument("address", metavar="ADDRESS:PORT", help="an IPv4 or [IPv6] address")
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
_LOOKUP_DETAILS = """\
HOP counts the nodes that led to this one. DISTANCE is that of the node's ID to
the infohash (XOR): the smaller, the closer. The search is one of its own: it
announces nothing, and a torrent's own searches do not wait for it. Ends with
exit code 1 when nobody is found.

examples:
  torrentctl dht lookup c9e15763f722f23e98a29decdfae341b98d53056
  torrentctl dht lookup "$MAGNET" --json | jq -r '.peers[]'
"""
_SCRAPE_DETAILS = """\
Counted by the nodes where they announced themselves (BEP 33), and more of a
guess the more there are. Ends with exit code 1 when no node tells anything.

examples:
  torrentctl dht scrape c9e15763f722f23e98a29decdfae341b98d53056
  torrentctl dht scrape c9e1 --json | jq .seeds
"""
_PING_DETAILS = """\
Ends with exit code 1 when there is no answer within 5 seconds.

examples:
  torrentctl dht ping 192.0.2.7:6881
  torrentctl dht ping '[2001:db8::7]:6881'
"""
_ADD_NODE_DETAILS = """\
For a network whose bootstrap hosts are out of reach, or a DHT of one's own: one
node that answers is enough to find the others. Ends with exit code 1 when there
is no answer within 5 seconds.

examples:
  torrentctl dht add-node 192.0.2.7:6881
"""
_GET_DETAILS = """\
An item that its owner may change is named by the owner's key, which signs it;
any other by the hash of its value. The newest is shown, its signature verified.
Ends with exit code 1 when nobody has it.

examples:
  torrentctl dht get e5f96f6f38320f0f33959cb4d3d656452117aadb
  torrentctl dht get "$KEY" --salt 6e --json | jq .seq
"""
_PUT_DETAILS = """\
The text stays for about two hours with the nodes closest to its hash, which
anybody may get it by.

examples:
  torrentctl dht put 'Hello World!'
"""
_SAMPLE_DETAILS = """\
Asks the nodes on the way to TARGET, or to a random one; each may be asked anew
when its interval is over, within six hours.

examples:
  torrentctl dht sample
  torrentctl dht sample --json | jq -r '.infohashes[]'
"""
