"""What lending is made of: limits, the terms of a job, refusals. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from freehold.engine.values import Sampling, sampling_from_wire
from freehold.market.errors import REASONS
from freehold.market.values import MOST_PROMPT, Manifest, opening_hash
from freehold.processes.frames import JunkOnPipe, unpack_ids

MOST_BODY = 8 * 1024 * 1024  # bytes of a request
PORT = 47017
KEY_BYTES = 32


class Refusal(Exception):
    """What a peer is told instead of an answer: a code of `market.errors.REASONS`, and a number or nothing."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        assert code in REASONS, code
        self.code, self.detail = code, detail


@dataclass(frozen=True, slots=True)
class Limits:
    """What others may ask of this machine. Times are seconds.

    `jobs` are open ones of one device, `queue` those that wait in all, `quotes` the promises one device may hold;
    `requests` is a rate per second and device, `burst` how many may come at once; `tokens_per_day` counts what one
    device had read and written, 0 meaning no limit. `alone` is how long a job goes on without its client,
    `starving` how long it waits for a lease, `kept` how long its end can be asked for again.
    """

    jobs: int = 4
    queue: int = 8
    quotes: int = 32
    requests: float = 25.0
    burst: int = 100
    tokens_per_day: int = 5_000_000
    alone: float = 5.0
    starving: float = 60.0
    kept: float = 60.0

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Limits:
        """Raises TypeError for a limit that there is not."""
        return cls(**fields)

    def to_wire(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a job was opened with, by whom. The last `replay` ids of `prompt` are an answer begun elsewhere.

    `opening` binds manifest, prompt and sampling; `key` seals the stream; `fingerprint` tells the same opening again.
    """

    job: str
    client: str
    fingerprint: str
    prompt: tuple[int, ...]
    replay: int
    sampling: Sampling
    key: bytes
    opening: str


def terms_of(
    plain: Mapping[str, Any], manifest: Manifest, *, job: str, client: str, fingerprint: str, vocabulary: int
) -> Terms:
    """The terms in a job's opened seal, checked. `vocabulary` is the number of ids the model has. Raises Refusal."""
    replay, sampling, key = plain.get("replay", 0), plain.get("sampling"), _key(plain.get("reply_key"))
    prompt = _prompt(plain.get("prompt"), manifest.context, vocabulary)
    if type(replay) is not int or not 0 <= replay < len(prompt) or not isinstance(sampling, dict) or key is None:
        raise Refusal("malformed")
    try:
        opening = opening_hash(manifest, prompt, sampling)
        wanted = sampling_from_wire(sampling)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise Refusal("malformed") from error
    return Terms(job, client, fingerprint, prompt, replay, wanted, key, opening)


def whole(fields: Mapping[str, Any], name: str, most: int) -> int:
    """A field that is a whole number from 0 to `most`. Raises Refusal."""
    value = fields.get(name)
    if type(value) is not int or not 0 <= value <= most:
        raise Refusal("malformed")
    return value


def text(fields: Mapping[str, Any], name: str, most: int = 128) -> str:
    """A field that is a text of at most `most` characters. Raises Refusal."""
    value = fields.get(name)
    if not isinstance(value, str) or len(value) > most:
        raise Refusal("malformed")
    return value


def is_job_id(name: object) -> bool:
    """32 hex digits in lower case."""
    return isinstance(name, str) and len(name) == 32 and set(name) <= set("0123456789abcdef")


def _prompt(packed: object, context: int, vocabulary: int) -> tuple[int, ...]:
    if not isinstance(packed, str) or len(packed) > MOST_PROMPT * 6:
        raise Refusal("malformed")
    try:
        ids = tuple(unpack_ids(packed))
    except JunkOnPipe as error:
        raise Refusal("malformed") from error
    if len(ids) >= context:
        raise Refusal("prompt-too-long", str(context - 1))
    if not ids or not all(0 <= one < vocabulary for one in ids):
        raise Refusal("prompt-invalid")
    return ids


def _key(packed: object) -> bytes | None:
    import base64

    if not isinstance(packed, str) or len(packed) > 64:
        return None
    try:
        key = base64.b64decode(packed, validate=True)
    except ValueError:
        return None
    return key if len(key) == KEY_BYTES else None
