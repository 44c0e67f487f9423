"""Devices on the local network: what a stranger's announcement may say, and silence until somebody asks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zeroconf import ServiceInfo

from freehold.network.nearby import LONGEST_NAME, SERVICE, cleaned, device_of, local_addresses, nearest
from freehold.network.peer_values import Found

TLS = "0123456789abcdef"
HERE = ["192.168.1.7", "172.17.0.1"]


def announced(*, name="desk", tls=TLS, port=8470, addresses=("192.168.1.20",), **more):
    properties = {"name": name, "tls": tls, **more}
    return ServiceInfo(SERVICE, f"x.{SERVICE}", port=port, parsed_addresses=list(addresses), properties=properties)


def test_an_announcement_is_a_device():
    assert device_of(announced(), HERE) == Found("desk", "192.168.1.20", 8470, TLS)


@pytest.mark.parametrize(
    "strange",
    [
        {"tls": ""}, {"tls": "ABCDEF0123456789"}, {"tls": TLS + "0"}, {"tls": None}, {"port": 0}, {"addresses": ()},
        {"addresses": ("1.1.1.1", "8.8.8.8")}, {"addresses": ("127.0.0.1",)}, {"addresses": ("224.0.0.251",)},
        {"addresses": ("fe80::1",)}, {"addresses": ("0.0.0.0",)},
    ],
    ids=str,
)  # fmt: skip
def test_an_announcement_that_leads_nowhere_near_is_passed_over(strange):
    assert device_of(announced(**strange), HERE) is None


def test_a_hostile_name_is_cut_and_cleaned():
    assert cleaned("desk\x00\x1b[31m\u202egnirts\n\tend" + "x" * 200) == ("desk [31m gnirts end" + "x" * 200)[:40]
    assert cleaned(" \u200b\u2066 ") == "?"
    assert device_of(announced(name=b"\xff\xfe desk"), HERE).name == "\ufffd\ufffd desk"
    assert device_of(announced(name=None), HERE).name == "?"


@given(st.text(max_size=300))
def test_any_name_is_one_short_printable_line(name):
    shown = cleaned(name)
    assert shown.isprintable()
    assert 0 < len(shown) <= LONGEST_NAME
    assert shown == shown.strip()


def test_of_many_addresses_the_one_in_our_network_is_taken():
    assert nearest(["172.17.0.1", "10.8.0.3", "192.168.1.20"], HERE) == "192.168.1.20"
    assert nearest(["172.17.0.1"], HERE) == "172.17.0.1"


def test_only_addresses_of_local_networks_are_ours_to_announce():
    mixed = ["127.0.0.1", "192.168.1.7", "8.8.4.4", "9.9.9.9", "100.64.3.4", "169.254.9.9", "fe80::1", "10.0.0.1"]
    assert local_addresses(mixed) == ["192.168.1.7", "100.64.3.4", "169.254.9.9", "10.0.0.1"]


def test_nothing_is_multicast_until_somebody_looks_or_shares_and_two_of_one_name_are_both_found(tmp_path):
    """In a network namespace of its own, where every packet is read (tests/support/nearby_child.py)."""
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("`unshare` and `ip` are not installed")
    child = Path(__file__).parents[1] / "support" / "nearby_child.py"
    command = ["unshare", "--user", "--map-root-user", "--net", sys.executable, str(child), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode == 3 or "unshare failed" in done.stderr:
        pytest.skip(f"no network namespace can be made here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["before"] == 0, "a door, a line that was used and an announcer that was not started"
    assert told["looking"] > 0
    assert told["sharing"] > 0
    assert told["after"] == 0
    assert sorted(map(tuple, told["found"])) == [
        ("desk", "192.168.77.1", 8470, "a" * 16), ("desk", "192.168.77.1", 8471, "b" * 16),
    ]  # fmt: skip
    (row,) = told["rows"]
    assert row[:4] == ["looking for devices", "224.0.0.251", 5353, "keys"]
    assert row[4] > 0
    assert row[5] == ""
