"""No connection without a row, and none at all when the switch is on or the vault is locked."""

from __future__ import annotations

import pytest

from freehold.foundation.errors import DownloadFailed, Offline, VaultLocked
from freehold.network.store import LedgerStore
from support.hub import PlainDatabase, outside, result_of

TEN_YEARS = 10 * 365 * 86_400.0
CONTENT = b"GGUF" + bytes(range(256)) * 400


@pytest.fixture
def world(tmp_path):
    with outside(tmp_path) as made:
        made.hub.offer(CONTENT, to_cdn=True)
        yield made


def test_every_hop_of_a_download_is_a_row_with_its_host_port_and_bytes(world):
    result_of(world.door.hub_file("maker/model", "model.gguf"))
    rows = world.door.ledger()
    ports = [int(origin.rsplit(":", 1)[1]) for origin in (world.hub.endpoint, world.hub.endpoint, world.hub.cdn)]
    assert [(row.purpose, row.host, row.port) for row in rows] == [
        ("model details", "127.0.0.1", ports[0]),
        ("model download", "127.0.0.1", ports[1]),
        ("model download", "127.0.0.1", ports[2]),
    ]
    assert all(row.bytes_out > 50 and row.ended is not None and not row.refused for row in rows)
    assert rows[2].bytes_in > len(CONTENT) > rows[1].bytes_in
    assert world.door.connections_since_start == 3


def test_a_row_prints_the_fields_of_the_command_line_contract(world):
    result_of(world.door.hub_file("maker/model", "model.gguf"))
    assert set(world.door.ledger()[0].to_json()) == {
        "time", "purpose", "host", "port", "bytes_out", "bytes_in", "data_class", "refused",
    }  # fmt: skip


def test_the_ledger_can_be_asked_from_a_moment_on(world):
    result_of(world.door.hub_file("maker/model", "model.gguf"))
    first, second, third = world.door.ledger()
    assert world.door.ledger(since=second.time) == [second, third]
    assert first.time <= second.time


def test_a_connection_made_with_the_clock_set_back_ten_years_is_not_lost_among_newer_ones():
    store, now = LedgerStore(PlainDatabase(LedgerStore)), 1_800_000_000.0
    for number in range(40):
        store.begin(time=now + number, purpose="model download", host="hub", port=443, data_class="public-file")
    row = store.begin(time=now - TEN_YEARS, purpose="model download", host="late", port=443, data_class="public-file")
    store.end(row=row, time=now - TEN_YEARS + 1, bytes_out=1, bytes_in=2)
    found = store.list(since=0.0, limit=10)
    assert [one["host"] for one in found] == ["late", *["hub"] * 10]
    assert found[0]["ended"] - found[0]["time"] == 1
    assert [one["time"] for one in found] == sorted(one["time"] for one in found)


def test_offline_refuses_before_a_byte_and_writes_that_down(world):
    world.settings.set("offline", True)
    with pytest.raises(Offline):
        result_of(world.door.hub_file("maker/model", "model.gguf"))
    assert world.hub.seen == []
    assert [(row.refused, row.bytes_out, row.error) for row in world.door.ledger()] == [(True, 0, "offline")]
    assert world.door.connections_since_start == 0
    assert world.door.is_offline


def test_the_switch_turned_by_another_command_is_obeyed(world):
    from freehold.foundation.settings import SettingsFile

    SettingsFile(world.profile.settings).set("offline", True)
    with pytest.raises(Offline):
        result_of(world.door.fetch_file(f"{world.hub.endpoint}/model.gguf"))
    assert world.hub.seen == []


def test_a_locked_vault_means_no_connection(world):
    world.vault.is_locked = True
    with pytest.raises(VaultLocked):
        result_of(world.door.hub_file("maker/model", "model.gguf"))
    assert world.hub.seen == []


def test_offline_is_said_even_when_the_vault_is_locked(world):
    world.vault.is_locked = True
    world.settings.set("offline", True)
    with pytest.raises(Offline):
        result_of(world.door.hub_file("maker/model", "model.gguf"))
    assert world.hub.seen == []


def test_an_address_that_the_rules_forbid_is_a_refused_row(world):
    with pytest.raises(DownloadFailed):
        result_of(world.door.fetch_file("http://127.0.0.1:9/model.gguf"))
    (row,) = world.door.ledger()
    assert (row.host, row.port, row.refused, row.bytes_out) == ("127.0.0.1", 9, True, 0)


def test_a_name_that_resolves_to_a_private_address_is_refused_after_resolving(world):
    """ "localhost" passes every rule on the name; the address behind it does not."""
    with pytest.raises(DownloadFailed, match="private"):
        result_of(world.door.fetch_file("https://localhost/model.gguf"))
    (row,) = world.door.ledger()
    assert (row.host, row.refused, row.bytes_out) == ("localhost", True, 0)


def test_the_worker_refuses_by_itself_when_told_that_the_switch_is_on(world, tmp_path):
    from freehold.foundation.stop import Stop
    from freehold.network.worker import NetworkWorker

    route = {"scheme": "http", "host": "127.0.0.1", "port": 1, "local": True}
    flow = NetworkWorker().fetch(
        stop=Stop(), url=f"{world.hub.endpoint}/x", route=route, folder=str(tmp_path), source="x", limit=10, stall=1.0,
        offline=True,
    )  # fmt: skip
    assert result_of(flow)["refused"] is True
    assert world.hub.seen == []


def test_nothing_of_this_machine_is_said_to_the_hub(world):
    result_of(world.door.hub_file("maker/model", "model.gguf"))
    for _, _, headers in world.hub.seen:
        known = {"host", "user-agent", "accept", "accept-encoding", "range", "if-range", "connection"}
        assert set(headers) <= known
        assert headers["user-agent"].startswith("freehold/") and len(headers["user-agent"]) < 20
        assert headers["accept-encoding"] == "identity"


def test_there_is_no_network_process_before_or_after_a_download(world):
    assert not world.door.is_busy
    flow = world.door.hub_file("maker/model", "model.gguf")
    next(flow)
    next(flow)
    assert world.door.is_busy
    result_of(flow)
    assert not world.door.is_busy
