"""Two machines of one owner, each in a network of its own: paired by six digits, one answers for the other."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.hosts import Host, NoHosts, two_hosts
from support.program import Freehold

pytestmark = pytest.mark.e2e

PORT = "47017"
ASK = ("ask", "Count from one to twenty in words.", "--seed", "7", "--temperature", "0")


@pytest.fixture
def hosts() -> Iterator[tuple[Host, Host]]:
    try:
        with two_hosts() as both:
            yield both
    except NoHosts as reason:
        pytest.skip(str(reason))


@contextmanager
def sharing(desk: Freehold) -> Iterator[tuple[subprocess.Popen[str], dict]]:
    """`share start` in the foreground, and what it said first."""
    process = desk.start("share", "start", "--port", PORT, "--foreground", "--json")
    try:
        assert process.stdout is not None
        told = process.stdout.readline()
        assert told, process.stderr.read() if process.stderr else ""
        yield process, json.loads(told)
    finally:
        process.terminate()
        process.wait(timeout=60)
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


@pytest.fixture
def paired(hosts, tmp_path) -> Iterator[tuple[Host, Freehold, Host, Freehold, subprocess.Popen[str]]]:
    desk_host, laptop_host = hosts
    desk, laptop = desk_host.freehold(tmp_path / "desk"), laptop_host.freehold(tmp_path / "laptop")
    with sharing(desk) as (process, shared):
        assert shared["address"].endswith(f":{PORT}")
        laptop.lines("peers", "pair", "--code", shared["code"], "--at", f"{desk_host.address}:{PORT}")
        laptop.json("peers", "offload", "on")
        yield desk_host, desk, laptop_host, laptop, process


def engine_of(share: subprocess.Popen[str]) -> list[int]:
    """Every process below `share`, deepest last."""
    import psutil

    return [child.pid for child in psutil.Process(share.pid).children(recursive=True)]


def test_an_answer_is_made_on_the_other_machine_with_a_receipt_that_verifies_offline(paired, tmp_path):
    _, _, _, laptop, _ = paired
    (peer,) = laptop.json("peers", "list")["peers"]
    assert (peer["kind"], peer["state"]) == ("own", "active")
    said = laptop.json(*ASK, "--max-tokens", "40", "--where", "peer")
    assert said["provenance"]["where"] == [peer["name"]]
    assert said["answer"].strip()
    here = laptop.json(*ASK, "--max-tokens", "40", "--where", "here")
    assert here["provenance"]["where"] == ["here"]
    assert said["answer"] == here["answer"], "the same weights and the same choices"
    (receipt,) = laptop.json("receipts", "list")["receipts"]
    assert [receipt["id"]] == said["provenance"]["jobs"]
    assert receipt["tokens_out"] == said["timing"]["tokens"]
    bundle = tmp_path / "laptop" / "answer.receipt"
    laptop.json("receipts", "export", receipt["id"], str(bundle))
    verdict = laptop.json("receipts", "verify", str(bundle))
    assert (verdict["valid"], verdict["checked_tokens"]) == (True, said["timing"]["tokens"])
    for place in (len(bundle.read_bytes()) // 3, len(bundle.read_bytes()) // 2):
        altered = bytearray(bundle.read_bytes())
        altered[place] = ord("1") if altered[place] != ord("1") else ord("2")
        bad = tmp_path / "laptop" / "bad.receipt"
        bad.write_bytes(bytes(altered))
        assert laptop.json("receipts", "verify", str(bad), code=3)["error"]["code"] == "receipt-invalid"


def test_the_other_machine_dies_in_the_middle_and_the_answer_is_complete_all_the_same(paired):
    _, _, _, laptop, share = paired
    whole = laptop.json(*ASK, "--max-tokens", "300", "--where", "here")
    asking = laptop.start(*ASK, "--max-tokens", "300", "--where", "peer")
    assert asking.stdout is not None
    said = asking.stdout.read(20)
    assert said
    share.kill()
    _, err = asking.communicate(timeout=240)
    assert asking.returncode == 0, err
    chats = laptop.json("chats", "list")["chats"]
    made = laptop.json("chats", "show", chats[0]["id"])["turns"][-1]
    assert len(made["provenance"]["where"]) == 2
    assert made["provenance"]["where"][1] == "here"
    assert made["ending"] in ("complete", "length")
    assert made["text"] == whole["answer"]


def test_with_the_toggle_off_the_answer_is_made_here_and_nothing_is_sent(paired):
    _, _, laptop_host, laptop, _ = paired
    laptop.json("peers", "offload", "off")
    time.sleep(1.0)
    before = laptop_host.sent
    said = laptop.json(*ASK, "--max-tokens", "8")
    assert said["provenance"]["where"] == ["here"]
    assert laptop.json(*ASK, "--where", "peer", code=3)["error"]["code"] == "offload-off"
    assert laptop_host.sent == before
    laptop.json("peers", "offload", "on")
    laptop.json(*ASK, "--max-tokens", "8", "--where", "peer")
    assert laptop_host.sent > before, "the control: what is sent is counted"


def test_a_wrong_code_a_revoked_device_and_a_cut_cable_end_in_words(paired):
    desk_host, _, laptop_host, laptop, _ = paired
    refused = laptop.lines("peers", "pair", "--code", "000000", "--at", f"{desk_host.address}:{PORT}", code=3)
    assert refused[-1]["error"]["code"] == "pairing-refused"
    laptop_host.cut()
    assert laptop.json(*ASK, "--where", "peer", code=3)["error"]["code"] == "peer-unreachable"
    here = laptop.json(*ASK, "--max-tokens", "8", "--where", "auto")
    assert here["provenance"]["where"] == ["here"]
    laptop_host.mend()
    laptop.json(*ASK, "--max-tokens", "8", "--where", "peer")
    (peer,) = laptop.json("peers", "list")["peers"]
    laptop.json("peers", "forget", peer["id"])
    assert laptop.json("peers", "list")["peers"] == []
    assert laptop.json(*ASK, "--where", "peer", code=3)["error"]["code"] == "peer-unreachable"
