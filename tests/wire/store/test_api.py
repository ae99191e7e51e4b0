"""What the operating system says, in the store's own errors."""

import errno
import os

import pytest

from torrentd.wire.store.api import DiskFull, StoreError, UnsafePath, store_error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_no_room_is_disk_full(number: int) -> None:
    error = store_error("/x", OSError(number, os.strerror(number)))
    assert isinstance(error, DiskFull)
    assert str(error) == "/x: the disk is full"


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.EACCES, errno.ENOENT])
def test_all_else_is_a_sentence_with_its_path(number: int) -> None:
    error = store_error("/x", OSError(number, os.strerror(number)))
    assert type(error) is StoreError
    assert error.path == "/x" and error.cause and error.cause[0].islower()


def test_an_error_without_a_number_has_a_sentence_too() -> None:
    assert store_error("/x", OSError()).cause == "input/output error"


def test_both_kinds_are_store_errors() -> None:
    assert issubclass(DiskFull, StoreError) and issubclass(UnsafePath, StoreError)
