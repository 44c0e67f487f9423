"""Figures of an answer that another machine writes: two profiles of one owner on loopback.

Everything between them is real: signers, couriers, network processes, the gateway with TLS and an engine of its own.
Both load the starter model.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import Figure, paired, percentile, rounds_within

from freehold import app
from freehold.assistant.household import Household
from freehold.engine.values import Finished, Message, Sampling, Written
from freehold.foundation.errors import FreeholdError
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.market.lending.values import Limits
from support.engines import drain

CONTEXT = 2048
UNBOUND = Limits(tokens_per_day=0, requests=1000.0, burst=1000)
_SUBJECTS = ("a river", "bread", "the moon", "winter", "trains", "bees", "mountains", "clocks", "glass", "salt")


@dataclass(frozen=True, slots=True)
class Said:
    """One answer: its ids, seconds to the first of them, tokens a second after it, and how it ended."""

    ids: tuple[int, ...]
    text: str
    first_s: float
    per_s: float
    ending: str


class Devices:
    """A desk that lends and a laptop that borrows."""

    def __init__(self, desk: Household, laptop: Household, port: int) -> None:
        self.desk, self.laptop, self.port = desk, laptop, port
        shared = self.share()
        self.id = str(drain(laptop.peers.pair(shared.code, f"127.0.0.1:{port}"))[1].id)
        laptop.keys.set_mandate(answers_per_day=100_000, first_contact=100_000)
        laptop.peers.turn("on")
        model = laptop.models.in_use()
        drain(laptop.engine.prepare(model, context=CONTEXT, gpu_layers=0, threads=0))

    def share(self) -> Any:
        return self.desk.lending.start(self.port, host="127.0.0.1", limits=UNBOUND)

    def kill_desk(self) -> None:
        """The gateway and with it its engine: what a desk does whose plug is pulled."""
        link = self.desk.lending._link
        if link is not None and link.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(link.pid, signal.SIGKILL)

    def relay(self, *, with_here: bool = True) -> Any:
        here = self.laptop.engine if with_here else None
        relay = self.laptop.peers.engine([self.id], here, "words", is_wished=True)
        drain(relay.prepare(self.laptop.models.in_use(), context=CONTEXT, gpu_layers=0, threads=0))
        return relay

    def prompt(self, number: int) -> tuple[int, ...]:
        """A prompt that no cache knows."""
        subject = _SUBJECTS[number % len(_SUBJECTS)]
        text = f"{secrets.token_hex(4)}: tell me a long story about {subject}."
        return self.laptop.engine.read([Message("user", text)]).ids


@contextmanager
def two_devices() -> Iterator[Devices]:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder, _house(Path(folder) / "desk") as desk:
        desk.keys.create()
        with _house(Path(folder) / "laptop") as laptop:
            yield Devices(desk, laptop, port)


@contextmanager
def _house(home: Path) -> Iterator[Household]:
    household = app.build(Profile(home))
    try:
        household.vault.create(raw=secrets.token_bytes(32))
        yield household
    finally:
        household.close()


def answer(engine: Any, prompt: Sequence[int], sampling: Sampling, kill_at: int = -1, kill: Any = None) -> Said:
    """One answer by `engine`. Once `kill_at` tokens are there, `kill` is called."""
    ids: list[int] = []
    text, ending, began, first, last = "", "", time.perf_counter(), 0.0, 0.0
    steps = engine.generate(prompt, sampling, Stop(), "")
    while True:
        if kill is not None and len(ids) >= kill_at >= 0:
            kill()
            kill = None
        try:
            step = next(steps)
        except StopIteration as end:
            finished: Finished = end.value
            ending, text = finished.ending, text + finished.tail
            break
        if isinstance(step, Written):
            last = time.perf_counter()
            first = first or last
            ids += step.ids
            text += step.text
    per_s = (len(ids) - 1) / (last - first) if len(ids) > 1 and last > first else 0.0
    return Said(tuple(ids), text, first - began, per_s, ending)


def speed_figures(devices: Devices, *, quick: bool) -> Iterator[Figure]:
    """The same questions asked of the engine here and through the whole path, in turn."""
    rounds, tokens = (6, 128) if quick else (24, 256)
    speeds: list[tuple[float, float]] = []
    firsts: list[float] = []
    direct_firsts: list[float] = []
    relay = devices.relay(with_here=False)
    here = devices.laptop.engine
    for number in rounds_within(25.0 if quick else 3600.0, rounds + 1):
        prompt, sampling = devices.prompt(number), Sampling(seed=number, max_tokens=tokens)
        engines = (here, relay) if number % 2 else (relay, here)  # neither always goes first
        told = {engine is relay: answer(engine, prompt, sampling) for engine in engines}
        direct, through = told[False], told[True]
        if number == 0:
            continue  # the first opens connections and warms both
        speeds.append((through.per_s, direct.per_s))
        firsts.append(through.first_s - direct.first_s)
        direct_firsts.append(direct.first_s)
    value, baseline, ratio = paired(speeds)
    yield Figure("tokens a second through the whole path against the engine called directly", value, "tokens/s", 0.95,
                 "at least", baseline, ratio, note=f"{len(speeds)} pairs of {tokens} tokens")  # fmt: skip
    yield Figure("first token, added by the path", statistics.median(firsts) * 1000, "ms", 40, "at most",
                 statistics.median(direct_firsts) * 1000, absolute=True,
                 note=f"median of {len(firsts)} differences, p90 {percentile(firsts, 0.9) * 1000:.0f} ms")  # fmt: skip


def signing_figure(*, quick: bool) -> Iterator[Figure]:
    """RFC 9421: one request signed and verified, against bare Ed25519 over as many bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from freehold.identity import signatures

    private, body = secrets.token_bytes(32), secrets.token_bytes(2000)
    key = Ed25519PrivateKey.from_private_bytes(private)
    url, certificate = "https://0.freehold.local:47017/v1/jobs", {"name": "desk", "owner": "0x" + "0" * 40}
    pairs = []
    for _ in range(200 if quick else 2000):
        began = time.perf_counter()
        now = time.time()
        headers = signatures.sign_request(
            private, method="POST", url=url, body=body, certificate=certificate, now=now, nonce=secrets.token_hex(16)
        )
        signatures.verify_request(method="POST", url=url, headers=headers, body=body, now=now)
        ended = time.perf_counter()
        key.public_key().verify(key.sign(body), body)
        pairs.append((ended - began, time.perf_counter() - ended))
    value, baseline, _ = paired(pairs[10:])
    yield Figure("sign and verify one request (RFC 9421)", value * 1000, "ms", 2, "at most", baseline * 1000,
                 value / baseline, absolute=True, note="2 kB of body; the baseline is bare Ed25519")  # fmt: skip


