"""The egress ledger as the app sees it: no connection without a row."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any, Protocol

from freehold.foundation.errors import VaultLocked
from freehold.network.values import Connection, DataClass, Outcome

NOTE_SECONDS = 5.0


class Vault(Protocol):
    def call(self, op: str, **args: Any) -> Any: ...


class Ledger:
    """Rows in the vault. Every method raises VaultLocked when it is locked: then no connection is made."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self.made = 0

    def begin(self, purpose: str, host: str, port: int, data_class: DataClass = "public-file") -> Entry:
        """Write the row of a connection that is about to be made."""
        row = self._vault.call(
            "ledger.begin", time=time.time(), purpose=purpose, host=host, port=port, data_class=data_class
        )
        self.made += 1
        return Entry(self._vault, row)

    def refuse(self, purpose: str, host: str, port: int, why: str, data_class: DataClass = "public-file") -> None:
        """Write the row of a connection that was not made."""
        self._vault.call(
            "ledger.begin", time=time.time(), purpose=purpose, host=host, port=port, data_class=data_class,
            refused=True, error=why,
        )  # fmt: skip

    def since(self, moment: float) -> list[Connection]:
        return [Connection.from_wire(fields) for fields in self._vault.call("ledger.list", since=moment)]


class Entry:
    """The row of one connection while it lasts."""

    def __init__(self, vault: Vault, row: int) -> None:
        self._vault, self._row = vault, row
        self._noted = time.monotonic()
        self.sent = self.received = 0
        self.error = "interrupted"
        self._refused = False

    def note(self, sent: int, received: int) -> None:
        """Keep the counts, and every few seconds write them: a locked vault ends the connection here."""
        self.sent, self.received = sent, received
        if time.monotonic() - self._noted >= NOTE_SECONDS:
            self._noted = time.monotonic()
            self._vault.call("ledger.note", row=self._row, bytes_out=sent, bytes_in=received)

    def settle(self, outcome: Outcome) -> None:
        """What became of it."""
        self.sent, self.received, self._refused = outcome.bytes_out, outcome.bytes_in, outcome.refused
        self.error = f"status {outcome.status}" if outcome.kind == "answered" else outcome.words

    def end(self) -> None:
        """Complete the row. With the vault locked meanwhile it stays as it is, with the last counts noted."""
        with suppress(VaultLocked):
            self._vault.call(
                "ledger.end", row=self._row, time=time.time(), bytes_out=self.sent, bytes_in=self.received,
                error=self.error, refused=self._refused,
            )  # fmt: skip
