"""Each worker in its box: what it is refused and what it still does, tried in the box itself and on the real worker."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold.foundation.errors import FreeholdError, ModelMalformed
from freehold.foundation.paths import Profile
from freehold.processes import landlock
from freehold.processes.boxes import LAYERS, WORKERS, Box, box_of, due_layers, found_boxes, reading
from freehold.processes.link import Link, WorkerBug
from freehold.processes.spawn import spawn, worker_command
from freehold.vault.handover import seal
from support.boxed import MAY, MAYBE_FORBIDDEN, Surroundings
from support.engines import tiny_model
from support.vaults import RAW_KEY, opened

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or landlock.version() == 0, reason="this system has no Landlock"
)


@pytest.fixture
def around(tmp_path: Path) -> Iterator[Surroundings]:
    around = Surroundings(tmp_path)
    yield around
    around.close()


@pytest.mark.parametrize("worker", MAY)
def test_a_worker_does_its_work_and_is_refused_everything_else(around, worker):
    layers, became = around.try_all(worker)
    assert {name for name, what in became.items() if what == "done"} == MAY[worker]
    assert {name: what for name, what in became.items() if what not in ("done", "refused")} == {}
    assert tuple(layers) == due_layers(worker)


def test_the_same_tries_succeed_without_a_box(around):
    layers, became = around.try_as("")
    assert layers == []
    assert {name for name, what in became.items() if what != "done"} <= MAYBE_FORBIDDEN


def test_what_is_tried_covers_every_worker_there_is():
    from freehold.app import _WORKERS

    assert set(WORKERS) == set(_WORKERS) == MAY.keys() - {"one nobody has named"}


def test_a_network_process_started_under_the_offline_switch_has_no_socket_either(around):
    layers, became = around.try_as("network", "--offline")
    assert tuple(layers) == LAYERS
    assert {name for name, what in became.items() if what == "done"} == {
        "write a download", "write in scratch", "compute",
    }  # fmt: skip


def test_the_keyring_process_reaches_this_machine_alone_and_the_network_process_all_but_it():
    assert due_layers("keyring") == tuple(layer for layer in LAYERS if layer != "sockets")
    assert due_layers("network") == tuple(layer for layer in LAYERS if layer != "internet")


def test_an_engine_that_was_given_no_model_reads_none(around):
    assert around.try_as("engine")[1]["read the model"] == "refused"


def test_a_model_is_read_through_links_and_its_neighbours_are_not(around, tmp_path):
    """As the Hugging Face cache and Ollama keep theirs."""
    link = tmp_path / "cache" / "link.gguf"
    link.parent.mkdir()
    link.symlink_to("../models/one.gguf")
    neighbour = link.with_name("other.gguf")
    neighbour.symlink_to("../models/two.gguf")
    tries = {"link": ("read", str(link)), "target": ("read", str(around.model)), "other": ("read", str(neighbour))}
    assert around.try_as("engine", *reading(str(link)), tries=tries)[1] == {
        "link": "done", "target": "done", "other": "refused",
    }  # fmt: skip


def test_the_network_process_resolves_names_and_reads_certificates(around):
    tries = {"name": ("name", "localhost"), "certificates": ("certificates", None), "library": ("import", "httpx2")}
    assert set(around.try_as("network", tries=tries)[1].values()) == {"done"}


def test_the_keyring_process_reaches_the_session_bus(around):
    if shutil.which("dbus-daemon") is None:
        pytest.skip("there is no dbus-daemon here")
    pytest.importorskip("jeepney")
    command = ["dbus-daemon", "--session", "--nofork", "--print-address=1", f"--address=unix:path={around.diary}.bus"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as daemon:
        try:
            assert daemon.stdout is not None
            address = daemon.stdout.readline().strip()
            assert around.try_as("keyring", tries={"bus": ("bus", address)})[1] == {"bus": "done"}
        finally:
            daemon.terminate()


def test_the_real_engine_process_loads_the_model_it_was_started_for_and_no_other(tmp_path):
    first, second = tiny_model(tmp_path, "first"), tiny_model(tmp_path, "second")
    scratch = tmp_path / "home" / "scratch"
    scratch.mkdir(parents=True)
    link = Link("engine", lambda: spawn(worker_command("engine", *reading(first.path)), scratch))
    wish = {"context": 64, "gpu_layers": 0, "threads": 1}
    try:
        assert link.call("engine.load", path=first.path, **wish)["limit"] == 64
        with pytest.raises(ModelMalformed, match="ermission denied"):
            link.call("engine.load", path=second.path, **wish)
        assert _closed_in(link.pid)
    finally:
        link.kill()


def test_the_real_vault_process_opens_its_own_profile_and_no_other(around, tmp_path):
    with opened(tmp_path / "other"):
        pass  # somebody else's vault
    theirs = str(tmp_path / "other" / "home")
    link = Link("vault", lambda: spawn(worker_command("vault"), around.profile.scratch))
    around.database.unlink()
    try:
        assert link.call("vault.status", home=str(around.profile.home))["state"] == "new"
        link.call("vault.create_raw", home=str(around.profile.home), data_key="ab" * 32)
        assert _closed_in(link.pid)
    finally:
        link.end()
    stranger = Link("vault", lambda: spawn(worker_command("vault"), around.profile.scratch))
    try:
        with pytest.raises(FreeholdError, match="ermission denied"):
            stranger.call("vault.unlock_raw", home=theirs, data_key=RAW_KEY.hex())
    finally:
        stranger.kill()


def test_the_real_network_process_is_closed_in(around):
    link = Link("network", lambda: spawn(worker_command("network"), around.profile.scratch))
    try:
        with pytest.raises(WorkerBug, match="PermissionError"):
            link.call("file.check", folder=str(around.diary.parent / "elsewhere"), source="x")
        assert _closed_in(link.pid)
        assert not (around.diary.parent / "elsewhere").exists()
    finally:
        link.kill()


def test_the_real_signer_process_has_its_own_profile_s_keys_and_no_other(around, tmp_path):
    theirs = Profile(tmp_path / "other")
    theirs.prepare()
    (around.profile.identity / "key.json").unlink()
    link = Link("signer", lambda: spawn(worker_command("signer"), around.profile.scratch))

    def create(profile: Profile) -> None:
        sealed = seal(bytes.fromhex(link.call("signer.public_key")), RAW_KEY).hex()
        link.call("signer.create", home=str(profile.home), sealed=sealed)

    try:
        create(around.profile)
        assert link.call("signer.certificate", name="desk")["name"] == "desk"
        assert _closed_in(link.pid)
        with pytest.raises(FreeholdError, match="ermission denied"):
            create(theirs)
        assert list(theirs.identity.iterdir()) == []
    finally:
        link.kill()


def test_what_is_not_there_to_be_written_is_made_and_devices_never_are(tmp_path):
    box = box_of("network", tmp_path / "scratch")
    assert tmp_path / "models" / "staging" in box.write
    assert box_of("vault", tmp_path / "scratch").devices == ()
    assert not any(str(place).startswith(("/dev", "/sys", "/proc")) for place in box_of("engine", tmp_path).write)


def test_a_worker_takes_no_argument_but_what_it_may_read(tmp_path):
    assert box_of("embedder", tmp_path, reading("/one", "", "/two")) == Box((Path("/one"), Path("/two")), (tmp_path,))
    for arguments in (["--write", "/one"], ["--read"], ["/one"], ["--offline"]):
        with pytest.raises(ValueError, match="no argument"):
            box_of("engine", tmp_path, arguments)


def test_the_doctor_learns_which_layers_hold_here():
    boxes = found_boxes()
    assert [box.worker for box in boxes] == list(WORKERS)
    assert {box.worker: box.open for box in boxes} == dict.fromkeys(WORKERS, ())
    assert {box.worker: box.needs for box in boxes if box.needs} == {
        "network": ("internet",), "keyring": ("sockets",), "gateway": ("internet",),
    }  # fmt: skip


def test_where_the_kernel_has_neither_landlock_nor_filters_workers_run_all_the_same(tmp_path):
    model = tiny_model(tmp_path)
    source = (
        "import sys; from freehold.processes import landlock, seccomp; landlock.version = lambda: 0;"
        "seccomp.install = lambda **_: False; from freehold.app import work; work(sys.argv[1], sys.argv[2:])"
    )
    told = spawn([sys.executable, "-c", source, "layers", "engine"], tmp_path).communicate(timeout=60)[0].decode()
    assert told.split() == ["privileges", "memory"]
    link = Link("engine", lambda: spawn([sys.executable, "-c", source, "engine"], tmp_path))
    try:
        loaded = link.call("engine.load", path=model.path, context=64, gpu_layers=0, threads=1)
        assert loaded["limit"] == 64
    finally:
        link.kill()


def _closed_in(pid: int | None) -> bool:
    """Whether the kernel says that this process has a filter and gains no privileges."""
    assert pid is not None
    status = dict(
        line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line
    )
    return (status["NoNewPrivs"].strip(), status["Seccomp"].strip()) == ("1", "2")
