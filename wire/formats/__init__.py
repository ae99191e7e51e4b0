"""Bytes <-> values, pure: no room here knows a connection."""
