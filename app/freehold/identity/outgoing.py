"""Which requests the node key signs at all: those of docs/peers.md, by method, path and names in the body. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from freehold.foundation.canonical import object_from
from freehold.foundation.errors import MandateRefused

Kind = Literal["offers", "vocabulary", "quote", "open", "stream", "lease", "close", "unpair"]

MOST_BODY = 8 * 1024 * 1024
ALLOWED_WHILE_PAUSED = frozenset({"close", "unpair"})  # what ends something

_JOB = r"/v1/jobs/([0-9a-f]{32})"
# kind, method, path, query, the names that the body's object has (None: no body)
_KNOWN: tuple[tuple[Kind, str, str, str, frozenset[str] | None], ...] = (
    ("offers", "GET", r"/v1/offers()", "", None),
    ("vocabulary", "GET", r"/v1/vocabularies/[0-9a-f]{64}()", "", None),
    ("quote", "POST", r"/v1/quotes()", "", frozenset({"manifest", "tokens_in", "tokens_out", "deadline_s"})),
    ("open", "POST", r"/v1/jobs()", "", frozenset({"job", "quote", "sealed"})),
    ("stream", "GET", rf"{_JOB}/stream", r"(after=[0-9]{1,10})?", None),
    ("lease", "POST", rf"{_JOB}/lease", "", frozenset({"accepted", "transcript"})),
    ("close", "POST", rf"{_JOB}/close", "", frozenset({"accepted", "transcript"})),
    ("unpair", "POST", r"/v1/unpair()", "", frozenset()),
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request that may be signed: its kind, the job it is about (empty for none), how far that got."""

    kind: Kind
    job: str = ""
    accepted: int = 0


def recognised(method: str, url: str, body: bytes) -> Request:
    """The request that this is. Raises MandateRefused when it is none of the protocol's."""
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
    except ValueError as error:
        raise MandateRefused("the address is not one") from error
    # urlsplit passes over white space and control characters; what would be signed is the text with them
    if not is_plain or not re.fullmatch(r"[!-~]{1,2000}", url) or "#" in url or len(body) > MOST_BODY:
        raise MandateRefused("only requests to another device's https address are signed")
    for kind, known_method, path, query, names in _KNOWN:
        match = re.fullmatch(path, parts.path)
        if match and method == known_method and re.fullmatch(query, parts.query):
            fields = _fields(body, names)
            return Request(kind, match[1] or _job(fields), _accepted(fields))
    raise MandateRefused("requests of this kind are never signed")


def _fields(body: bytes, names: frozenset[str] | None) -> dict[str, Any]:
    if names is None:
        if body:
            raise MandateRefused("a request that has no body came with one")
        return {}
    try:
        fields = object_from(body)
    except ValueError as error:
        raise MandateRefused("the request's body is not of the protocol") from error
    if fields.keys() != names:
        raise MandateRefused("the request's body is not of the protocol")
    return fields


def _job(fields: dict[str, Any]) -> str:
    job = fields.get("job", "")
    if "job" in fields and not (isinstance(job, str) and re.fullmatch(r"[0-9a-f]{32}", job)):
        raise MandateRefused("the job's id is not one")
    return str(job)


def _accepted(fields: dict[str, Any]) -> int:
    accepted = fields.get("accepted", 0)
    if type(accepted) is not int or accepted < 0:
        raise MandateRefused("the count of tokens is not one")
    return accepted
