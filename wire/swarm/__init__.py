"""One infohash: every decision about its peers and its pieces (BEP 3, 6, 9, 10, 11)."""
