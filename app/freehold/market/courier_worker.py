"""The courier: the one process that reads what peers say, and seals what they are told. No socket, no file.

It holds the reply keys of open jobs, in memory, and no key of the owner's.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import time
from collections.abc import Callable
from typing import Any, Literal

from freehold.foundation.canonical import canonical
from freehold.foundation.errors import BadRequest, PairingRefused, PeerUntrusted, ReceiptInvalid
from freehold.identity import certificates, pairing, sealing, signatures
from freehold.identity.values import NodeCertificate
from freehold.market.hearing import Asked, Hearing
from freehold.market.reading import checked_manifest, read_answer, read_refusal
from freehold.market.receipts import mismatch, read_bundle
from freehold.market.values import PROTOCOL, Malformed, Manifest, Receipt
from freehold.processes.frames import pack_ids, unpack_ids
from freehold.processes.worker import Op, serve

_KEY_BYTES = 32
_OK = 200

Fields = dict[str, Any]
Kind = Literal["offers", "quote", "opened", "granted", "receipt", "nothing"]


def serve_courier() -> None:
    serve("courier", Courier().ops)


class Courier:
    """Ops of the courier. `now` is seconds since 1970."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._jobs: dict[str, tuple[Asked, Hearing]] = {}
        self._guest: pairing.Guest | None = None

    @property
    def ops(self) -> dict[str, Op]:
        names = ("proved", "read", "seal", "hear", "settle", "drop", "begin_pairing", "confirm_pairing",
                 "finish_pairing", "certified", "examine")  # fmt: skip
        return {f"courier.{name}": getattr(self, name) for name in names}

    def proved(
        self, *, node_key: str, method: str, url: str, sent: dict[str, str], status: int, headers: dict[str, str],
        body: str | None = None,
    ) -> None:  # fmt: skip
        """Whether `node_key` gave this answer (`body` in base64; None for a stream's head) to the request that was
        sent. Raises PeerUntrusted.
        """
        content = None if body is None else _bytes(body)
        request = signatures.Request(method, url, sent)
        try:
            signatures.verify_response(node_key=node_key, status=status, headers=headers, body=content, request=request)
        except signatures.Refused as error:
            raise PeerUntrusted("its answer does not bear its signature") from error

    def read(
        self, *, kind: Kind, node_key: str, method: str, url: str, sent: dict[str, str], status: int,
        headers: dict[str, str], body: str,
    ) -> Fields:  # fmt: skip
        """A whole answer: `{"value"}`, or `{"refused": code}`. Raises PeerUntrusted."""
        self.proved(node_key=node_key, method=method, url=url, sent=sent, status=status, headers=headers, body=body)
        if status != _OK:
            return {"refused": read_refusal(_bytes(body))}
        try:
            return {"value": read_answer(kind, _bytes(body))}
        except Malformed as error:
            raise _strange(error) from error

    def seal(
        self, *, job: str, hpke_key: str, manifest: Fields, prompt: str, replay: int, sampling: Fields, most: int,
        vocabulary: int,
    ) -> Fields:  # fmt: skip
        """A job for the key of an offer: `{sealed, opening}`. From here on its answers can be heard.

        `prompt` is packed ids, the last `replay` of them an answer begun elsewhere; `most` answer tokens are wanted of
        a model with `vocabulary` tokens.
        """
        asked = Asked(job, Manifest.from_wire(manifest), tuple(unpack_ids(prompt)), sampling, most, vocabulary)
        key = secrets.token_bytes(_KEY_BYTES)
        told = {"prompt": prompt, "replay": replay, "sampling": sampling, "reply_key": base64.b64encode(key).decode()}
        try:
            sealed = sealing.seal(hpke_key, canonical(told), f"{PROTOCOL} {job}".encode())
        except sealing.SealBroken as error:
            raise PeerUntrusted("it offers no key to seal to") from error
        self._jobs[job] = asked, Hearing(asked, sealing.Envelopes(key, job).open)
        return {"sealed": base64.b64encode(sealed).decode(), "opening": asked.opening}

    def hear(self, job: str, event: str, accepted: int) -> Fields:
        """The next event of a job's stream (hearing.py), with its number as `number`. Raises PeerUntrusted."""
        hearing = self._of(job)[1]
        try:
            return {**hearing.take(event, accepted), "number": hearing.number}
        except Malformed as error:
            raise _strange(error) from error

    def settle(
        self, *, job: str, device: str, node_key: str, client: str, ending: str, receipt: Any = None
    ) -> Fields:  # fmt: skip
        """A job's receipt, held against all that was asked and heard: `receipt` as it was told at the close, else the
        one that came with the stream's end. Raises PeerUntrusted.
        """
        asked, hearing = self._of(job)
        told: Any = receipt if receipt is not None else hearing.ended and hearing.ended["receipt"]
        try:
            given = Receipt.from_wire(told)
            reason = _other(given, asked, hearing, ending) or _elsewhere(given, device, client)
            if not reason:
                self._signed(given, node_key)
        except (Malformed, ReceiptInvalid) as error:
            reason = str(error)
        if reason:
            raise PeerUntrusted(f"its receipt does not hold: {reason}")
        return given.to_wire()

    def drop(self, job: str) -> None:
        """Forget a job: its key, and what was heard."""
        self._jobs.pop(job, None)

    def begin_pairing(self, code: str, tls: str, introduction: Fields) -> Fields:
        """What to ask first; `tls` is the fingerprint of the certificate that the connection met."""
        self._guest = pairing.Guest(code, tls, pairing.Introduction.from_wire(introduction))
        return self._guest.begin()

    def confirm_pairing(self, body: str) -> Fields:
        """What to ask next, after this answer. Raises PairingRefused."""
        return self._guest_of().confirm(_said(body))

    def finish_pairing(self, body: str) -> Fields:
        """Who the other device is, and the words to compare. Raises PairingRefused, PeerUntrusted."""
        guest = self._guest_of()
        met = guest.finish(_said(body))
        self._guest = None
        certificate = self._certified(met.certificate)
        return {
            "name": certificate.name, "owner": certificate.owner, "certificate": certificate.to_wire(), "tls": met.tls,
            "node_key": certificate.node_key, "hpke_key": certificate.hpke_key, "words": list(guest.words),
        }  # fmt: skip

    def certified(self, certificate: Fields, owner: str, node_key: str) -> Fields:
        """A certificate of this owner for this node key, good now. Raises PeerUntrusted."""
        found = self._certified(certificate)
        if found.owner.lower() != owner.lower() or found.node_key != node_key:
            raise PeerUntrusted("its certificate is another device's")
        return found.to_wire()

    def examine(self, bundle: str) -> Fields:
        """A bundle from anywhere (base64): `{reason}`, empty when all of it holds, and then what it says.

        `{reason, receipt, prompt, answer, sampling}`; ids are packed.
        """
        try:
            read = read_bundle(_bytes(bundle))
            checked_manifest(read.receipt.manifest)
        except (Malformed, BadRequest):
            return {"reason": "the file is no bundle of a receipt"}
        if reason := mismatch(read.receipt, read.prompt, read.answer, read.sampling):
            return {"reason": reason}
        try:
            self._signed(read.receipt, None)
        except ReceiptInvalid as error:
            return {"reason": error.detail}
        return {
            "reason": "", "receipt": read.receipt.to_wire(), "prompt": pack_ids(read.prompt),
            "answer": pack_ids(read.answer), "sampling": dict(read.sampling),
        }  # fmt: skip

    def _of(self, job: str) -> tuple[Asked, Hearing]:
        if job not in self._jobs:
            raise BadRequest("the courier knows no such job")
        return self._jobs[job]

    def _guest_of(self) -> pairing.Guest:
        if self._guest is None:
            raise PairingRefused("nothing was begun")
        return self._guest

    def _certified(self, told: Any) -> NodeCertificate:
        certificate = NodeCertificate.from_wire(told)
        certificates.verify(certificate, self._now())
        return certificate

    def _signed(self, receipt: Receipt, node_key: str | None) -> None:
        """Whether its owner certified, when it was made, the node key that signed it. Raises ReceiptInvalid."""
        try:
            certificate = NodeCertificate.from_wire(receipt.provider_certificate)
            certificates.verify(certificate, receipt.closed)
        except PeerUntrusted as error:
            raise ReceiptInvalid(error.detail) from error
        if certificate.owner.lower() != receipt.provider.lower() or node_key not in (None, certificate.node_key):
            raise ReceiptInvalid("its certificate is another device's")
        try:
            signatures.verify_content(
                node_key=certificate.node_key, content=receipt.signed_bytes(), signature=receipt.signature
            )
        except signatures.Refused as error:
            raise ReceiptInvalid("it was not signed by the device that it names") from error


def _other(receipt: Receipt, asked: Asked, hearing: Hearing, ending: str) -> str:
    """What of a receipt is not true of the job, in words; empty when all is."""
    if (receipt.job, receipt.manifest) != (asked.job, asked.manifest):
        return "it is of another job"
    if receipt.ending != ending:
        return "it tells of another end"
    if receipt.charged:
        return "it charges what was not agreed"
    return mismatch(receipt, asked.prompt, hearing.answer, asked.sampling)


def _elsewhere(receipt: Receipt, device: str, client: str) -> str:
    is_between_us = (receipt.provider.lower(), receipt.client.lower()) == (device.lower(), client.lower())
    return "" if is_between_us else "it names other devices"


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise BadRequest("not base64") from error


def _said(body: str) -> Fields:
    """The other device's answer to a step of pairing. Raises PairingRefused."""
    try:
        said = read_answer("pairing", _bytes(body))
    except Malformed as error:
        raise PairingRefused("the other device says something that is no pairing") from error
    return said


def _strange(error: Malformed) -> PeerUntrusted:
    return PeerUntrusted(f"it sent {error}")
