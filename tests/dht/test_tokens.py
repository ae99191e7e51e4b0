"""BEP 5, announce_peer: the write tokens (T26)."""

import random

import pytest

from tests.dht.makers import INFOHASH, NOW
from torrentd.dht.tokens import SECRET_S, TOKEN_BYTES, Tokens

HOST = "5.6.7.8"


def make_tokens() -> Tokens:
    return Tokens(random.Random(1), NOW)


def test_a_token_is_taken_for_at_least_five_and_at_most_ten_minutes() -> None:
    """ "tokens up to ten minutes old are accepted" """
    for given_at in (0.0, 100.0, SECRET_S - 1, SECRET_S, 750.0):
        tokens = make_tokens()
        token = tokens.token(HOST, INFOHASH, NOW + given_at)
        assert tokens.is_valid(token, HOST, INFOHASH, NOW + given_at + SECRET_S)
        assert not tokens.is_valid(token, HOST, INFOHASH, NOW + given_at + 2 * SECRET_S)


def test_a_token_is_not_taken_after_a_long_silence() -> None:
    tokens = make_tokens()
    token = tokens.token(HOST, INFOHASH, NOW)
    assert not tokens.is_valid(token, HOST, INFOHASH, NOW + 86_400)
    assert not tokens.is_valid(token, HOST, INFOHASH, NOW + 86_401)


def test_a_token_is_bound_to_the_host() -> None:
    tokens = make_tokens()
    token = tokens.token(HOST, INFOHASH, NOW)
    assert not tokens.is_valid(token, "5.6.7.9", INFOHASH, NOW)
    assert not tokens.is_valid(token, "2a00::1", INFOHASH, NOW)


def test_ipv6_hosts_of_one_64_are_one_host() -> None:
    tokens = make_tokens()
    token = tokens.token("2a00:1::1", INFOHASH, NOW)
    assert tokens.is_valid(token, "2a00:1::2", INFOHASH, NOW)
    assert not tokens.is_valid(token, "2a00:1:0:1::1", INFOHASH, NOW)


def test_a_token_is_bound_to_the_infohash() -> None:
    tokens = make_tokens()
    token = tokens.token(HOST, INFOHASH, NOW)
    assert not tokens.is_valid(token, HOST, bytes(20), NOW)


def test_no_flipped_bit_and_no_other_length_is_taken() -> None:
    tokens = make_tokens()
    token = tokens.token(HOST, INFOHASH, NOW)
    assert len(token) == TOKEN_BYTES and tokens.is_valid(token, HOST, INFOHASH, NOW)
    for bit in range(8 * TOKEN_BYTES):
        flipped = (int.from_bytes(token, "big") ^ (1 << bit)).to_bytes(TOKEN_BYTES, "big")
        assert not tokens.is_valid(flipped, HOST, INFOHASH, NOW)
    for other in (b"", token[:-1], token + b"x", token * 2):
        assert not tokens.is_valid(other, HOST, INFOHASH, NOW)


@pytest.mark.parametrize("count", [20_000])
def test_guessed_tokens_are_not_taken(count: int) -> None:
    tokens, rng = make_tokens(), random.Random(5)
    guesses = (rng.randbytes(TOKEN_BYTES) for _ in range(count))
    assert not any(tokens.is_valid(guess, HOST, INFOHASH, NOW) for guess in guesses)


def test_two_nodes_give_different_tokens() -> None:
    first, second = Tokens(random.Random(1), NOW), Tokens(random.Random(2), NOW)
    assert first.token(HOST, INFOHASH, NOW) != second.token(HOST, INFOHASH, NOW)
