"""Addresses and payloads for the real clients."""

import itertools
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.payload import Payload, many_files, single_file

_numbers = itertools.count(1)


@pytest.fixture
def new_host() -> Callable[[], str]:
    """A loopback address nobody else in this run uses, each in a /24 of its own."""
    octet = 16 + os.getpid() % 200
    return lambda: f"127.{octet}.{next(_numbers) % 250 + 1}.1"


@pytest.fixture(scope="session")
def payloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("payloads")


@pytest.fixture(scope="session")
def single(payloads: Path) -> Payload:
    """12 MiB and some: the last piece is short, and so is its last block."""
    return single_file(payloads, 12 * 2**20 + 12345)


@pytest.fixture(scope="session")
def many(payloads: Path) -> Payload:
    """3,000 files, some of them empty."""
    return many_files(payloads, 3000)
