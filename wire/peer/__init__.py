"""One connection with one peer: bytes and time in, events and bytes out (BEP 3, 6, 10)."""
