"""Bytes <-> values (BEP 3, 5, 9, 10 …), pure: no room here knows a connection."""
