"""Every storage call of the vault fails in turn, or the process ends at it: what a user did is done or cleanly not.

The full loops, every call until the operation succeeds, are `python tests/bench/run.py security`.
"""

from __future__ import annotations

import pytest

from support import storage

SOME = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55]  # of the calls of one operation; those beyond its last are not reached
OPERATIONS = (
    "ask", "tidy", "erase_chat", "read_document", "forget_document", "connect", "set_setting", "change_keys", "back_up",
    "merge", "restore", "create",
)  # fmt: skip


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    if why := storage.why_not():
        pytest.skip(why)
    with storage.failing_storage(tmp_path_factory.mktemp("storage")) as failing:
        yield failing


@pytest.mark.parametrize("mode", ["ENOSPC", "ENOSPC from there on", "EIO", "EMFILE"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_whose_storage_fails_is_done_or_cleanly_not(failing, operation, mode):
    found = failing.rounds(operation, mode, SOME[::2])
    assert found["bad"] == []
    assert found["rounds"] > 0


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_kill_at_a_storage_call_loses_nothing_acknowledged_and_needs_no_repair(failing, operation):
    found = failing.rounds(operation, "kill", SOME[::2])
    assert found["bad"] == []
    assert found["rounds"] > 0


def test_the_shim_does_strike_and_a_loss_would_be_seen(failing):
    """The control: an operation that succeeds although its storage fails is struck in the first rounds all the same."""
    assert failing.rounds("set_setting", "EIO", [0, 1, 2, 3, 4])["rounds"] == 5
    assert failing.rounds("set_setting", "kill", [10_000])["rounds"] == 0


def test_a_vault_whose_making_ran_out_of_disk_at_its_very_end_is_none_and_not_an_empty_one(failing):
    """Found by these loops: the log could not be folded in, closing kept silent, and the log stayed behind."""
    assert failing.rounds("create", "ENOSPC", [*range(205, 300, 12)])["bad"] == []
