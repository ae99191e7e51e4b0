"""The documents of `torrentctl dht` as a person reads them."""

import sys

from torrentd.daemon.ctl.columns import Column
from torrentd.daemon.ctl.document import Document
from torrentd.daemon.ctl.quantities import duration, milliseconds, size
from torrentd.daemon.ctl.sentences import many
from torrentd.daemon.ctl.tables import ADDRESS_WIDTH, INFOHASH_SHOWN, print_rows, print_table

# Lines, and names on a line; --json has them all.
SEARCHES_MAX = 8
VOTES_MAX = 3
VOTERS_MAX = 2

FAMILY_COLUMNS = [
    Column("FAMILY", 6),
    Column("GOOD", 4, right=True),
    Column("UNSURE", 6, right=True),
    Column("BAD", 3, right=True),
    Column("BUCKETS", 7, right=True),
    Column("SEEN AS", 0),
]
NODE_COLUMNS = [
    Column("ID", 0),
    Column("ADDRESS", ADDRESS_WIDTH, spill=True),
    Column("STATE", 13, styles={"good": "32", "bad": "31"}),
    Column("FAMILY", 6),
    Column("RTT", 6, right=True),
    Column("SEEN", 6, right=True),
]


def show_status(document: Document) -> None:
    if not document.flag("enabled"):
        print("the DHT is off: dht.enabled is false")
        return
    nodes = document.children("families") + document.children("further")
    print_table(FAMILY_COLUMNS, [family_row(node) for node in nodes])
    print()
    print_rows(status_rows(document))


def status_rows(document: Document) -> list[tuple[str, str]]:
    """All but the table of the families."""
    families, further = document.children("families"), document.children("further")
    rows = []
    for node in families + further:
        rows.append((f"{node.text('family')} id", node.text("node_id")))
        if further:
            rows.append(("", f"at {node.text('listens_at') or 'no address just now'}"))
    for family in families:
        rows += _votes(family)
    rows += [("nodes", _known(document))] if further else []
    rows += [
        ("last reply", _last_reply(document)),
        *_health(families),
        ("asked", _asked(document)),
        ("answered", _answered(document)),
        ("received", _traffic(document, "received")),
        ("sent", _traffic(document, "sent")),
        ("peers stored", _stored(document)),
    ]
    return rows + _searches(document)


def show_nodes(document: Document) -> None:
    nodes = document.children("nodes")
    if not nodes:
        print("no node is known yet; torrentctl dht add-node names one")
        return
    for ours, known in _by_our_address(nodes):
        if ours:
            print(ours)
        print_table(NODE_COLUMNS, [node_row(node) for node in known])
    print(many(len(nodes), "node"))


def show_ping(document: Document) -> None:
    address, rtt_s = document.text("address"), document.number_or_none("rtt_s")
    if rtt_s is None:
        print(f"{address} does not answer")
        return
    print(f"{address} answers after {milliseconds(rtt_s)}")
    rows = [
        ("id", document.text("node_id") or "none: it answers with an error"),
        ("sees us as", document.text("sees_us_as")),
    ]
    print_rows([row for row in rows if row[1]])


def show_scrape(document: Document) -> None:
    nodes = document.integer("nodes")
    if document.is_false("complete"):
        print("the DHT takes too long to answer")
    elif not nodes:
        print("no node knows anybody who has it")
    else:
        seeds, peers = document.integer("seeds"), document.integer("peers")
        counted = f"about {many(seeds, 'seed')} and {many(peers, 'other peer')}"
        print(f"{counted}, as {many(nodes, 'node')} counted")


def show_item(document: Document) -> None:
    asked = many(document.integer("nodes"), "node")
    if not document.flag("found"):
        print(f"none of {asked} has it")
        return
    if document.text("key"):
        print(f"key     {document.text('key')}")
        print(f"seq     {document.integer('seq')}")
    print(f"value   {document.written('value')}")
    print(f"copies  {document.integer('copies')}, {asked} asked")


def show_put(document: Document) -> None:
    print(f"target  {document.text('target')}")
    stored = document.integer("stored")
    print(f"stored  with {many(stored, 'node')}" if stored else "stored  nowhere: no node took it")


def show_sample(document: Document) -> None:
    infohashes = document.texts("infohashes")
    for infohash in infohashes:
        print(infohash)
    counted = many(len(infohashes), "infohash", "infohashes")
    print(f"{counted} of {many(document.integer('nodes'), 'node')}", file=sys.stderr)


def show_added_node(document: Document) -> None:
    show_ping(document)
    if document.flag("kept"):
        print("it is in the routing table")
    elif document.flag("answered"):
        print("it is not in the routing table: there is no room for it now, or it is no node")


