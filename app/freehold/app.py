"""The composition root: builds everything in one readable order. Nothing imports it but `__main__`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freehold.foundation.paths import Profile, from_home, profile_at

if TYPE_CHECKING:
    import subprocess

    from freehold.assistant.household import Household
    from freehold.engine.local import LocalEngine
    from freehold.engine.models import Models
    from freehold.foundation.settings import SettingsFile
    from freehold.identity.keys import Keys
    from freehold.market.evidence import Receipts
    from freehold.market.lending.lending import Lending
    from freehold.market.peers import Peers
    from freehold.network.door import Door
    from freehold.processes.replacing import Handed
    from freehold.terminal.values import Check
    from freehold.vault.keeper import Vault

_DOOR_SECONDS = 2.0  # for commands that are being served when the window locks


def main(argv: list[str], painted: Callable[[], None] = lambda: None) -> int:
    """The window when nothing is asked, else the command. A system that cannot show a window gets the chat instead.

    `painted` is called after the window's first frame.
    """
    home, command = _home_of(argv)
    handed = None
    if command[:1] == ["--locked"]:  # started by a Freehold that has locked itself
        from freehold.processes.replacing import take

        handed, command, argv = take(command[-1]), [], ["--home", str(profile_of(home).home)]
    if command or "_FREEHOLD_COMPLETE" in os.environ:  # a shell that completes a command has no arguments to give
        return _terminal(argv)
    from freehold.desktop.platform_check import missing_display

    missing = missing_display()
    if missing is not None:
        print(f"{missing.title}: {missing.detail}\n{missing.next_step}\n", file=sys.stderr)  # noqa: T201
        return _terminal([*argv, "chat"])
    return _window(profile_of(home), handed, painted)


def work(name: str, arguments: Sequence[str] = ()) -> int:
    """Be the worker `name` until the app closes our stdin, boxed in before anything of it is imported."""
    from freehold.processes.boxes import box_of, close_in
    from freehold.processes.spawn import spawn, worker_command

    if name == "layers":  # a child of the doctor's, that only wants to know what holds in another one's box
        print(*close_in(box_of(arguments[0], Path.cwd())))  # noqa: T201
        return 0
    # A gateway's engine is its child, and once in its box it could start none.
    children = [spawn(worker_command("engine", *arguments), Path.cwd())] if name == "gateway" else []
    close_in(box_of(name, Path.cwd(), arguments))
    _WORKERS[name](*children)
    return 0


def build(profile: Profile) -> Household:
    """Everything one profile consists of. Starts nothing: vault, engine and door start on first use."""
    from freehold.assistant.household import Household
    from freehold.assistant.librarian import Librarian
    from freehold.assistant.reply import Assistant
    from freehold.chats.conversations import Conversations
    from freehold.engine.local import LocalEngine
    from freehold.engine.models import Models
    from freehold.foundation.logs import start_logging
    from freehold.foundation.settings import SettingsFile
    from freehold.identity.keys import Keys
    from freehold.library.embed.client import EmbeddingModel
    from freehold.library.embed.embedders import Embedders
    from freehold.library.embed.models import EmbedderModels
    from freehold.library.embed.reranker import Reranker
    from freehold.library.extract.client import Extractor, Viewer
    from freehold.library.file_reader import FileReader
    from freehold.library.library import Library
    from freehold.market.lending.lending import Lending
    from freehold.network.door import Door
    from freehold.processes.boxes import reading
    from freehold.processes.holder import Holder
    from freehold.processes.spawn import spawn, worker_command
    from freehold.vault.keeper import Vault

    profile.prepare()
    start_logging(profile.logs)
    settings = SettingsFile(profile.settings)
    holder = Holder(profile)
    vault = Vault(profile)
    keys = Keys(profile, vault)
    conversations = Conversations(vault)
    door = Door(profile, vault, settings)
    models = Models(profile, settings, door)
    engine = LocalEngine(profile)
    embedder_models = EmbedderModels(profile.models / "embedders", door)

    def start_embedder(model: EmbeddingModel) -> subprocess.Popen[bytes]:
        return spawn(worker_command("embedder", *reading(str(model.folder))), profile.scratch)

    embedders = Embedders(vault, embedder_models, start_embedder)

    def reads_text() -> bool:
        return settings.text("ocr") != "off"

    def reader(place: Path, *files: str) -> Callable[[], subprocess.Popen[bytes]]:
        return lambda: spawn(worker_command("extract", *reading(*(files or library.places()))), place)

    desk, screen, hand = (profile.scratch / name for name in ("reading", "showing", "attached"))
    extractor = Extractor(reader(desk), desk, recognises=reads_text)
    viewer = Viewer(lambda path: reader(screen, str(path))(), screen)
    library = Library(vault, extractor, embedders, viewer, is_answering=lambda: engine.is_busy,
                      reranker=Reranker(vault, embedder_models, start_embedder))  # fmt: skip
    files = FileReader(lambda path: Extractor(reader(hand, str(path)), hand, recognises=reads_text))
    librarian = Librarian(library, files, conversations)
    lending = Lending(profile, vault, keys, models, settings)
    peers, receipts = _others(
        profile, vault, settings, keys=keys, door=door, models=models, engine=engine, lending=lending
    )
    assistant = Assistant(conversations, engine, models, settings, vault, librarian=librarian, peers=peers)
    return Household(profile, settings, holder, vault, conversations, models, engine, door, assistant, library,
                     embedder_models, keys, lending, peers, receipts)  # fmt: skip


def _others(
    profile: Profile, vault: Vault, settings: SettingsFile, *, keys: Keys, door: Door, models: Models,
    engine: LocalEngine, lending: Lending,
) -> tuple[Peers, Receipts]:  # fmt: skip
    """The devices that may be asked, and what they signed."""
    from freehold.market.books import Books
    from freehold.market.courier import Courier
    from freehold.market.evidence import Receipts
    from freehold.market.peers import Peers
    from freehold.market.verifying import check_bundle
    from freehold.market.vocabularies import Vocabularies

    books, courier, words = Books(vault), Courier(profile), Vocabularies(profile)
    peers = Peers(books, keys, door.peer_line(), courier=courier, vocabularies=words, settings=settings,
                  lending=lending)  # fmt: skip
    vault.when_locked(peers.close)
    return peers, Receipts(books, courier, models=models, engine=engine, settings=settings, check=check_bundle)


def _window(profile: Profile, handed: Handed | None, painted: Callable[[], None]) -> int:
    def first_frame() -> None:
        gc.enable()
        painted()

    gc.disable()  # what is made on the way to the first frame stays: looking for garbage would only hold it up
    from freehold.desktop.main import run

    def claim(household: Household, raise_window: Callable[[], None], lock_window: Callable[[], None]) -> bool:
        return _claim(household, handed, raise_window, lock_window)

    return run(build, profile, claim=claim, replace=_replace, handed=handed, painted=first_frame)


def profile_of(home: str | None) -> Profile:
    """The profile folder: what was asked for, else FREEHOLD_HOME, else the system's place for an app's data."""
    wanted = home or os.environ.get("FREEHOLD_HOME")
    return profile_at(from_home(wanted) if wanted else None)


def _claim(
    household: Household, handed: Handed | None, raise_window: Callable[[], None], lock_window: Callable[[], None]
) -> bool:
    """Take the profile for the window and serve later commands; or show the window that has it, and say False."""
    from freehold.foundation.errors import ProfileBusy
    from freehold.foundation.stop import Stop
    from freehold.processes.holder import Reply, ask_holder
    from freehold.terminal.served import served_commands

    try:
        household.holder.claim(None if handed is None else handed.lock)
    except ProfileBusy:
        frames = list(ask_holder(household.profile, {"raise": True}, Stop()))
        if {"exit": 0} not in frames:  # a chat in a terminal has no window to show
            raise
        return False
    if handed is not None and handed.gateway is not None:
        household.lending.adopt(handed.gateway)

    def lock() -> None:
        lock_window()
        household.vault.lock()  # also where a command opened it and the window had not followed yet

    commands = served_commands(household, lock)

    def answer(request: dict[str, Any], reply: Reply, stop: Stop) -> None:
        if request.get("raise") is True:
            raise_window()
            reply({"exit": 0})
        else:
            commands(request, reply, stop)

    household.holder.serve(answer)
    return True


def _replace(household: Household, handed: Handed) -> None:
    """Put a new process in the place of this locked one. Who was being served hears how it ended."""
    from dataclasses import replace

    from freehold.processes.replacing import replace_process

    household.holder.close_door(_DOOR_SECONDS)
    lock, gateway = household.holder.hand_over(), household.lending.hand_over()
    household.close()
    replace_process(["--home", str(household.profile.home)], replace(handed, lock=lock, gateway=gateway))


def _terminal(argv: list[str]) -> int:
    from freehold.terminal.main import run

    return run(
        argv,
        build,
        (
            _window_check,
            _lock_check,
        ),
    )


def _window_check() -> Check:
    """Whether a window can be opened here, for `freehold doctor`."""
    from freehold.desktop.platform_check import missing_display
    from freehold.terminal.values import Check

    missing = missing_display()
    if missing is None:
        return Check("window", True, "Qt finds what it needs to open one")
    return Check("window", False, missing.detail, missing.next_step)


def _lock_check() -> Check:
    """Whether a window would hear that the screen is locked or the machine goes to sleep, for `freehold doctor`."""
    from freehold.desktop.platform_check import has_login1, missing_buses
    from freehold.terminal.values import Check

    name, idle = "lock with the screen", "An idle window locks all the same, after the minutes set in `lock_minutes`."
    if sys.platform != "linux":
        return Check(name, False, "heard on Linux only", idle)
    unheard = {"session": "the screen's lock", "system": "the machine's sleep"}
    missing = missing_buses()
    if not missing:
        held = "sleep waits for locking" if has_login1() else "no login1 holds a sleep off until locking has ended"
        return Check(name, True, f"{' and '.join(unheard.values())} are heard; {held}")
    words = " and ".join(unheard[bus] for bus in missing)
    return Check(name, False, f"D-Bus has no {' and no '.join(missing)} bus here, so {words} go unheard", idle)


def _home_of(argv: list[str]) -> tuple[str | None, list[str]]:
    """The value of --home and what else is asked."""
    rest = list(argv)
    home = None
    while rest and (rest[0] == "--home" or rest[0].startswith("--home=")):
        first = rest.pop(0)
        home = first.partition("=")[2] if "=" in first else (rest.pop(0) if rest else None)
    return home, rest


def _vault_worker() -> None:
    from freehold.chats.store import ChatStore
    from freehold.identity.store import IdentityStore
    from freehold.library.store import LibraryStore
    from freehold.market.store import MarketStore
    from freehold.network.store import LedgerStore
    from freehold.vault.worker import serve_vault

    # Receipts go with their chats: those come first.
    serve_vault([ChatStore, LedgerStore, LibraryStore, MarketStore, IdentityStore])


def _keyring_worker() -> None:
    from freehold.vault.keyring_worker import serve_keyring

    serve_keyring()


def _signer_worker() -> None:
    from freehold.identity.signer_worker import serve_signer

    serve_signer()


def _engine_worker() -> None:
    from freehold.engine.worker import serve_engine

    serve_engine()


def _network_worker() -> None:
    from freehold.network.worker import serve_network

    serve_network()


def _extract_worker() -> None:
    from freehold.library.extract.worker import serve_extract

    serve_extract()


def _embedder_worker() -> None:
    from freehold.library.embed.worker import serve_embedder

    serve_embedder()


def _courier_worker() -> None:
    from freehold.market.courier_worker import serve_courier

    serve_courier()


def _gateway_worker(engine: subprocess.Popen[bytes]) -> None:
    from freehold.market.lending.worker import serve_gateway

    serve_gateway(engine)


_WORKERS: dict[str, Callable[..., None]] = {
    "vault": _vault_worker,
    "keyring": _keyring_worker,
    "signer": _signer_worker,
    "engine": _engine_worker,
    "network": _network_worker,
    "extract": _extract_worker,
    "embedder": _embedder_worker,
    "courier": _courier_worker,
    "gateway": _gateway_worker,
}
