"""Devices, jobs, receipts and checks as rows. Runs in the vault worker; ops take and give the fields of records.py."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from freehold.foundation.errors import NotFound, UsageError
from freehold.market import schema

Execute = Callable[..., Any]
Rows = list[dict[str, Any]]

_DEVICE = (
    "id", "name", "kind", "node_key", "hpke_key", "certificate", "tls", "host", "port", "documents", "state", "paired",
    "offers",
)  # fmt: skip
_CHANGES = {
    "name": "UPDATE devices SET name = ? WHERE id = ?",
    "certificate": "UPDATE devices SET certificate = ? WHERE id = ?",
    "hpke_key": "UPDATE devices SET hpke_key = ? WHERE id = ?",
    "host": "UPDATE devices SET host = ? WHERE id = ?",
    "port": "UPDATE devices SET port = ? WHERE id = ?",
    "documents": "UPDATE devices SET documents = ? WHERE id = ?",
    "state": "UPDATE devices SET state = ? WHERE id = ?",
    "offers": "UPDATE devices SET offers = ? WHERE id = ?",
}
_AS_JSON = ("certificate", "offers")
_JOB = (
    "id", "device", "manifest", "model", "model_sha256", "data_class", "tokens_in", "tokens_out", "state", "ending",
    "opened", "closed", "first_token_s", "tokens_per_s",
)  # fmt: skip
_CHECK = ("job", "time", "passed", "tokens", "margin", "reason")
_LENT = ("job", "client", "model", "tokens_in", "tokens_out", "ending", "opened", "closed")
_NOWHERE = {"host": "", "port": 0, "tls": "", "hpke_key": "", "certificate": {}, "offers": []}
_AT_ONCE = 200


class Database(Protocol):
    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]: ...
    def transaction(self) -> AbstractContextManager[Execute]: ...
    def forgetting(self) -> AbstractContextManager[Execute]: ...


class MarketStore:
    """Stands behind the chats in the vault: a receipt goes with its chat."""

    room = "market"
    MIGRATIONS = schema.MIGRATIONS

    def __init__(self, database: Database) -> None:
        self._db = database

    def put_device(self, device: dict[str, Any]) -> None:
        """A device that was paired, or paired again: what was known of it is replaced, what it did stays."""
        anew = ", ".join(f"{name} = excluded.{name}" for name in _DEVICE[1:])
        with self._db.transaction() as execute:
            execute(
                f"INSERT INTO devices {_places(_DEVICE)} ON CONFLICT (id) DO UPDATE SET {anew}",
                *_device_row(device),
            )

    def change_device(self, id: str, fields: dict[str, Any]) -> dict[str, Any]:
        """`fields` are any of name, certificate, hpke_key, host, port, documents, state and offers."""
        with self._db.transaction() as execute:
            for name, value in fields.items():
                if name not in _CHANGES:
                    raise UsageError(f"a device has no {name[:40]}")
                if not execute(_CHANGES[name], json.dumps(value) if name in _AS_JSON else value, id).rowcount:
                    raise NotFound("device")
        return self.device(id)

    def forget_device(self, id: str) -> None:
        """Keep its name for old receipts; where it was, and what it proved itself with, is gone from every file."""
        with self._db.forgetting() as execute:
            execute(
                "UPDATE devices SET state = 'forgotten', host = '', port = 0, tls = '', hpke_key = '',"
                " certificate = '{}', offers = '[]', documents = 0 WHERE id = ?",
                id,
            )

    def device(self, id: str) -> dict[str, Any]:
        rows = self._devices("WHERE id = ?", id)
        if not rows:
            raise NotFound("device")
        return rows[0]

    def devices(self) -> Rows:
        """Paired ones, blocked ones too; the oldest first."""
        return self._devices("WHERE state != 'forgotten' ORDER BY paired, id")

    def wish(self, job: dict[str, Any]) -> bool:
        """Write a job down before it is asked for. False when this very job is here already."""
        with self._db.transaction() as execute:
            return bool(_add_job(execute, job))

    def begin(self, job: str) -> None:
        """The device took it."""
        with self._db.transaction() as execute:
            execute("UPDATE jobs SET state = 'open' WHERE id = ? AND state = 'wished'", job)

    def note(self, job: str, tokens_out: int) -> None:
        """How many tokens were accepted so far, so that a crash leaves more than zero."""
        with self._db.transaction() as execute:
            execute("UPDATE jobs SET tokens_out = ? WHERE id = ? AND state != 'closed'", tokens_out, job)

    def close(
        self, *, job: str, ending: str, tokens_out: int, at: float, first_token_s: float = 0.0,
        tokens_per_s: float = 0.0, kept: dict[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """End a job, with what was signed about it: `{receipt, chat, prompt, answer, sampling}`. A closed one stays."""
        with self._db.transaction() as execute:
            was_open = execute(
                "UPDATE jobs SET state = 'closed', ending = ?, tokens_out = ?, closed = ?, first_token_s = ?,"
                " tokens_per_s = ? WHERE id = ? AND state != 'closed'",
                ending, tokens_out, at, first_token_s, tokens_per_s, job,
            ).rowcount  # fmt: skip
            if was_open and kept is not None:
                _keep(execute, job, kept)

    def recover(self, at: float) -> list[str]:
        """Close as broken what a crash left open; the jobs' ids."""
        found = [id for (id,) in self._db.query("SELECT id FROM jobs WHERE state != 'closed' ORDER BY seq")]
        if found:
            with self._db.transaction() as execute:
                execute("UPDATE jobs SET state = 'closed', ending = 'broken', closed = ? WHERE state != 'closed'", at)
        return found

    def jobs(self, device: str = "", limit: int = 1000) -> Rows:
        """The newest `limit` jobs, of one device or of all, newest first."""
        where = "WHERE device = ?1" if device else "WHERE ?1 = ''"
        return self._jobs(f"{where} ORDER BY seq DESC LIMIT ?2", device, limit)

    def receipts(self, limit: int = 1000) -> Rows:
        """The newest, newest first, each with its check but without its content."""
        rows = self._db.query(
            "SELECT r.receipt, r.chat, c.job, c.time, c.passed, c.tokens, c.margin, c.reason FROM receipts r"
            " JOIN jobs j ON j.id = r.job LEFT JOIN checks c ON c.job = r.job ORDER BY j.seq DESC LIMIT ?",
            limit,
        )
        return [
            {"receipt": json.loads(row[0]), "chat": row[1], "prompt": "", "answer": "", "sampling": {},
             "check": _check_fields(row[2:])}
            for row in rows
        ]  # fmt: skip

    def receipt(self, part: str) -> dict[str, Any]:
        """The one receipt whose job's id begins like this, with all that it is about."""
        found = self._db.query("SELECT job FROM receipts WHERE job GLOB ? LIMIT 2", f"{part.lower()}*") if (
            part.isalnum()
        ) else []  # fmt: skip
        if len(found) != 1:
            raise NotFound(f"{'more than one receipt' if found else 'no receipt'} has an id like {part[:40]}")
        return self._kept(found[0][0])

    def unchecked(self, device: str) -> list[str]:
        """Jobs of a device whose answers could be compared with the weights and were not, oldest first."""
        rows = self._db.query(
            "SELECT j.id FROM jobs j JOIN receipts r ON r.job = j.id LEFT JOIN checks c ON c.job = j.id"
            " WHERE j.device = ? AND r.chat IS NOT NULL AND c.job IS NULL ORDER BY j.seq",
            device,
        )
        return [id for (id,) in rows]

    def add_check(self, check: dict[str, Any]) -> None:
        """How an answer compared with its weights. A failed one blocks the device, in the same transaction."""
        with self._db.transaction() as execute:
            execute(f"INSERT OR REPLACE INTO checks {_places(_CHECK)}", *(check[name] for name in _CHECK))
            if not check["passed"]:
                execute(
                    "UPDATE devices SET state = 'blocked' WHERE state = 'active'"
                    " AND id = (SELECT device FROM jobs WHERE id = ?)",
                    check["job"],
                )

    def checks(self) -> dict[str, list[int]]:
        """By device: how many checks passed and how many failed."""
        rows = self._db.query(
            "SELECT j.device, sum(c.passed), sum(1 - c.passed) FROM checks c JOIN jobs j ON j.id = c.job GROUP BY 1"
        )
        return {device: [passed, failed] for device, passed, failed in rows}

    def absorb(self, lines: list[dict[str, Any]]) -> int:
        """Take over lines of the gateway's journal; how many were new."""
        with self._db.transaction() as execute:
            return sum(_lend(execute, line) for line in lines)

    def lent(self, since: float = 0.0, limit: int = 1000) -> Rows:
        """The newest `limit` jobs done for others from `since` on, newest first."""
        rows = self._db.query(
            f"SELECT {', '.join(_LENT)} FROM lent WHERE opened >= ? ORDER BY opened DESC LIMIT ?",  # noqa: S608 - our own names
            since, limit,
        )  # fmt: skip
        return [dict(zip(_LENT, row, strict=True)) for row in rows]

    def everything(self) -> Generator[Rows, None, None]:
        """All rows for another vault: devices before their jobs, jobs before what is said of them."""
        yield [{"device": fields} for fields in self._devices("ORDER BY paired, id")]
        last = 0
        while rows := self._db.query("SELECT seq, id FROM jobs WHERE seq > ? ORDER BY seq LIMIT ?", last, _AT_ONCE):
            last = rows[-1][0]
            yield [self._whole(id) for _, id in rows]
        lent = self._db.query(f"SELECT {', '.join(_LENT)} FROM lent ORDER BY opened, job")  # noqa: S608 - our own names
        for start in range(0, len(lent), _AT_ONCE):
            yield [{"lent": dict(zip(_LENT, row, strict=True))} for row in lent[start : start + _AT_ONCE]]

    def take(self, items: Rows) -> dict[str, int]:
        """What `everything` gave and is not here. A device is forgotten and must be paired again: an export is signed
        by nobody, and an active device is where prompts go. A receipt whose chat is not here is left out: nothing
        would ever erase it.
        """
        taken = {"devices": 0, "jobs": 0, "receipts": 0, "lent": 0}
        with self._db.transaction() as execute:
            for item in items:
                if "device" in item:
                    taken["devices"] += _take_device(execute, item["device"])
                elif "lent" in item:
                    taken["lent"] += _lend(execute, item["lent"])
                else:
                    taken["jobs"] += _take_job(execute, item)
                    taken["receipts"] += _take_receipt(execute, item)
        return taken

    def faults(self) -> list[str]:
        """What the vault's check finds wrong here."""
        rows = self._db.query(
            "SELECT r.job FROM receipts r JOIN jobs j ON j.id = r.job WHERE j.state != 'closed' LIMIT 10"
        )
        return [f"receipts: {job} is of a job that is not closed" for (job,) in rows]

    def _devices(self, rest: str, *values: object) -> Rows:
        rows = self._db.query(f"SELECT {', '.join(_DEVICE)} FROM devices {rest}", *values)  # noqa: S608 - our own names
        return [_device_fields(row) for row in rows]

    def _jobs(self, rest: str, *values: object) -> Rows:
        rows = self._db.query(f"SELECT {', '.join(_JOB)} FROM jobs {rest}", *values)  # noqa: S608 - our own names
        return [dict(zip(_JOB, row, strict=True)) for row in rows]

    def _kept(self, job: str) -> dict[str, Any]:
        receipt, chat, prompt, answer, sampling = self._db.query(
            "SELECT receipt, chat, prompt, answer, sampling FROM receipts WHERE job = ?", job
        )[0]
        return {
            "receipt": json.loads(receipt), "chat": chat, "prompt": prompt, "answer": answer,
            "sampling": json.loads(sampling), "check": self._check(job),
        }  # fmt: skip

    def _check(self, job: str) -> dict[str, Any] | None:
        rows = self._db.query(f"SELECT {', '.join(_CHECK)} FROM checks WHERE job = ?", job)  # noqa: S608 - our own names
        return _check_fields(rows[0]) if rows else None

    def _whole(self, job: str) -> dict[str, Any]:
        has_receipt = self._db.query("SELECT 1 FROM receipts WHERE job = ?", job)
        return {
            "job": self._jobs("WHERE id = ?", job)[0], "kept": self._kept(job) if has_receipt else None,
            "check": self._check(job),
        }  # fmt: skip


