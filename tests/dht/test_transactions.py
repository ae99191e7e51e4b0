"""BEP 5, KRPC Protocol: transaction ids (D5, T26)."""

import random

from tests.dht.makers import NOW, THEIR_ID, address, node_id
from torrentd.dht.node_id import node_id_for
from torrentd.dht.transactions import HARD_TIMEOUT_S, PENDING_MAX, Transactions


def make() -> Transactions:
    return Transactions(random.Random(1))


def test_a_reply_closes_its_query_once() -> None:
    transactions = make()
    asked = transactions.begin(address(1), THEIR_ID, NOW)
    assert asked is not None and len(asked.transaction_id) == 4
    assert transactions.is_asked(address(1))
    assert transactions.take(address(1), asked.transaction_id) is asked
    assert transactions.take(address(1), asked.transaction_id) is None
    assert not transactions.is_asked(address(1)) and len(transactions) == 0


def test_an_answer_from_another_address_or_port_is_none() -> None:
    transactions = make()
    asked = transactions.begin(address(1), THEIR_ID, NOW)
    assert asked is not None
    assert transactions.take(address(2), asked.transaction_id) is None
    assert transactions.take(address(1, port=6882), asked.transaction_id) is None
    assert transactions.take(address(1), asked.transaction_id) is asked


def test_guessed_transaction_ids_find_nothing() -> None:
    transactions, rng = make(), random.Random(2)
    for index in range(PENDING_MAX):
        transactions.begin(address(index), THEIR_ID, NOW)
    hits = sum(
        transactions.take(address(rng.randrange(PENDING_MAX)), rng.randbytes(4)) is not None
        for _ in range(100_000)
    )
    assert hits == 0


def test_the_open_queries_are_bounded() -> None:
    transactions = make()
    begun = [transactions.begin(address(i), None, NOW) for i in range(PENDING_MAX + 10)]
    assert begun[PENDING_MAX:] == [None] * 10 and transactions.room == 0


def test_silence_ends_a_query_after_five_seconds() -> None:
    transactions = make()
    first = transactions.begin(address(1), None, NOW)
    second = transactions.begin(address(1), None, NOW + 1)
    assert transactions.next_deadline() == NOW + HARD_TIMEOUT_S
    assert transactions.expired(NOW + HARD_TIMEOUT_S - 0.001) == []
    assert transactions.expired(NOW + HARD_TIMEOUT_S) == [first]
    assert transactions.is_asked(address(1))
    assert transactions.expired(NOW + 60) == [second]
    assert transactions.next_deadline() is None and not transactions.is_asked(address(1))


def test_at_its_deadline_a_query_has_expired_whatever_the_rounding() -> None:
    rng = random.Random(3)
    for _ in range(2000):
        transactions = make()
        transactions.begin(address(1), None, rng.random() * 1e6)
        deadline = transactions.next_deadline()
        assert deadline is not None and len(transactions.expired(deadline)) == 1


def test_a_false_id_that_a_liar_named_does_not_silence_an_honest_node() -> None:
    transactions = make()
    transaction = transactions.begin(address(1), node_id(1), NOW)
    assert transaction is not None
    assert transaction.may_answer(node_id(1)) and not transaction.may_answer(node_id(2))
    assert transaction.may_answer(node_id_for(address(1).host, random.Random(2)))
    assert not transaction.may_answer(node_id_for(address(2).host, random.Random(2)))