def family_row(family: Document) -> list[str]:
    return [
        family.text("family"),
        str(family.integer("nodes_good")),
        str(family.integer("nodes_questionable")),
        str(family.integer("nodes_bad")),
        str(family.integer("buckets")),
        _seen_as(family),
    ]


def node_row(node: Document) -> list[str]:
    age_s = node.number_or_none("replied_age_s")
    rtt_s = node.number_or_none("rtt_s")
    return [
        node.text("node_id"),
        node.text("address"),
        node.text("state") + ("" if node.flag("fits_host") else "*"),
        node.text("family"),
        "" if rtt_s is None else milliseconds(rtt_s),
        "never" if age_s is None else duration(age_s),
    ]


def _by_our_address(nodes: list[Document]) -> list[tuple[str, list[Document]]]:
    """Each routing table below its own title, where a family has several (BEP 45)."""
    tables: dict[str, list[Document]] = {}
    for node in nodes:
        tables.setdefault(f"{node.text('family')} at {node.text('listens_at')}", []).append(node)
    families = {node.text("family") for node in nodes}
    return list(tables.items()) if len(tables) > len(families) else [("", nodes)]


def _seen_as(family: Document) -> str:
    address = family.text("external_address")
    votes = dict(family.child("votes").texts_by_key())
    count = sum(len(voters) for voters in votes.values())
    if not address:
        return f"not known yet, {many(count, 'vote')}" if count else "not known yet"
    return f"{address}, {len(votes.get(address, []))} of {many(count, 'vote')}"


def _votes(family: Document) -> list[tuple[str, str]]:
    """Who says what our address is, the most votes first."""
    votes = family.child("votes").texts_by_key()
    rows: list[tuple[str, str]] = []
    for address, voters in sorted(votes, key=lambda vote: -len(vote[1]))[:VOTES_MAX]:
        more = len(voters) - VOTERS_MAX
        names = ", ".join(voters[:VOTERS_MAX]) + (f" and {more} more" if more > 0 else "")
        rows.append(("votes" if not rows else "", f"{address} by {names}"))
    return rows


def _known(document: Document) -> str:
    good, unsure = document.integer("nodes_good"), document.integer("nodes_questionable")
    return f"{good} good, {unsure} unsure, {document.integer('nodes_bad')} bad, of all together"


def _last_reply(document: Document) -> str:
    age_s = document.number_or_none("last_reply_age_s")
    return "none yet" if age_s is None else f"{duration(age_s)} ago"


def _health(families: list[Document]) -> list[tuple[str, str]]:
    """Only what is not as it should be, or was not."""
    rows = []
    for family in families:
        words = {"joining": "nobody has answered yet", "silent": "nobody answers any more"}
        state = words.get(family.text("health"), "")
        rejoins = family.integer("rejoins")
        joined = f"everybody asked again {many(rejoins, 'time')}" if rejoins else ""
        text = ", ".join(part for part in (state, joined) if part)
        if text:
            rows.append((f"{family.text('family')} state", text))
    return rows


def _asked(document: Document) -> str:
    queries = many(document.integer("queries_sent"), "query", "queries")
    return (
        f"{queries}, {document.integer('replies_received')} replied, "
        f"{document.integer('timeouts')} timed out"
    )


def _answered(document: Document) -> str:
    queries = many(document.integer("queries_received"), "query", "queries")
    return (
        f"{document.integer('replies_sent')} of {queries} from others, "
        f"{document.number('answered_per_s'):.1f} a second"
    )


def _stored(document: Document) -> str:
    items = many(document.integer("items_stored"), "item")
    return f"{document.integer('peers_stored')}, and {items}, left here by others"


def _traffic(document: Document, direction: str) -> str:
    packets = many(document.integer(f"datagrams_{direction}"), "packet")
    text = f"{packets}, {size(document.integer(f'bytes_{direction}'))}"
    dropped = document.integer("datagrams_dropped")
    return f"{text}, {dropped} dropped" if direction == "received" and dropped else text


def _searches(document: Document) -> list[tuple[str, str]]:
    searches = document.children("searches")
    if not searches:
        return [("searches", "none running")]
    rows = [("searches", f"{len(searches)} running")]
    for search in searches[:SEARCHES_MAX]:
        name = search.text("infohash")[:INFOHASH_SHOWN]
        if search.flag("waiting"):
            rows.append((f"  {name}", "waiting"))
            continue
        asked, replied = search.integer("queries"), search.integer("responses")
        peers = many(search.integer("peers"), "peer")
        rows.append((f"  {name}", f"{asked} asked, {replied} replied, {peers}"))
    if len(searches) > SEARCHES_MAX:
        rows.append(("  …", f"and {len(searches) - SEARCHES_MAX} more"))
    return rows
