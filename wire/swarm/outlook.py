"""What a swarm lives on at the moment: who is there, who gives, and what nobody has (BEP 3).

For people who wonder why nothing moves; nothing is decided by it.
"""

from dataclasses import dataclass

from torrentd.wire.swarm.company import Company
from torrentd.wire.swarm.download import Download
from torrentd.wire.swarm.piece_mask import indices


def pieces_here(company: Company) -> int:
    """Those that somebody has who is here."""
    here = 0
    for peer in company.peers.values():
        if peer.greeted:
            here |= peer.mask
    return here


@dataclass(slots=True)
class Outlook:
    """Peers and pieces, counted; before the store is open no piece counts as lacking."""

    known: int  # addresses
    dialing: int
    connected: int
    greeted: int  # of those, shook hands
    sources: int  # of those, have something that we lack
    choking: int  # of those, do not let us ask
    snubbed: int  # of the sources that let us: send nothing
    lacking: int  # pieces
    sourceless: int  # of those, which nobody here has
    first_sourceless: int | None


NOBODY = Outlook(0, 0, 0, 0, 0, 0, 0, 0, 0, None)  # of a torrent that has no company


def look_out(company: Company, download: Download | None) -> Outlook:
    lacking = download.picker.lacking if download is not None else 0
    greeted = [peer for peer in company.peers.values() if peer.greeted]
    sources = [peer for peer in greeted if peer.mask & lacking]
    orphans = lacking & ~pieces_here(company)
    return Outlook(
        known=len(company.candidates),
        dialing=company.dialing,
        connected=len(company.peers),
        greeted=len(greeted),
        sources=len(sources),
        choking=sum(peer.connection.peer_choking for peer in sources),
        snubbed=sum(p.connection.snubbed and not p.connection.peer_choking for p in sources),
        lacking=lacking.bit_count(),
        sourceless=orphans.bit_count(),
        first_sourceless=next(indices(orphans), None),
    )
