"""Starting one of our own child processes in an environment built from nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from freehold.foundation.errors import WorkerStopped

# What a child may know of its surroundings: where programs and libraries are, the language, the processor
# libraries' own switches. Nothing that names a user, a session, a token or a proxy.
_PASSED_ON = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "WINDIR",
    "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE",
)  # fmt: skip
_ALWAYS = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def clean_environment(scratch: Path, also: Iterable[str] = ()) -> dict[str, str]:
    """The whole environment of a child. `also` names further variables that this one child needs."""
    passed = {name: os.environ[name] for name in (*_PASSED_ON, *also) if name in os.environ}
    return {**passed, **_ALWAYS, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)}


def worker_command(name: str, *arguments: str) -> list[str]:
    """How this program starts itself as the worker `name`. -E and -P keep foreign code off the import path.

    The rest are switches because -E makes Python deaf to the variables of the same meaning.
    """
    return [
        sys.executable, "-E", "-P", "-B", "-X", "utf8", "-X", "faulthandler", "-m", "freehold", "--worker", name,
        *arguments,
    ]  # fmt: skip


def spawn(command: list[str], scratch: Path, also: Iterable[str] = ()) -> subprocess.Popen[bytes]:
    """Start `command` with three pipes, in a session of its own so that Ctrl-C reaches only the app.

    Raises WorkerStopped when the system cannot start it (no memory, no process left, `scratch` gone).
    """
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=clean_environment(scratch, also),
            cwd=scratch,
            start_new_session=True,
            close_fds=True,
        )
    except OSError as error:
        raise WorkerStopped(f"{Path(command[0]).name} could not be started: {error.strerror or error}") from error
