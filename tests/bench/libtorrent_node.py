"""libtorrent's DHT node in a process of its own, its limits lifted, for `make bench-dht`.

    python -m tests.bench.libtorrent_node HOST BOOTSTRAP_HOST BOOTSTRAP_PORT

It is told of half the village: by itself it keeps some fourteen nodes of so small a network.
Prints the number of nodes in its table for each line that it reads, and ends with its input.
"""

import sys

import libtorrent as lt

from tests.bench import village
from tests.interop.libtorrent_client import LibtorrentClient

LIFTED: "lt.settings_pack" = {
    "enable_dht": True,
    "dht_block_ratelimit": 1_000_000,  # datagrams a second of one source; 5 by default
    "dht_upload_rate_limit": 1_000_000_000,  # bytes a second; 8,000 by default
}


def main() -> None:
    host, bootstrap_host, bootstrap_port = sys.argv[1:]
    with LibtorrentClient(host, LIFTED) as client:
        client.add_node(bootstrap_host, int(bootstrap_port))
        for index in range(0, village.NODES, 2):
            client.add_node(village.host(index), village.PORT)
        for _ in sys.stdin:
            print(client.dht_nodes(), flush=True)


if __name__ == "__main__":
    main()
