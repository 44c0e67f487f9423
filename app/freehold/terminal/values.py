"""What the command line shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing `freehold doctor` looked at; `advice` is the next step where it is not well."""

    name: str
    ok: bool
    detail: str = ""
    advice: str = ""

    def to_wire(self) -> dict[str, str | bool]:
        return {"name": self.name, "ok": self.ok, "detail": self.detail, "advice": self.advice}
