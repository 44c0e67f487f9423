"""What Freehold promises, how that is tested, and what it does not promise: one text for the window and the docs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise. `proof` says how it is tested, `command` tries it, `tests` are files of this repository.

    `missing` says what of it does not hold yet; empty when nothing is.
    """

    name: str
    title: str
    words: str
    proof: str
    command: str = ""
    tests: tuple[str, ...] = ()
    missing: str = ""


PROMISES: tuple[Promise, ...] = (
    Promise(
        "P1",
        "Nothing leaves unless you ask",
        "As long as you use nothing that needs the internet, no packet leaves this computer. Whatever does leave is a "
        "row on the Connections page, and one switch refuses everything.",
        "The tests run in a network namespace whose only way out is read packet by packet. Afterwards something "
        "reaches out on purpose, and that must be counted.",
        "python tests/bench/security_packets.py",
        ("tests/e2e/test_no_packets.py", "tests/unit/test_network_policy.py",
         "tests/faults/test_network_certificates.py", "tests/faults/test_download_kills.py",
         "tests/faults/test_network_peers.py", "tests/unit/test_network_nearby.py"),
    ),
    Promise(
        "P2",
        "Locked means unreadable",
        "While Freehold is locked, nothing of a chat, a document, a file name or a key can be read in its folder, its "
        "temporary files, its logs or its memory: the processes that held them have ended.",
        "A thousand marked words are planted, then every file is searched byte by byte, when locked and after a crash. "
        "The memory of a locked window is searched for what was open in it.",
        "python tests/bench/run.py security --quick",
        ("tests/e2e/test_lock_memory.py", "tests/e2e/test_log_canaries.py", "tests/faults/test_vault_headers.py",
         "tests/faults/test_vault_keyring.py"),
    ),
    Promise(
        "P3",
        "What was saved stays saved",
        "Once a message is shown as sent, no crash takes it away, and nothing has to be repaired.",
        "The app, the vault and the model are killed at random moments and at every write. What was acknowledged must "
        "be there.",
        "python tests/bench/run.py kill",
        ("tests/faults/test_vault_kills.py", "tests/faults/test_vault_full.py"),
    ),
    Promise(
        "P4",
        "Deleted is gone",
        "What you erase is gone from every file, from what was derived of it and from search. Backups that you made "
        "before keep what they had.",
        "The encrypted file is opened and its pages, free pages and journal are searched for what was erased, beside "
        "words that must still be found.",
        "python tests/bench/run.py security --quick",
        ("tests/unit/test_chats_erasure.py",),
    ),
    Promise(
        "P5",
        "Nothing is signed without you",
        "No model, document, web page or other computer can cause a signature or a payment. A question to another "
        "device is signed by a process of its own, which holds the key and your limits, and writes down first what it "
        "is about to sign.",
        "Days, crashes, a full disk and clocks that go anywhere are played at random: no day may give more than was "
        "allowed. Every request that is not of the protocol must be refused.",
        "pytest tests/unit/test_identity_mandates.py",
        ("tests/unit/test_identity_mandates.py", "tests/unit/test_identity_signer.py",
         "tests/faults/test_identity_faults.py", "tests/faults/test_sandbox_workers.py"),
        missing="Paying comes later, with limits that you set.",
    ),
    Promise(
        "P6",
        "Text cannot act",
        "No model and no document can open a file, load a picture, reach a server or crash the window. Links show "
        "where they lead and ask first.",
        "Hostile text is shown at every point of its arrival, everywhere it can be shown, beside files and a server "
        "that are watched. Every forbidden action is tried from inside each worker.",
        "python tests/bench/run.py security --quick",
        ("tests/desktop/test_renders_hostile.py", "tests/faults/test_sandbox_workers.py",
         "tests/unit/test_rendering_hostile.py", "tests/faults/test_library_extract_faults.py",
         "tests/faults/test_engine_faults.py"),
    ),
    Promise(
        "P7",
        "Limits are said",
        "What cannot be promised stands below, and the doctor says which protections hold on this computer.",
        "The doctor looks from inside the very boxes that the workers run in.",
        "freehold doctor",
        ("tests/faults/test_sandbox_workers.py",),
    ),
)  # fmt: skip

NOT_PROMISED: tuple[tuple[str, str], ...] = (
    (
        "A program of yours that means harm",
        "While the vault is unlocked, any program running under your name can read what you read: your screen, your "
        "keyboard, this program's memory.",
    ),
    (
        "A computer you do not control",
        "Whoever owns the system, or has it open in front of them while Freehold is unlocked, can read everything.",
    ),
    (
        "A forgotten passphrase",
        "Without the passphrase, the keyring and the recovery code nobody can open the vault. There is no other way.",
    ),
    (
        "Swap and hibernation",
        "The system may write memory to disk. Only an encrypted disk keeps that from being read.",
    ),
    (
        "What an old backup holds",
        "Erasing here erases nothing in a backup that was made before, nor in an export, which is not encrypted.",
    ),
    (
        "True answers",
        "A model can be wrong, and a small one often is. Sources show where words come from, not that they are true.",
    ),
    (
        "macOS and Windows",
        "The workers' boxes are made of Linux's own means. On other systems there are none, and nothing was tested.",
    ),
)
"""What is not promised: what it is about, and why."""