def _places(names: Sequence[str]) -> str:
    return f"({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


def _device_row(device: dict[str, Any]) -> list[Any]:
    row = {name: json.dumps(device[name]) if name in _AS_JSON else device[name] for name in _DEVICE}
    return list((row | {"id": str(device["id"]).lower()}).values())


def _device_fields(row: Sequence[Any]) -> dict[str, Any]:
    fields = dict(zip(_DEVICE, row, strict=True))
    return fields | {name: json.loads(fields[name]) for name in _AS_JSON} | {"documents": bool(fields["documents"])}


def _check_fields(row: Sequence[Any]) -> dict[str, Any] | None:
    return None if row[0] is None else dict(zip(_CHECK, row, strict=True)) | {"passed": bool(row[2])}


def _keep(execute: Execute, job: str, kept: dict[str, Any]) -> int:
    """A receipt with its content; without that where it belongs to no chat, and not at all where its chat is gone."""
    chat = kept["chat"] or None
    if chat and not execute("SELECT 1 FROM chats WHERE id = ?", chat).fetchone():
        return 0
    content = (kept["prompt"], kept["answer"], json.dumps(kept["sampling"])) if chat else ("", "", "{}")
    execute("INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?)", job, chat, json.dumps(kept["receipt"]), *content)
    return 1


