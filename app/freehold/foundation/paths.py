"""Where things are: the profile folder and the files that ship with the app."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from freehold.foundation.errors import DiskFull, FreeholdError, ProfileUnusable

_UNFINISHED = ".unfinished"
_PACKAGE = Path(__file__).resolve().parents[1]


def resources() -> Path:
    """The folder of bundled files: inside the installed package, or at the top of a source checkout."""
    inside = _PACKAGE / "resources"
    return inside if inside.is_dir() else _PACKAGE.parents[1] / "resources"


def from_home(name: str) -> Path:
    """The path that was typed, `~` being a home folder. A name that only looks so, as `~$letter.docx`, stays."""
    return Path(os.path.expanduser(name))  # noqa: PTH111 - Path.expanduser raises RuntimeError for such names


@dataclass(frozen=True, slots=True)
class Profile:
    """One owner's folder. Everything Freehold writes lies below `home`, readable by its owner alone."""

    home: Path

    @property
    def vault(self) -> Path:
        return self.home / "vault"

    @property
    def identity(self) -> Path:
        """The wrapped keys that sign, and the journal of what they were asked to sign."""
        return self.home / "identity"

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def backups(self) -> Path:
        return self.home / "backups"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def scratch(self) -> Path:
        """Working folder of the child processes; emptied at start."""
        return self.home / "scratch"

    @property
    def share(self) -> Path:
        """What the gateway reads and writes: the model's vocabulary, and the sealed journal of jobs done for others."""
        return self.home / "share"

    @property
    def settings(self) -> Path:
        return self.home / "settings.json"

    @property
    def lock(self) -> Path:
        return self.home / "lock"

    @property
    def socket(self) -> Path:
        return self.home / "socket"

    def prepare(self) -> None:
        """Make the folders. Raises ProfileUnusable when the place cannot be written to."""
        try:
            places = (self.vault, self.identity, self.models, self.backups, self.logs, self.scratch, self.share)
            for folder in (self.home, *places):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _make_private(self.home)
        except OSError as error:
            raise disk_error(error, self.home) from error

    def clear_leftovers(self) -> None:
        """Remove what a killed process left half done. Only for whoever holds the profile.

        A half-written vault header would otherwise keep a passphrase alive that was changed since.
        """
        import shutil  # as with tempfile below

        for folder in (self.home, self.vault, self.identity):
            for path in folder.glob(f".*{_UNFINISHED}"):
                with suppress(OSError):
                    path.unlink()
        for path in self.scratch.glob("*"):
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def profile_at(home: Path | None) -> Profile:
    """The profile in the folder `home`, or in the system's place for an app's data."""
    if home is not None:
        return Profile(home.absolute())
    import platformdirs

    return Profile(platformdirs.user_data_path("freehold", appauthor=False))


def _make_private(folder: Path) -> None:
    if os.name != "posix" or folder.stat().st_mode & 0o777 == 0o700:
        return
    try:
        folder.chmod(0o700)
    except PermissionError:
        # A memory stick's file system has no modes to change: fine when the folder is ours all the same.
        if folder.stat().st_uid != os.geteuid():
            raise


def disk_error(error: OSError, place: Path) -> FreeholdError:
    """What an operating system error on `place` means to a person."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(str(place))
    return ProfileUnusable(f"{place}: {error.strerror or error}")


def bytes_of(path: Path, most: int) -> bytes | None:
    """The first `most` bytes of a file, None where there is none. Raises ProfileUnusable."""
    try:
        with path.open("rb") as file:
            return file.read(most)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise disk_error(error, path) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` with `content` whole or not at all, readable by its owner alone, on disk when this returns.

    Raises DiskFull or ProfileUnusable; the old content is then untouched.
    """
    import tempfile  # this module lies on the way to the window's first frame; tempfile costs it 8 ms

    temporary = ""
    try:
        # mkstemp opens with mode 0600 before any content is written.
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_UNFINISHED)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - `temporary` is a name from mkstemp
        sync_folder(path.parent)
    except OSError as error:
        if temporary:
            with suppress(OSError):  # a disk that fails may fail here too; the next start sweeps what is left
                Path(temporary).unlink(missing_ok=True)
        raise disk_error(error, path) from error


def sync_folder(folder: Path) -> None:
    """Make a rename or a new name in `folder` survive a power cut (POSIX; a no-op where folders have no fsync)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems have no fsync for folders
            raise
    finally:
        os.close(handle)
