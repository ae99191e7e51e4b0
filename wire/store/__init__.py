"""Pieces at rest: blocking I/O, called from threads, no event loop (BEP 3, 47)."""