def _lend(execute: Execute, line: dict[str, Any]) -> int:
    row = (str(line["job"]), str(line["client"]), str(line["model"]), int(line["tokens_in"]), int(line["tokens_out"]),
           str(line["ending"]), float(line["opened"]), float(line["closed"]))  # fmt: skip
    return int(execute(f"INSERT INTO lent {_places(_LENT)} ON CONFLICT (job, client) DO NOTHING", *row).rowcount)


def _take_device(execute: Execute, device: dict[str, Any]) -> int:
    forgotten = device | {"state": "forgotten", "documents": False, **_NOWHERE}
    row = _device_row(forgotten)
    return int(execute(f"INSERT INTO devices {_places(_DEVICE)} ON CONFLICT (id) DO NOTHING", *row).rowcount)


def _add_job(execute: Execute, job: dict[str, Any]) -> int:
    row = [job[name] for name in _JOB]
    return int(execute(f"INSERT INTO jobs {_places(_JOB)} ON CONFLICT (id) DO NOTHING", *row).rowcount)


def _take_job(execute: Execute, item: dict[str, Any]) -> int:
    job = item["job"]
    if job["state"] != "closed":  # it was running over there; here nobody will end it
        job = job | {"state": "closed", "ending": "broken"}
    new = _add_job(execute, job)
    if new and item["check"] is not None:
        execute(f"INSERT INTO checks {_places(_CHECK)}", *(item["check"][name] for name in _CHECK))
    return new


def _take_receipt(execute: Execute, item: dict[str, Any]) -> int:
    job, kept = item["job"]["id"], item["kept"]
    waits = "SELECT 1 FROM jobs WHERE id = ?1 AND state = 'closed' AND id NOT IN (SELECT job FROM receipts)"
    if kept is None or not execute(waits, job).fetchone():
        return 0
    return _keep(execute, job, kept)
