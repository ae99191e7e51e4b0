"""`torrentctl dht lookup` as it happens: a line a hop, and the peers at the end."""

import sys

from torrentd.daemon.ctl.columns import has_colour, terminal_width
from torrentd.daemon.ctl.document import Document, json_text
from torrentd.daemon.ctl.quantities import milliseconds, seconds
from torrentd.daemon.ctl.sentences import many

ADDRESS_WIDTH = 21  # any IPv4 address with its port; a longer one gets a line of its own
PEERS_MAX = 100  # shown; --json has them all
_TITLE = f"{'TIME':>6} HOP NODE     {'ADDRESS':<{ADDRESS_WIDTH}} DISTANCE     RTT GAVE"


class Watch:
    """Prints each hop that is told, below a title that comes with the first."""

    def __init__(self) -> None:
        self._colour = has_colour()
        self._began = False

    def show_hop(self, hop: Document) -> None:
        if not self._began:
            self._began = True
            print(_TITLE)
        address = hop.text("address")
        if len(address) > ADDRESS_WIDTH:
            print(address)
            address = ""
        bits = hop.integer_or_none("distance_bits")
        line = (
            f"{hop.number('at_s'):>5.2f}s {hop.integer('depth'):>3} "
            f"{hop.text('node_id')[:8]:<8} {address:<{ADDRESS_WIDTH}} "
            f"{'' if bits is None else f'2^{bits}':>8} {_rtt(hop):>7} "
        )
        print(line + self._painted(hop), flush=True)

    def _painted(self, hop: Document) -> str:
        gave = _gave(hop)
        if not self._colour:
            return gave
        style = "32" if hop.count("peers") else "" if _answered(hop) else "2"
        return f"\x1b[{style}m{gave}\x1b[0m" if style else gave


def print_hop(hop: Document) -> None:
    """As it came, for machines."""
    sys.stdout.write(json_text(hop.value, indented=False))
    sys.stdout.flush()


def print_found(document: Document) -> None:
    """All but the hops, which were told."""
    found = {key: value for key, value in document.fields() if key != "hops"}
    sys.stdout.write(json_text(found, indented=False))


def show_found(document: Document) -> None:
    """The peers in columns, and the search in a sentence."""
    peers = document.texts("peers")
    shown = peers[:PEERS_MAX]
    if shown:
        print()
        width = max(len(peer) for peer in shown) + 2
        count = max(1, terminal_width() // width)
        for start in range(0, len(shown), count):
            print("".join(f"{peer:<{width}}" for peer in shown[start : start + count]).rstrip())
    if len(peers) > PEERS_MAX:
        print(f"… and {len(peers) - PEERS_MAX} more; --json has them all")
    print()
    print(_summary(document, len(peers)))


def _summary(document: Document, peers: int) -> str:
    first_s = document.number_or_none("first_peer_s")
    first = "" if first_s is None else f", the first after {seconds(first_s)}"
    took = seconds(document.number("took_s"))
    if document.is_false("complete"):
        return f"{many(peers, 'peer')}{first}; given up after {took}"
    asked, replied = document.integer("queries"), document.integer("responses")
    return f"{many(peers, 'peer')}{first}; {many(asked, 'node')} asked, {replied} replied, {took}"


def _answered(hop: Document) -> bool:
    return hop.text("outcome") == "answered"


def _rtt(hop: Document) -> str:
    return "" if hop.text("outcome") == "silent" else milliseconds(hop.number("rtt_s"))


def _gave(hop: Document) -> str:
    match hop.text("outcome"):
        case "answered":
            peers = hop.integer("peers_given")
            if peers:
                return f"{many(peers, 'peer')}, {hop.count('peers')} new"
            return many(hop.integer("nodes"), "node")
        case "silent":
            return "no answer"
        case "error":
            return "an error"
        case "wrong id":
            return "another node answers"
        case other:
            return other
