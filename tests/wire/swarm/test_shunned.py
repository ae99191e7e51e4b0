"""Hosts to leave alone until a time (security R1, X3). No BEP applies."""

from torrentd.wire.swarm.shunned import Shunned


def test_a_host_is_left_alone_until_its_time_and_the_oldest_of_too_many_is_forgotten() -> None:
    shunned = Shunned(2)
    shunned.add(b"a", 10.0)
    shunned.add(b"b", 20.0)
    assert shunned.holds(b"a", 9.0) and not shunned.holds(b"a", 10.0)
    shunned.add(b"a", 30.0)
    shunned.add(b"c", 40.0)
    assert not shunned.holds(b"b", 5.0) and shunned.holds(b"a", 5.0)


def test_what_was_to_last_beyond_a_time_can_be_forgotten() -> None:
    shunned = Shunned(9)
    shunned.add(b"a", 10.0)
    shunned.add(b"b", 20.0)
    shunned.forget_after(20.0)
    assert shunned.holds(b"a", 5.0) and not shunned.holds(b"b", 5.0)
