"""Finding peers: a node of the mainline DHT (BEP 5, 32, 42, 43)."""
