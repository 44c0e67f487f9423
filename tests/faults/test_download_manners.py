"""A download from servers that cut, redirect, lie, stall, flood and change their mind."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from freehold.foundation.errors import (
    DigestMismatch,
    DiskFull,
    DownloadFailed,
    Interrupted,
    Offline,
    ProfileUnusable,
    VaultLocked,
)
from freehold.foundation.stop import Stop
from freehold.network.staging import PartFile, Staging
from freehold.network.values import Patience
from freehold.network.worker import NetworkWorker
from support.hub import PATIENCE, SessionHere, outside, result_of

CONTENT = b"GGUF" + os.urandom(300_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def world(tmp_path):
    with outside(tmp_path) as made:
        made.hub.offer(CONTENT)
        yield made


def get(world, **wanted):
    return result_of(world.door.hub_file("maker/model", "model.gguf", **wanted))


def stage(world, content, etag="", digest=DIGEST):
    """Put a half-done download of the hub's file where an earlier run would have left it."""
    from dataclasses import replace

    staging = Staging(world.profile.models / "staging", "hub:maker/model/model.gguf")
    staging.begin(len(CONTENT), digest)
    notes = staging.read()
    assert notes is not None
    staging.write(replace(notes, etag=etag))
    staging.part.write_bytes(content)
    return staging


def assert_whole(world, fetched):
    assert fetched.sha256 == DIGEST
    path = world.profile.models / f"sha256-{DIGEST}.gguf"
    assert fetched.path == str(path)
    assert path.read_bytes() == CONTENT
    assert list((world.profile.models / "staging").iterdir()) == []


def test_a_good_server_gives_a_file_named_after_its_digest_that_only_the_owner_reads(world):
    fetched = get(world)
    assert_whole(world, fetched)
    assert Path(fetched.path).stat().st_mode & 0o077 == 0


def test_a_connection_cut_three_times_is_continued_where_it_ended(world):
    world.hub.offer(CONTENT, cuts=[1, 100_000, 70_000])
    assert_whole(world, get(world))
    assert [headers.get("range") for headers in world.hub.gets()] == [
        None, "bytes=1-", "bytes=100001-", "bytes=170001-",
    ]  # fmt: skip


def test_a_later_try_asks_only_for_the_rest_and_only_of_the_same_file(world):
    stage(world, CONTENT[:270_000], etag='"v1"')
    world.hub.offer(CONTENT, etag='"v1"')
    steps = list(world.door.hub_file("maker/model", "model.gguf"))
    assert min(step.done for step in steps if step.words == "Downloading") >= 270_000
    (headers,) = world.hub.gets()
    assert (headers["range"], headers["if-range"]) == ("bytes=270000-", '"v1"')
    assert (world.profile.models / f"sha256-{DIGEST}.gguf").read_bytes() == CONTENT


def test_a_file_that_changed_on_the_cdn_is_started_over(world):
    stage(world, b"old" * 1000, etag='"v1"')
    world.hub.offer(CONTENT, etag='"v2"')
    assert_whole(world, get(world))


def test_a_cdn_that_ignores_the_condition_but_tells_another_validator_is_not_trusted(world):
    stage(world, b"old" * 1000, etag='"v1"')
    world.hub.offer(CONTENT, etag='"v2"', ignores_if_range=True)
    assert_whole(world, get(world))


def test_a_file_that_changed_on_the_hub_is_started_over(world):
    stage(world, b"old" * 1000, etag='"v1"', digest="a" * 64)
    assert_whole(world, get(world))
    assert world.hub.gets()[0].get("range") is None


def test_a_server_that_ignores_ranges_sends_everything_again(world):
    world.hub.offer(CONTENT, cuts=[200_000], ignores_range=True)
    assert_whole(world, get(world))


def test_a_server_that_sends_another_range_is_asked_for_everything(world):
    stage(world, CONTENT[:1000], etag="")
    world.hub.offer(CONTENT, wrong_range=True)
    assert_whole(world, get(world))
    assert [headers.get("range") for headers in world.hub.gets()] == ["bytes=1000-", None]


def test_a_download_that_ended_just_before_its_rename_needs_no_connection_for_the_bytes(world):
    stage(world, CONTENT, etag='"v1"')
    assert_whole(world, get(world))
    assert world.hub.gets() == []


def test_more_bytes_than_the_file_has_are_thrown_away(world):
    stage(world, CONTENT + b"more", etag='"v1"')
    assert_whole(world, get(world))


def test_a_file_that_is_here_already_is_not_fetched_again(world):
    get(world)
    world.hub.seen.clear()
    assert get(world).sha256 == DIGEST
    assert world.hub.gets() == []


