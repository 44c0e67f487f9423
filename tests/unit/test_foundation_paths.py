"""The profile folder, atomic writes, and what the operating system's refusals mean to a person."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from freehold.foundation.errors import DiskFull, ProfileUnusable
from freehold.foundation.paths import Profile, disk_error, from_home, resources, write_atomically


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def run(source: str, *arguments: Path) -> str:
    """What a child Python prints."""
    command = [sys.executable, "-c", textwrap.dedent(source), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_a_profile_s_folders_are_its_owner_s_alone(tmp_path):
    profile = Profile(tmp_path / "a" / "b")
    old = os.umask(0)
    try:
        profile.prepare()
    finally:
        os.umask(old)
    for folder in (profile.home, profile.vault, profile.models, profile.backups, profile.logs, profile.scratch):
        assert mode(folder) == 0o700
    profile.prepare()


def test_a_profile_that_others_could_read_is_closed_to_them(tmp_path):
    profile = Profile(tmp_path)
    tmp_path.chmod(0o755)
    profile.prepare()
    assert mode(tmp_path) == 0o700


def test_a_folder_whose_file_system_knows_no_modes_is_used_when_it_is_ours(tmp_path, monkeypatch):
    def refuse(self, mode):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    tmp_path.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    Profile(tmp_path).prepare()
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(ProfileUnusable, match="not permitted"):
        Profile(tmp_path).prepare()


@pytest.mark.parametrize("place", ["file", "file/below", "home"])
def test_a_profile_where_a_file_stands_in_the_way_is_refused_in_words(tmp_path, place):
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "vault").write_text("in the way")
    with pytest.raises(ProfileUnusable) as caught:
        Profile(tmp_path / place).prepare()
    assert str(tmp_path / place) in caught.value.detail
    assert caught.value.next_step


def in_own_mounts(script: str, folder: Path) -> str:
    """What `script` prints in a mount namespace of its own; skips where the system does not allow one."""
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here")
    own_mounts = ["unshare", "--user", "--map-root-user", "--mount"]
    command = [*own_mounts, "sh", "-ec", script, "sh", sys.executable, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no mounts of our own here: {done.stderr.strip()[:80]}")
    assert done.returncode == 0, done.stderr
    return done.stdout


PREPARE = """
import sys
from pathlib import Path
from freehold.foundation.errors import FreeholdError
from freehold.foundation.paths import Profile, write_atomically
try:
    Profile(Path(sys.argv[1])).prepare()
    write_atomically(Path(sys.argv[1]) / "new", b"x")
except FreeholdError as error:
    print(error.code, error.detail)
"""

FILL = """
import sys
from pathlib import Path
from freehold.foundation.errors import FreeholdError
from freehold.foundation.paths import write_atomically
path = Path(sys.argv[1]) / "kept"
write_atomically(path, b"old")
for size in (200_000, 5_000_000):
    try:
        write_atomically(path, b"x" * size)
    except FreeholdError as error:
        print(error.code)
print(path.read_bytes().decode(), [child.name for child in path.parent.iterdir()])
"""


def test_a_read_only_profile_is_refused_in_words(tmp_path):
    script = f"""mount --bind "$2" "$2"; mount -o remount,bind,ro "$2"; "$1" -c '{PREPARE}' "$2" """
    said = in_own_mounts(script, tmp_path)
    assert said.startswith("profile-unusable")
    assert "Read-only file system" in said


def test_a_read_only_profile_that_was_used_before_is_refused_in_words(tmp_path):
    Profile(tmp_path).prepare()
    script = f"""mount --bind "$2" "$2"; mount -o remount,bind,ro "$2"; "$1" -c '{PREPARE}' "$2" """
    said = in_own_mounts(script, tmp_path)
    assert said.startswith("profile-unusable")


def test_a_write_on_a_full_disk_leaves_the_old_content_and_no_crumbs(tmp_path):
    script = f"""mount -t tmpfs -o size=64k none "$2"; "$1" -c '{FILL}' "$2" """
    assert in_own_mounts(script, tmp_path) == "disk-full\ndisk-full\nold ['kept']\n"


def test_a_write_beyond_the_largest_file_allowed_leaves_the_old_content(tmp_path):
    said = run(
        """
        import resource, sys
        from pathlib import Path
        from freehold.foundation.errors import FreeholdError
        from freehold.foundation.paths import write_atomically
        path = Path(sys.argv[1]) / "kept"
        write_atomically(path, b"old")
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_atomically(path, b"x" * 5000)
        except FreeholdError as error:
            print(error.code, error.detail.endswith("File too large"))
        print(path.read_bytes().decode(), [child.name for child in path.parent.iterdir()])
        """,
        tmp_path,
    )
    assert said == "profile-unusable True\nold ['kept']"


def test_an_atomic_write_replaces_the_whole_content_with_the_owner_s_mode(tmp_path):
    path = tmp_path / "kept"
    path.write_bytes(b"a much longer old content")
    path.chmod(0o644)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert mode(path) == 0o600


def test_an_atomic_write_into_a_folder_that_is_gone_is_refused_in_words(tmp_path):
    with pytest.raises(ProfileUnusable, match="No such file"):
        write_atomically(tmp_path / "gone" / "kept", b"new")


def test_a_kill_during_atomic_writes_leaves_one_content_or_the_other(tmp_path):
    writer = """
        import itertools, sys
        from pathlib import Path
        from freehold.foundation.paths import write_atomically
        for number in itertools.count():
            write_atomically(Path(sys.argv[1]) / "kept", b"%d" % (number % 10) * 100_000)
            print(number, flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(writer), str(tmp_path)]
    for rounds in range(6):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            for _ in range(rounds + 1):
                process.stdout.readline()
            process.kill()
        content = (tmp_path / "kept").read_bytes()
        assert len(content) == 100_000
        assert len(set(content)) == 1
    Profile(tmp_path).clear_leftovers()
    assert [child.name for child in tmp_path.iterdir()] == ["kept"]


def test_clearing_leftovers_follows_no_link_out_of_the_scratch_folder(tmp_path):
    profile = Profile(tmp_path / "home")
    profile.prepare()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (profile.scratch / "link").symlink_to(outside)
    profile.clear_leftovers()
    assert (outside / "kept").exists()
    assert list(profile.scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("ENOSPC", DiskFull),
        ("EDQUOT", DiskFull),
        ("EIO", ProfileUnusable),
        ("EROFS", ProfileUnusable),
        ("ESTALE", ProfileUnusable),
        ("EHOSTDOWN", ProfileUnusable),
        ("ETIMEDOUT", ProfileUnusable),
    ],
)
def test_what_the_system_s_refusals_mean(number, kind):
    code = getattr(errno, number)
    error = disk_error(OSError(code, os.strerror(code)), Path("/somewhere"))
    assert type(error) is kind
    assert "/somewhere" in error.detail


def test_the_bundled_files_are_found_in_a_checkout():
    assert (resources().parent / "pyproject.toml").exists() or (resources().parent / "foundation").is_dir()


def test_a_tilde_is_a_home_folder_and_a_name_that_only_begins_with_one_stays(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert from_home("~/letters") == tmp_path / "letters"
    for name in ("~$letter.docx", "~nobody-by-that-name/letters", "letters~"):
        assert from_home(name) == Path(name)
