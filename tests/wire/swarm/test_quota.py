"""A host that takes and never gains is served last, then not at all (W8, T23). No BEP applies."""

from torrentd.wire.swarm.quota import HOSTS_MAX, UNFINISHED_BYTES, UploadQuota

HOST = b"\x14\0\0\1"
OTHER = b"\x14\0\0\2"
DAY = 24 * 3600.0


def test_three_times_the_torrent_in_vain_and_no_more() -> None:
    quota = UploadQuota(100, 10)
    quota.sent(HOST, 299, 0.0)
    assert not quota.is_spent(HOST, 1.0)
    quota.sent(HOST, 1, 1.0)
    assert quota.is_spent(HOST, 1.0)
    assert not quota.is_spent(OTHER, 1.0), "another host has its own"


def test_its_day_of_rest_begins_with_the_last_byte() -> None:
    quota = UploadQuota(100, 10)
    quota.sent(HOST, 150, 0.0)
    quota.sent(HOST, 150, DAY / 2)
    assert quota.is_spent(HOST, DAY * 1.5 - 1)
    assert not quota.is_spent(HOST, DAY * 1.5)
    quota.sent(HOST, 10, DAY * 1.5)
    assert not quota.is_spent(HOST, DAY * 1.5)


def test_what_was_sent_in_vain_yesterday_is_forgotten() -> None:
    quota = UploadQuota(100, 10)
    quota.sent(HOST, 290, 0.0)
    quota.sent(HOST, 290, DAY)
    assert not quota.is_spent(HOST, DAY)


def test_many_behind_one_address_may_each_have_the_torrent() -> None:
    """A carrier's NAT, or a house with ten machines: each says what it gains."""
    quota = UploadQuota(100, 10)
    for _ in range(10):
        for _ in range(10):
            quota.sent(HOST, 10, 0.0)
            quota.gained(HOST, 10)
    assert not quota.is_spent(HOST, 1.0)


def test_claims_are_no_credit_for_what_comes_later() -> None:
    quota = UploadQuota(100, 10)
    for _ in range(100):
        quota.gained(HOST, 10)
    quota.sent(HOST, 50, 0.0)
    for _ in range(100):
        quota.gained(HOST, 10)
    quota.sent(HOST, 300, 0.0)
    assert quota.is_spent(HOST, 0.0)


def test_nobody_talks_itself_out_of_its_day_of_rest() -> None:
    quota = UploadQuota(100, 10)
    quota.sent(HOST, 300, 0.0)
    quota.gained(HOST, 300)
    assert quota.is_spent(HOST, 1.0)


def test_claims_far_behind_what_was_sent_are_doubtful() -> None:
    quota = UploadQuota(10**9, 1000)
    quota.sent(HOST, UNFINISHED_BYTES + 4 * 1000, 0.0)
    assert not quota.is_doubtful(HOST, 0.0), "so much may be of pieces that are not whole"
    quota.sent(HOST, 1, 0.0)
    assert quota.is_doubtful(HOST, 0.0) and not quota.is_spent(HOST, 0.0)
    quota.gained(HOST, 1000)
    assert not quota.is_doubtful(HOST, 0.0)


def test_the_hosts_remembered_are_bounded() -> None:
    quota = UploadQuota(100, 10)
    for number in range(HOSTS_MAX + 1):
        quota.sent(number.to_bytes(4), 300, 0.0)
    assert not quota.is_spent((0).to_bytes(4), 1.0)
    assert quota.is_spent((1).to_bytes(4), 1.0)
