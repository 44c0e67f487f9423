"""What the vault asks of every store that app.py hands to it."""

from __future__ import annotations

import ast
import inspect

import pytest

from freehold import app
from freehold.vault.settings_store import SettingsStore
from support.furnished import ROOMS, STAYING


def handed_over():
    """The names of the stores in app.py's own words."""
    tree = ast.parse(inspect.getsource(app._vault_worker))
    (call,) = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return {name.id for name in ast.walk(call.args[0]) if isinstance(name, ast.Name)}


def test_the_tests_know_every_store_there_is():
    assert {store.__name__ for store in (*ROOMS, *STAYING)} == handed_over() | {SettingsStore.__name__}


@pytest.mark.parametrize("store", ROOMS, ids=lambda store: store.room)
def test_every_store_can_be_moved_to_another_vault(store):
    """Or backups would be merged, and exports made, without what it holds."""
    assert {"everything", "take"} <= set(vars(store))


@pytest.mark.parametrize("store", STAYING, ids=lambda store: store.room)
def test_keys_travel_with_whole_backups_only(store):
    assert not {"everything", "take"} & set(vars(store))
