"""What the app knows of a gateway, as the window and the command line show it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Shared:
    """Where this machine answers, and how another one is paired with it: by the code, good for `seconds`, or the
    invite, which holds the same code.
    """

    address: str
    code: str
    invite: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        return {"address": self.address, "code": self.code, "invite": self.invite}


@dataclass(frozen=True, slots=True)
class LentJob:
    """One answer that is open: `client` is the device's id, counts are in tokens."""

    job: str
    client: str
    state: str
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True, slots=True)
class Status:
    """How sharing stands. `code` and `invite` pair one more device and are good for `code_seconds`; empty when none is.
    `seen` are the times, in seconds since 1970, at which devices asked last; `answered` counts jobs that have ended.
    Speeds are tokens a second, 0 where nothing was answered yet.
    """

    is_on: bool = False
    address: str = ""
    model: str = ""
    announced: bool = False
    jobs: tuple[LentJob, ...] = ()
    waiting: int = 0
    tokens_per_s: float = 0.0
    read_per_s: float = 0.0
    code: str = ""
    invite: str = ""
    code_seconds: float = 0.0
    answered: int = 0
    seen: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        jobs = [{name: getattr(job, name) for name in job.__slots__} for job in self.jobs]
        return {
            "on": self.is_on, "address": self.address, "model": self.model, "announced": self.announced, "jobs": jobs,
            "waiting": self.waiting, "answered": self.answered, "tokens_per_s": self.tokens_per_s,
            "read_per_s": self.read_per_s, "code": self.code, "invite": self.invite,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happened:
    """Something to show: a device was `paired` (with the four `words`) or went (`unpaired`), a `job` ended, sharing
    was started `anew` or has `ended` by itself. `device` is an id, `name` what the device calls itself.
    """

    number: int
    kind: str
    device: str = ""
    name: str = ""
    words: tuple[str, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    ending: str = ""


def status_of(told: Mapping[str, Any], shared: Shared | None) -> Status:
    """What `gateway.status` said; `shared` is the last code that was made."""
    jobs = tuple(
        LentJob(job["job"], job["client"], job["state"], job["tokens_in"], job["tokens_out"]) for job in told["jobs"]
    )
    seconds = told["code_seconds"] if shared is not None else 0.0
    return Status(
        True, address_of(told), told["model"], told["announced"], jobs, told["waiting"], told["tokens_per_s"],
        told["read_per_s"], shared.code if shared and seconds else "", shared.invite if shared and seconds else "",
        seconds, told["answered"], dict(told["seen"]),
    )  # fmt: skip


def address_of(told: Mapping[str, Any]) -> str:
    """HOST:PORT, for people and for invites."""
    host = told["hosts"][0]
    return f"[{host}]:{told['port']}" if ":" in host else f"{host}:{told['port']}"


def happened(number: int, told: Mapping[str, Any]) -> Happened:
    """One item of `gateway.news`."""
    return Happened(
        number, told["kind"], told.get("address") or told.get("client", ""), told.get("name", ""),
        tuple(told.get("words", ())), told.get("tokens_in", 0), told.get("tokens_out", 0), told.get("ending", ""),
    )  # fmt: skip