def kill_figures(devices: Devices, *, quick: bool) -> Iterator[Figure]:
    """The desk is killed at a random token of an answer; the laptop's own engine must bring it to the same end."""
    rounds, tokens = (4, 64) if quick else (200, 96)
    whole = kept = equal = joined = 0
    lost: list[str] = []
    waits: list[float] = []
    done = 0
    for number in rounds_within(20.0 if quick else 3600.0, rounds):
        chance = random.Random(number)
        done += 1
        devices.share()
        prompt = devices.prompt(number)
        sampling = Sampling(seed=number, max_tokens=tokens, temperature=chance.choice((0.0, 0.7)))
        alone = answer(devices.laptop.engine, prompt, sampling)
        # What the engine here read and wrote just now must not be there for it: a continuation begins from nothing.
        devices.laptop.engine.unload()
        drain(devices.laptop.engine.prepare(
            devices.laptop.models.in_use(), context=CONTEXT, gpu_layers=0, threads=0
        ))  # fmt: skip
        relay = devices.relay()
        at = chance.randrange(len(alone.ids) or 1)
        try:
            began = time.perf_counter()
            said = answer(relay, prompt, sampling, at, devices.kill_desk)
            waits.append(time.perf_counter() - began)
        except FreeholdError as error:
            lost.append(f"round {number}: {error.code} {error.detail}")
            continue
        whole += said.ending in ("complete", "length")
        joined += len(relay.makers) == 2
        prefix = _common(said.ids, alone.ids)
        kept += prefix >= min(at, len(alone.ids))
        equal += said.ids == alone.ids
    yield Figure("answers that are complete although the peer was killed at a random token", whole, "answers", done,
                 "exactly", note="; ".join(lost[:3]) or f"of {done}, {joined} of two makers")  # fmt: skip
    yield Figure("of these, every id that was accepted kept, none lost or doubled", kept, "answers", done, "exactly")
    median = statistics.median(waits or [0])
    yield Figure("of these, equal to an uninterrupted run of the same seed", equal, "answers", done, "exactly",
                 note=f"ids are replayed one by one; median {median:.1f} s an answer")  # fmt: skip


def quiet_figures() -> Iterator[Figure]:
    """With the toggle and sharing off, commands of a paired laptop send nothing; with it on they do."""
    from support.hosts import NoHosts, two_hosts

    name = "packets that left with the toggle off and sharing off"
    try:
        with two_hosts() as (_, host), tempfile.TemporaryDirectory() as folder:
            laptop = host.freehold(Path(folder))
            laptop.json("key", "create")
            before = host.sent
            said = laptop.json("ask", "Say yes.", "--max-tokens", "8")
            laptop.json("peers", "list")
            laptop.json("receipts", "list")
            quiet = host.sent - before
            loaded = _loaded_by(laptop, "ask", "Say yes.", "--max-tokens", "8")
            before = host.sent
            with suppress(AssertionError):
                laptop.lines("peers", "discover")
            control = host.sent - before
    except NoHosts as reason:
        yield Figure(name, None, "packets", 0, "exactly", note=f"not measured: {reason}")
        return
    where = said["provenance"]["where"]
    yield Figure(name, quiet, "packets", 0, "exactly", note=f"answered by {', '.join(where)}")
    yield Figure("packets of the control in the same run, which looks for devices", control, "packets", 1, "at least")
    yield Figure("web3 and eth_account in the app's process with the toggle off", len(loaded), "modules", 0, "exactly",
                 note=", ".join(loaded))  # fmt: skip


def _loaded_by(laptop: Any, *argv: str) -> list[str]:
    """Which of the heavy libraries the app's own process had imported when the command had ended."""
    import json
    import subprocess

    script = (
        "import atexit, json, sys, os\n"
        "heavy = ('web3', 'eth_account', 'zeroconf', 'uvicorn', 'starlette')\n"
        "atexit.register(lambda: open(os.environ['HOME'] + '/loaded', 'w').write(\n"
        "    json.dumps([one for one in heavy if one in sys.modules])))\n"
        "from freehold.__main__ import main\n"
        "sys.argv[1:] = json.loads(os.environ['ARGV'])\n"
        "sys.exit(main())\n"
    )
    whole = ["--home", str(laptop.top / "home"), *argv, "--json"]
    environment = {**laptop.environment, "ARGV": json.dumps(whole)}
    subprocess.run([*laptop.prefix, sys.executable, "-c", script], cwd=laptop.top, env=environment, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    return list(json.loads((laptop.top / "loaded").read_text()))


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids at the beginning are the same."""
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
                min(len(one), len(other)))  # fmt: skip
