"""Where a connection may go."""

from __future__ import annotations

import pytest

from freehold.network.policy import Barred, Policy, Route, allowed_addresses, is_public, peer_addresses, peer_route


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/file",  # not encrypted
        "https://example.org:8443/file",
        "https://127.0.0.1/file",
        "https://[::1]/file",
        "https://10.1.2.3/file",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://user:word@example.org/",
        "https://example.org\\@127.0.0.1/",
        "https://exa mple.org/",
        "https://example.org/\r\nHost: other",
        "https://[fe80::1%25eth0]/",
        "https:///nohost",
        "https://example.org:99999/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1./",
        "ftp://example.org/file",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "data:text/plain,x",
        "//host/share/x.gguf",
        "\\\\host\\share\\x.gguf",
        "https://[::ffff:c0a8:101]/",
        "https://[::]/",
        "https://localhost%00.example.org/",
        "https://éxample.org/",
        "https://example.org/" + "x" * 9000,
    ],
)
def test_an_address_outside_the_rules_is_barred(url):
    with pytest.raises(Barred):
        Policy().route(url)


def test_a_public_https_address_is_let_through_as_it_is_written():
    assert Policy().route("https://Hub.Example/a/b?c=d") == Route("https", "hub.example", 443)


def test_a_name_that_looks_like_another_is_shown_as_what_it_is():
    """In ASCII, as it is asked for: the ledger then shows no letter that looks like another."""
    assert Policy().route("https://xn--pple-43d.com/").host == "xn--pple-43d.com"
    with pytest.raises(Barred):
        Policy().route("https://\u0430pple.com/")


def test_only_the_very_origin_that_was_allowed_by_name_is_local():
    policy = Policy(frozenset({"http://127.0.0.1:8080"}))
    assert policy.route("http://127.0.0.1:8080/x") == Route("http", "127.0.0.1", 8080, local=True)
    for other in ("http://127.0.0.1:8081/x", "http://127.0.0.2:8080/x", "https://127.0.0.1:8080/x"):
        with pytest.raises(Barred):
            policy.route(other)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.0.1", "172.16.0.1", "192.168.1.1", "198.18.0.1",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "fe80::1", "fc00::1", "fec0::1",
        "ff02::1",
        "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1", "2002:7f00:1::1", "2001:db8::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_on_the_public_internet_is_known(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::8.8.8.8", "2002:808:808::1"]
)
def test_a_public_address_is_known(address):
    assert is_public(address)


def test_a_name_with_a_public_and_a_private_address_is_refused_whole():
    with pytest.raises(Barred):
        allowed_addresses(["8.8.8.8", "127.0.0.1"], local=False)


def test_a_local_origin_must_not_lead_away_from_this_machine():
    assert allowed_addresses(["127.0.0.1", "::1"], local=True) == ["127.0.0.1", "::1"]
    with pytest.raises(Barred):
        allowed_addresses(["8.8.8.8"], local=True)
    with pytest.raises(Barred):
        allowed_addresses([], local=False)


def test_at_most_four_addresses_are_tried_each_once():
    many = ["8.8.8.8", "8.8.8.8", "1.1.1.1", "9.9.9.9", "8.8.4.4", "1.0.0.1"]
    assert allowed_addresses(many, local=False) == ["8.8.8.8", "1.1.1.1", "9.9.9.9", "8.8.4.4"]


@pytest.mark.parametrize(
    "host", ["192.168.1.20", "127.0.0.1", "10.0.0.1", "fd00::1", "::1", "desk.local", "desk", "9.9.9.9"]
)
def test_a_device_may_be_in_any_network(host):
    assert peer_route(host, 8470) == Route("https", host, 8470)


@pytest.mark.parametrize(
    "host",
    ["", "a b", "a/b", "user@desk", "desk:1", "[::1]", "fe80::1%eth0", "désk", "-desk", "x" * 300, "224.0.0.251",
     "255.255.255.255", "0.0.0.0", "::", "ff02::fb", "::ffff:224.0.0.1", "64:ff9b::e000:1"],
)  # fmt: skip
def test_what_is_no_device_s_address_is_barred(host):
    with pytest.raises(Barred):
        peer_route(host, 8470)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_is_a_port(port):
    with pytest.raises(Barred):
        peer_route("desk", port)


def test_a_device_s_name_leads_to_machines_only():
    assert peer_addresses(["192.168.1.20", "224.0.0.1", "fd00::1", "192.168.1.20"]) == ["192.168.1.20", "fd00::1"]
    with pytest.raises(Barred):
        peer_addresses(["0.0.0.0"])
