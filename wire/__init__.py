"""The peer wire protocol: its formats, one connection, one swarm, and pieces at rest (BEP 3)."""