def test_a_server_that_always_cuts_is_given_up_and_what_came_is_kept(world):
    world.hub.offer(CONTENT, cuts=[1000, 0, 0, 0, 0, 0, 0])
    with pytest.raises(DownloadFailed, match="cut"):
        get(world)
    assert [path.stat().st_size for path in world.staged] == [1000]
    (partial,) = world.door.partials()
    assert (partial.source, partial.done, partial.total) == ("hub:maker/model/model.gguf", 1000, len(CONTENT))


def test_a_wrong_digest_deletes_what_came(world):
    world.hub.offer(CONTENT, says_digest="b" * 64)
    with pytest.raises(DigestMismatch):
        get(world)
    assert list((world.profile.models / "staging").iterdir()) == []
    assert list(world.profile.models.glob("*.gguf")) == []


def test_a_hub_that_offers_other_content_than_was_pinned_is_not_downloaded_from(world):
    with pytest.raises(DigestMismatch):
        get(world, sha256="c" * 64)
    assert world.hub.gets() == []


def test_a_hub_that_names_no_digest_is_not_trusted(world):
    world.hub.offer(CONTENT, says_digest="not a digest")
    with pytest.raises(DownloadFailed, match="digest"):
        get(world)


@pytest.mark.parametrize("lie", [-1, 1, -100_000, 10**15])
def test_a_size_that_the_file_does_not_have_is_refused_and_nothing_is_kept(world, lie):
    world.hub.offer(CONTENT, says_size=len(CONTENT) + lie if lie < 10**9 else len(CONTENT) + 1)
    with pytest.raises(DownloadFailed, match="promised"):
        get(world)
    assert world.staged == []


def test_a_content_length_that_lies_downwards_is_refused(world):
    world.hub.offer(CONTENT, says_length=1000)
    with pytest.raises(DownloadFailed, match="promised"):
        get(world)


def test_a_content_length_that_lies_upwards_without_a_promise_never_ends_as_a_file(world):
    world.hub.offer(CONTENT, says_length=len(CONTENT) + 5)
    with pytest.raises(DownloadFailed):
        result_of(world.door.fetch_file(f"{world.hub.endpoint}/model.gguf"))
    assert list(world.profile.models.glob("*.gguf")) == []


def test_an_endless_body_is_ended_at_the_promised_size(world):
    world.hub.offer(CONTENT, endless=True)
    with pytest.raises(DownloadFailed, match="more than"):
        get(world)
    assert world.staged == []


def test_an_endless_body_without_a_promise_ends_where_the_reserve_begins(tmp_path):
    from freehold.network.download import RESERVE

    with outside(tmp_path, free=lambda _: RESERVE + 1_000_000) as world:
        world.hub.offer(CONTENT, endless=True)
        with pytest.raises(DownloadFailed, match="more than"):
            result_of(world.door.fetch_file(f"{world.hub.endpoint}/model.gguf"))
        assert world.staged == []


def test_a_chunked_body_without_a_length_is_taken_when_its_digest_fits(world):
    world.hub.offer(CONTENT, chunked=True)
    assert_whole(world, get(world))


def test_a_compressed_body_is_never_unpacked(world):
    world.hub.offer(b"\0" * 5_000_000, gzipped=True)
    with pytest.raises(DownloadFailed, match="compressed"):
        get(world)
    assert sum(path.stat().st_size for path in world.staged) == 0


def test_a_login_page_is_not_a_model(world):
    world.hub.offer(CONTENT, html=True)
    with pytest.raises(DownloadFailed, match="web page"):
        get(world)


@pytest.mark.parametrize(
    ("status", "words"), [(401, "sign in"), (403, "sign in"), (404, "not there"), (410, "not there")]
)
def test_a_refusal_is_told_in_words_and_not_tried_again(world, status, words):
    world.hub.offer(CONTENT, statuses=[status])
    with pytest.raises(DownloadFailed, match=words):
        get(world)
    assert world.hub.gets() == []
    with pytest.raises(DownloadFailed, match=words):
        world.hub.offer(CONTENT, statuses=[status])
        result_of(world.door.fetch_file(f"{world.hub.endpoint}/model.gguf"))
    assert len(world.hub.gets()) == 1


def test_a_gated_model_says_that_a_licence_must_be_accepted(world):
    world.hub.offer(CONTENT, gated=True)
    with pytest.raises(DownloadFailed, match="licence"):
        get(world)


