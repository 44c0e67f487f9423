"""Whom the door believes: servers with good and bad certificates, tried over real TLS on this machine."""

from __future__ import annotations

import datetime
import hashlib
import os
import ssl

import pytest

from freehold.foundation.errors import DownloadFailed
from freehold.network.transport import trusted
from freehold.network.worker import NetworkWorker
from support.certificates import DAY, Authority, safe_server, self_signed
from support.hub import SessionHere, outside, result_of

CONTENT = b"GGUF" + os.urandom(50_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
MINUTE = datetime.timedelta(minutes=1)


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def fetch(tmp_path, certificate, authority):
    """What became of a download from a server with `certificate`, by a door that trusts `authority`."""
    with safe_server(certificate, CONTENT) as server:
        worker = NetworkWorker(authority=authority.file)
        with outside(tmp_path / "house", local=[server.origin], start=lambda: SessionHere(worker)) as world:
            try:
                return result_of(world.door.fetch_file(f"{server.origin}/model.gguf")), server, world.door.ledger()
            except DownloadFailed as error:
                return error, server, world.door.ledger()


def test_a_server_with_a_valid_certificate_is_believed(tmp_path, authority):
    fetched, server, rows = fetch(tmp_path, authority.sign("localhost"), authority)
    assert fetched.sha256 == DIGEST
    assert server.asked == ["/model.gguf"]
    assert [(row.host, row.refused) for row in rows] == [("localhost", False)]


@pytest.mark.parametrize(
    "kind", ["another name", "expired", "not valid yet", "nobody vouches", "an authority we do not know"]
)
def test_a_server_that_cannot_prove_who_it_is_is_told_nothing(tmp_path, authority, kind):
    stranger = Authority(tmp_path, "somebody else")
    certificate = {
        "another name": lambda: authority.sign("elsewhere.example"),
        "expired": lambda: authority.sign("localhost", begins=-2 * DAY, ends=-MINUTE),
        "not valid yet": lambda: authority.sign("localhost", begins=MINUTE, ends=DAY),
        "nobody vouches": lambda: self_signed(tmp_path, "localhost"),
        "an authority we do not know": lambda: stranger.sign("localhost"),
    }[kind]()
    error, server, rows = fetch(tmp_path, certificate, authority)
    assert isinstance(error, DownloadFailed)
    assert "could not prove who it is" in error.detail
    assert server.asked == []
    assert [(row.refused, row.bytes_out, row.bytes_in) for row in rows] == [(True, 0, 0)]


def test_what_every_connection_is_made_with_checks_name_and_certificate():
    context = trusted()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
