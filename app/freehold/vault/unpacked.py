"""A backup that was taken apart, as the vault process meets it: its header, its database, and whether to trust them."""

from __future__ import annotations

import hmac
from pathlib import Path

from freehold.foundation.errors import BackupDamaged, WrongPassphrase
from freehold.foundation.paths import disk_error
from freehold.vault import header as headers
from freehold.vault import keys
from freehold.vault.backup import DATABASE, HEADER
from freehold.vault.slots import FindKey
from freehold.vault.values import Header


class Unpacked:
    """What `backup.unpack` left in `folder`, with the SHA-256 it found and the seal it read."""

    def __init__(self, folder: Path, digest: bytes, seal: bytes) -> None:
        self.database = folder / DATABASE
        try:
            self._content = (folder / HEADER).read_bytes()
        except OSError as error:
            raise disk_error(error, folder) from error
        self._digest, self._seal = digest, seal
        self.header = headers.decode(self._content)

    def authenticate(self, find_key: FindKey) -> tuple[Header, bytes]:
        """The header and the data key. Raises WrongPassphrase, and BackupDamaged when another hand sealed it."""
        data_key = find_key(self.header)
        is_authentic = data_key is not None and headers.is_authentic(self._content, data_key)
        if data_key is None or (self.header.is_raw and not is_authentic):
            raise WrongPassphrase()
        if not is_authentic or not hmac.compare_digest(keys.seal_backup(data_key, self._digest), self._seal):
            raise BackupDamaged("it was changed by someone who does not have its key")
        return self.header, data_key