def test_a_busy_server_is_asked_again(world):
    world.hub.offer(CONTENT, statuses=[503, 429])
    result_of(world.door.fetch_file(f"{world.hub.endpoint}/model.gguf", size=len(CONTENT), sha256=DIGEST))
    assert len(world.hub.gets()) == 3


def test_a_busy_hub_is_asked_again(world):
    world.hub.offer(CONTENT, statuses=[503, 502])
    words = [step.words for step in world.door.hub_file("maker/model", "model.gguf")]
    assert words.count("The hub does not answer; trying again in 0 s") == 2
    assert (world.profile.models / f"sha256-{DIGEST}.gguf").read_bytes() == CONTENT


def test_the_facts_of_a_file_can_be_asked_without_fetching_it(world):
    remote = result_of(world.door.hub_facts("maker/model", "model.gguf"))
    assert (remote.size, remote.sha256) == (len(CONTENT), DIGEST)
    assert world.hub.gets() == []


def test_redirects_without_end_are_ended(world):
    world.hub.offer(CONTENT, redirects=["/again"] * 30)
    with pytest.raises(DownloadFailed, match="without end"):
        result_of(world.door.fetch_file(f"{world.hub.endpoint}/model.gguf"))
    assert len(world.hub.seen) == 6
    world.hub.offer(CONTENT, redirects=["/again"] * 30)
    with pytest.raises(DownloadFailed, match="without end"):
        get(world)


def test_a_renamed_repository_is_followed_one_written_hop_at_a_time(world):
    world.hub.offer(CONTENT, redirects=["/other/name"])
    assert_whole(world, get(world))
    assert [row.purpose for row in world.door.ledger()] == ["model details", "model details", "model download"]


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:1/", "http://169.254.169.254/latest/meta-data", "https://10.0.0.1/x", "https://localhost/x",
        "https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "http://example.org/x", "file:///etc/passwd",
        "//127.0.0.1:1/x", "https://2130706433/x", "https://user:pass@example.org/x",
    ],
)  # fmt: skip
def test_a_redirect_into_a_private_network_is_refused_and_written_down(world, target):
    world.hub.offer(CONTENT, redirects=[target])
    with pytest.raises(DownloadFailed):
        result_of(world.door.fetch_file(f"{world.hub.endpoint}/model.gguf"))
    last = world.door.ledger()[-1]
    assert last.refused and last.bytes_out == 0
    assert len(world.hub.seen) == 1


def test_a_drip_and_then_silence_is_a_stall_not_a_wait(tmp_path):
    with outside(tmp_path, patience=Patience(stall=0.3, tries=2, waits=(0.0,))) as world:
        world.hub.offer(CONTENT, drips=[500, 0, 0, 0])
        with pytest.raises(DownloadFailed, match="silent"):
            get(world)
        assert [path.stat().st_size for path in world.staged] == [500]


def test_a_server_that_is_not_there_is_said_to_be_unreachable(tmp_path):
    gone = "http://127.0.0.1:9"  # the discard port: nothing listens there
    with outside(tmp_path, local=[gone], endpoint=gone) as world, pytest.raises(DownloadFailed, match="reached"):
        get(world)


def test_stop_ends_a_silent_download_and_keeps_what_came(tmp_path):
    with outside(tmp_path, patience=Patience(stall=60.0)) as world:
        world.hub.offer(CONTENT, drips=[500, 0, 0, 0])
        stop = Stop()
        with pytest.raises(Interrupted):
            for step in world.door.hub_file("maker/model", "model.gguf", stop=stop):
                if step.done >= 500:
                    stop.set()
        assert [path.stat().st_size for path in world.staged] == [500]


def test_stop_ends_the_wait_between_two_tries(tmp_path):
    with outside(tmp_path, patience=Patience(stall=2.0, tries=9, waits=(600.0,))) as world:
        world.hub.offer(CONTENT, cuts=[100] * 9)
        stop = Stop()
        with pytest.raises(Interrupted):
            for step in world.door.hub_file("maker/model", "model.gguf", stop=stop):
                if "trying again" in step.words:
                    stop.set()


def test_the_offline_switch_turned_on_in_the_middle_ends_the_connection(tmp_path):
    with outside(tmp_path, patience=Patience(stall=60.0)) as world:
        world.hub.offer(CONTENT, drips=[500, 0, 0, 0])
        with pytest.raises(Offline):
            for step in world.door.hub_file("maker/model", "model.gguf"):
                if step.done >= 500 and not world.settings.is_on("offline"):
                    world.settings.set("offline", True)
        assert [path.stat().st_size for path in world.staged] == [500]
        assert world.door.ledger()[-1].error == "offline"
        assert not world.door.is_busy


