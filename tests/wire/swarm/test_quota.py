"""A host is served no more than three times the torrent in a day (W8, T23). No BEP applies."""

from torrentd.wire.swarm.quota import HOSTS_MAX, UploadQuota

HOST = b"\x14\0\0\1"
DAY = 24 * 3600.0


def test_three_times_the_torrent_and_no_more() -> None:
    quota = UploadQuota(100)
    quota.add(HOST, 299, 0.0)
    assert not quota.is_spent(HOST, 1.0)
    quota.add(HOST, 1, 1.0)
    assert quota.is_spent(HOST, 1.0)
    assert not quota.is_spent(b"\x14\0\0\2", 1.0), "another host has its own"


def test_the_next_day_begins_anew() -> None:
    quota = UploadQuota(100)
    quota.add(HOST, 300, 0.0)
    assert quota.is_spent(HOST, DAY - 1)
    assert not quota.is_spent(HOST, DAY)
    quota.add(HOST, 10, DAY)
    assert not quota.is_spent(HOST, DAY)


def test_the_hosts_remembered_are_bounded() -> None:
    quota = UploadQuota(100)
    for number in range(HOSTS_MAX + 1):
        quota.add(number.to_bytes(4), 300, 0.0)
    assert not quota.is_spent((0).to_bytes(4), 1.0)
    assert quota.is_spent((1).to_bytes(4), 1.0)
