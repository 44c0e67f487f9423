"""A whole app process that downloads one file through the real network process, to be killed from outside.

Run as: python -m support.download_child HOME ENDPOINT CDN
"""

from __future__ import annotations

import sys
from pathlib import Path

from freehold.foundation.paths import Profile
from freehold.foundation.settings import SettingsFile
from freehold.network.door import Door
from support.hub import PATIENCE, FakeVault, result_of


def main(home: str, endpoint: str, cdn: str) -> None:
    profile = Profile(Path(home))
    profile.prepare()
    settings = SettingsFile(profile.settings)
    door = Door(profile, FakeVault(), settings, endpoint=endpoint, local=(endpoint, cdn), patience=PATIENCE)
    result_of(door.hub_file("maker/model", "model.gguf"))


if __name__ == "__main__":
    main(*sys.argv[1:])