def test_a_vault_locked_in_the_middle_ends_the_download_and_keeps_what_came(world):
    world.hub.offer(CONTENT, cuts=[1000])
    with pytest.raises(VaultLocked):
        for step in world.door.hub_file("maker/model", "model.gguf"):
            world.vault.is_locked = world.vault.is_locked or step.done >= 1000
    assert [path.stat().st_size for path in world.staged] == [1000]


def test_a_disk_without_room_is_said_before_a_byte_of_the_file(tmp_path):
    from freehold.network.download import RESERVE

    with outside(tmp_path, free=lambda _: RESERVE + 1000) as world:
        world.hub.offer(CONTENT)
        with pytest.raises(DiskFull, match="reserve"):
            get(world)
        assert world.hub.gets() == []


def full_after(most):
    """A write that finds the disk full after `most` bytes."""
    written = 0

    def write(handle, piece):
        nonlocal written
        room = most - written
        if room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        count = os.write(handle, piece[:room])
        written += count
        return count

    return write


def test_a_disk_that_fills_up_in_the_middle_keeps_what_fits_and_continues_later(tmp_path):
    worker = NetworkWorker(write=full_after(100_001))
    with outside(tmp_path, start=lambda: SessionHere(worker)) as world:
        world.hub.offer(CONTENT)
        with pytest.raises(DiskFull):
            get(world)
        assert [path.stat().st_size for path in world.staged] == [100_001]
        assert world.door.ledger()[-1].error == "disk-full"
    with outside(tmp_path) as world:
        world.hub.offer(CONTENT)
        assert_whole(world, get(world))
        assert world.hub.gets()[0]["range"] == "bytes=100001-"


HOSTILE = [
    "../../x.gguf", "..\\..\\x.gguf", "C:\\x.gguf", "\\\\srv\\s.gguf", "CON.gguf", "a.gguf:ads", "a.gguf.", "a.gguf ",
    "sha256-" + "0" * 63, "sha256-" + "0" * 65, "nul\0byte", "rtl\u202egpj.fugg", "new\nline", "%2e%2e/x", "a?b", "a#b",
    "/etc/passwd", "~/x", "-rf", "x" * 5000, "\ud800", "é" * 100,
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_remote_name_is_a_label_and_never_part_of_a_path(world, name, tmp_path):
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    try:
        fetched = result_of(world.door.hub_file("maker/model", name))
    except DownloadFailed:
        assert list(world.profile.models.glob("*.gguf")) == []
    else:
        assert_whole(world, fetched)
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.parent for path in new} <= {world.profile.models, world.profile.models / "staging"}
    assert all(path.name.isascii() and len(path.name) < 80 for path in new)


@pytest.mark.parametrize("repo", ["..", "a", "a/b/c", "../b", "a/..", "a/b?x", "a/b#x", "", "/", "a//b"])
def test_a_repository_name_that_is_none_is_refused_without_a_connection(world, repo):
    with pytest.raises(DownloadFailed):
        result_of(world.door.hub_file(repo, "model.gguf"))
    assert world.hub.seen == []


def test_a_staging_file_that_is_a_link_is_not_written_through(world, tmp_path):
    target = tmp_path / "precious"
    target.write_text("precious")
    staging = stage(world, b"", etag="")
    staging.part.unlink()
    staging.part.symlink_to(target)
    with pytest.raises(ProfileUnusable):
        get(world)
    assert target.read_text() == "precious"


def test_two_writers_never_share_one_staging_file(tmp_path):
    first = PartFile(tmp_path / "x.part")
    with pytest.raises(DownloadFailed, match="already"):
        PartFile(tmp_path / "x.part", patience=0.1)
    first.close()
    PartFile(tmp_path / "x.part").close()


def test_notes_that_are_damaged_are_no_notes(world):
    staging = stage(world, b"half", etag='"v1"')
    for junk in (b"", b"[]", b"{", b'{"source": 1}', b'{"source":"x","size":"9","sha256":"","etag":""}', b"\xff"):
        staging._notes.write_bytes(junk)
        assert staging.read() is None
        assert world.door.partials() == []
    assert_whole(world, get(world))


def test_a_partial_download_can_be_forgotten(world):
    stage(world, b"half")
    world.door.forget_partial("hub:maker/model/model.gguf")
    assert world.door.partials() == [] and world.staged == []


def test_patience_waits_longer_each_time_up_to_the_last_wait():
    assert [Patience(waits=(1.0, 2.0)).wait_before(n) for n in (1, 2, 3, 9)] == [1.0, 2.0, 2.0, 2.0]
    assert PATIENCE.wait_before(5) == 0.0
