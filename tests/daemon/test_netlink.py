"""rtnetlink in bytes: what a kernel told, decoded; and whatever else comes raises one error."""

import random
import socket
import struct

import pytest

from torrentd.daemon.netlink import (
    IFA_ADDRESS,
    IFA_F_DADFAILED,
    IFA_F_TENTATIVE,
    IFA_FLAGS,
    IFA_LOCAL,
    NLMSG_DONE,
    RTM_NEWADDR,
    NetlinkError,
    decode_address,
    decode_messages,
    encode_dump_request,
)


def attribute(kind: int, value: bytes) -> bytes:
    padding = bytes(-len(value) % 4)
    return struct.pack("=HH", 4 + len(value), kind) + value + padding


def address(text: str, *attributes: bytes, flags: int = 0x80) -> bytes:
    """The payload of RTM_NEWADDR, with the address where ours is."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    kind = IFA_ADDRESS if ":" in text else IFA_LOCAL
    head = struct.pack("=BBBBI", family, 24, flags, 0, 2)
    return head + attribute(kind, socket.inet_pton(family, text)) + b"".join(attributes)


def message(kind: int, payload: bytes, sequence: int = 7, flags: int = 2) -> bytes:
    data = struct.pack("=IHHII", 16 + len(payload), kind, flags, sequence, 0) + payload
    return data + bytes(-len(data) % 4)


class TestMessages:
    def test_a_datagram_holds_many(self) -> None:
        data = message(RTM_NEWADDR, address("10.1.2.3")) + message(NLMSG_DONE, bytes(4), sequence=8)
        first, second = decode_messages(data)
        assert (first.type, first.flags, first.sequence) == (RTM_NEWADDR, 2, 7)
        assert (second.type, second.sequence, second.payload) == (NLMSG_DONE, 8, bytes(4))

    def test_each_begins_at_a_multiple_of_four(self) -> None:
        assert [m.payload for m in decode_messages(message(1, b"abcde") + message(2, b"f"))] == [
            b"abcde",
            b"f",
        ]

    @pytest.mark.parametrize("length", [0, 15, 17, 2**32 - 1])
    def test_a_length_that_makes_no_sense_is_an_error(self, length: int) -> None:
        data = struct.pack("=IHHII", length, 1, 0, 0, 0)
        with pytest.raises(NetlinkError):
            list(decode_messages(data))

    def test_the_request_is_one_message_for_addresses_of_every_family(self) -> None:
        (request,) = decode_messages(encode_dump_request(5))
        assert (request.type, request.flags, request.sequence) == (22, 0x301, 5)
        assert request.payload == bytes(8)


class TestAddress:
    @pytest.mark.parametrize("text", ["10.1.2.3", "2001:db8::5", "fe80::1"])
    def test_our_end_is_told(self, text: str) -> None:
        assert decode_address(address(text)) == text

    def test_of_a_point_to_point_link_the_other_end_is_not_ours(self) -> None:
        other = attribute(IFA_ADDRESS, socket.inet_aton("10.8.0.1"))
        assert decode_address(address("10.8.0.2", other)) == "10.8.0.2"

    @pytest.mark.parametrize("flag", [IFA_F_TENTATIVE, IFA_F_DADFAILED])
    def test_one_that_cannot_be_bound_yet_is_none(self, flag: int) -> None:
        """IPv6 asks first whether somebody else has it."""
        assert decode_address(address("2001:db8::5", flags=flag)) is None
        wide = attribute(IFA_FLAGS, struct.pack("=I", 0x100 | flag))
        assert decode_address(address("2001:db8::5", wide, flags=0)) is None

    def test_the_long_flags_count_where_both_are_told(self) -> None:
        wide = attribute(IFA_FLAGS, struct.pack("=I", 0x300))
        assert decode_address(address("2001:db8::5", wide, flags=IFA_F_TENTATIVE)) == "2001:db8::5"

    def test_another_family_has_no_address_here(self) -> None:
        assert decode_address(struct.pack("=BBBBI", 7, 0, 0, 0, 1)) is None


def test_no_bytes_raise_anything_else() -> None:
    rng = random.Random(1)
    whole = message(RTM_NEWADDR, address("2001:db8::5", attribute(IFA_FLAGS, bytes(4))))
    for _ in range(20_000):
        data = bytearray(whole * rng.randint(1, 3))
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        try:
            for told in decode_messages(bytes(data[: rng.randint(0, len(data))])):
                decode_address(told.payload)
        except NetlinkError:
            pass
