"""The signer process: holds the owner key, the node key and the HPKE key, and what their owner allows.

A closed vocabulary. What it signs: certificates for its own keys, and requests of docs/peers.md; a job only within the
mandate, and only once the intention is on disk. Nothing else, whoever asks.
"""

from __future__ import annotations

import base64
import hashlib
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from freehold.foundation.canonical import canonical
from freehold.foundation.errors import BadRequest, DiskFull, MandateRefused, ProfileUnusable, VaultLocked
from freehold.foundation.paths import Profile
from freehold.identity import sealing, signatures
from freehold.identity.bundle import Bundle
from freehold.identity.certificates import LONGEST_SECONDS, certify, fingerprint, tls_identity
from freehold.identity.ethereum import address_of
from freehold.identity.journal import Journal
from freehold.identity.keychest import Chest, Tune
from freehold.identity.keystore import from_keystore, new_owner_key, to_keystore
from freehold.identity.outgoing import ALLOWED_WHILE_PAUSED, Request, recognised
from freehold.identity.tally import Intention, Moved
from freehold.identity.values import DataClass, Mandate, NodeCertificate, PeerMandate, Wish, is_address
from freehold.processes.worker import Op, serve
from freehold.vault.handover import Misdirected, Receiver, seal
from freehold.vault.keys import tuned_cost

RENEW_SECONDS = 3 * 24 * 3600  # a certificate that is valid for less is made anew
LENDING = b"freehold-lent/1"  # the HPKE info of the lending journal: what is sealed as a job opens nowhere else


def serve_signer() -> None:
    """Run as the signer worker."""
    serve("signer", Signer().ops())


class Signer:
    """`clock` tells seconds since 1970, `tune` what a passphrase shall cost, `write` is the system's."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        tune: Tune = tuned_cost,
        write: Callable[[int, bytes], int] = os.write,
    ) -> None:
        self._clock, self._tune, self._write = clock, tune, write
        self._receiver: Receiver | None = None
        self._chest: Chest | None = None
        self._journal: Journal | None = None

    def ops(self) -> dict[str, Op]:
        return {
            f"signer.{name}": getattr(self, name)
            for name in (
                "public_key", "open", "create", "import_key", "import_file", "export", "content",
                "show", "certificate", "introduction", "mandate", "set_mandate", "sign", "for_gateway", "open_lent",
            )
        }  # fmt: skip

    def public_key(self) -> str:
        """A key to seal the vault's subkey to, good for one."""
        self._receiver = Receiver()
        return self._receiver.public.hex()

    def open(self, home: str, sealed: str, kept: str) -> None:
        """Take the keys out of the file, or out of the vault's copy `kept` where that is newer or all there is.

        Raises KeyMissing, KeyDamaged.
        """
        folder = Profile(Path(home)).identity
        chest = Chest(folder, self._vault_key(sealed), self._tune)
        is_here = chest.open(kept)
        self._take(chest, folder, is_new=not is_here)

    def create(self, home: str, sealed: str, passphrase: str | None = None) -> None:
        """A new owner key and device keys. Raises UsageError where there is a key."""
        folder = Profile(Path(home)).identity
        chest = Chest(folder, self._vault_key(sealed), self._tune)
        chest.refuse_existing()
        self._put(chest, folder, Bundle.new(new_owner_key()), passphrase)

    def import_key(
        self, *, home: str, sealed: str, keystore: str, secret: str, replaces: bool = False,
        passphrase: str | None = None,
    ) -> None:  # fmt: skip
        """The owner key of an Ethereum keystore, with device keys of its own. What was counted and allowed stays.

        Raises UsageError where there is a key and it is not to be replaced, ImportFailed, KeyPassphraseWrong.
        """
        folder = Profile(Path(home)).identity
        chest = Chest(folder, self._vault_key(sealed), self._tune)
        if not replaces:
            chest.refuse_existing()
        bundle = Bundle.new(from_keystore(keystore, secret))
        if self._chest is not None:
            before = self._chest.bundle
            bundle = replace(bundle, journal=before.journal, mandate=before.mandate)
        self._put(chest, folder, bundle, passphrase)

    def import_file(self, home: str, sealed: str, content: str, passphrase: str, replaces: bool = False) -> None:
        """A whole key file of another profile, by its passphrase: that device goes on here. Raises as import_key."""
        folder = Profile(Path(home)).identity
        chest = Chest(folder, self._vault_key(sealed), self._tune)
        if not replaces:
            chest.refuse_existing()
        chest.take_over(content, passphrase)
        self._take(chest, folder, is_new=True)

    def export(self, secret: str) -> str:
        """The owner key as an Ethereum keystore under the passphrase `secret`."""
        return to_keystore(self._bundle().owner, secret)

    def content(self) -> str:
        """The key file as it is, for the vault to keep: it opens nothing by itself."""
        return self._open_chest().content()

    def show(self, name: str) -> dict[str, Any]:
        """What is public of the keys. `name` is the device's, for the certificate."""
        bundle = self._bundle()
        return {
            "address": address_of(bundle.owner),
            "node_key": bundle.node_public.hex(),
            "hpke_key": bundle.hpke_public.hex(),
            "tls": fingerprint(tls_identity(bundle.node).certificate),
            "certified_until": self._certified(name).not_after,
        }

    def certificate(self, name: str) -> dict[str, Any]:
        """The node certificate of the device `name`, made anew when it is not good for three days more."""
        return self._certified(name).to_wire()

    def introduction(self, name: str) -> dict[str, Any]:
        """What the device `name` says of itself when it is paired: `{name, certificate, tls}`, tls in PEM."""
        certificate = self._certified(name)
        tls = tls_identity(self._bundle().node).certificate.decode()
        return {"name": certificate.name, "certificate": certificate.to_wire(), "tls": tls}

    def mandate(self) -> dict[str, Any]:
        """What is allowed, and the answers of today so far, in all and by device."""
        tally = self._open_journal().tally.on(self._clock())
        return {"mandate": self._bundle().mandate.to_wire(), "today": dict(tally.answers), "closed": tally.is_closed}

    def set_mandate(self, mandate: dict[str, Any]) -> None:
        """The owner's word. It also says that the clock is right: see tally.py."""
        chest, journal = self._open_chest(), self._open_journal()
        chest.keep(replace(chest.bundle, mandate=Mandate.from_wire(mandate)))
        journal.append(Moved(self._clock()))

    def sign(
        self, *, peer: str, method: str, url: str, body: str, name: str, data_class: DataClass = "words",
        job: str | None = None, tokens: int = 0, confirmed: bool = False,
    ) -> dict[str, str]:  # fmt: skip
        """The headers of a request to `peer`'s device, `body` in base64. Raises MandateRefused; nothing is signed then.

        A job is counted and written down first, once however often the same request is signed.
        """
        sent = base64.b64decode(body)
        request = recognised(method, url, sent)
        if not is_address(peer):
            raise MandateRefused("a device is named by its address")
        if job not in (None, request.job):
            raise MandateRefused("the request is about another job")
        self._judge(request, sent, Wish(request.job, peer.lower(), data_class, tokens, confirmed))
        return signatures.sign_request(
            self._bundle().node,
            method=method,
            url=url,
            body=sent,
            certificate=self._certified(name).to_wire(),
            now=self._clock(),
            nonce=os.urandom(16).hex(),
        )

    def for_gateway(self, public_key: str, name: str) -> str:
        """What a gateway serves with, sealed to its one-time key: never the owner key."""
        bundle = self._bundle()
        tls = tls_identity(bundle.node)
        given = {
            "node": bundle.node.hex(), "hpke": bundle.hpke.hex(), "certificate": self._certified(name).to_wire(),
            "tls_certificate": tls.certificate.decode(), "tls_key": tls.key.decode(),
        }  # fmt: skip
        try:
            return seal(bytes.fromhex(public_key), canonical(given)).hex()
        except ValueError as error:
            raise BadRequest("signer.for_gateway: not a key to seal to") from error

    def open_lent(self, lines: list[str]) -> list[str]:
        """The lines of the lending journal, sealed and opened both in hex. Those of another device are left out."""
        private, opened = self._bundle().hpke, []
        for line in lines:
            with suppress(sealing.SealBroken, ValueError):
                opened.append(sealing.unseal(private, bytes.fromhex(line), LENDING).hex())
        return opened

    def _judge(self, request: Request, body: bytes, wish: Wish) -> None:
        mandate, journal = self._bundle().mandate, self._open_journal()
        limits = mandate.peers.get(wish.peer, PeerMandate())
        if (mandate.paused or limits.paused) and request.kind not in ALLOWED_WHILE_PAUSED:
            raise MandateRefused("asking other devices is paused" if mandate.paused else "asking this device is paused")
        if request.kind == "open":
            self._intend(journal, mandate, wish, hashlib.sha256(body).hexdigest())
        elif request.job:
            known = journal.tally.job(request.job, wish.peer)
            if known is None:
                raise MandateRefused("no such job was opened with this device")
            if request.accepted > known.tokens:
                raise MandateRefused(f"{known.tokens} tokens were allowed for this answer")

    def _intend(self, journal: Journal, mandate: Mandate, wish: Wish, body: str) -> None:
        """Write the job down, unless this very request was before. Raises MandateRefused, DiskFull."""
        now = self._clock()
        known = journal.tally.job(wish.job, wish.peer)
        intended = Intention(wish.job, wish.peer, wish.data_class, wish.tokens, body, now)
        if known is not None and replace(known, time=now) == intended:
            return
        if wish.job in journal.tally.jobs:
            raise MandateRefused("another request was signed under this job's id")
        mandate.judge(wish, journal.tally.on(now).counts(wish.peer))
        journal.append(intended)

    def _certified(self, name: str) -> NodeCertificate:
        bundle, now = self._bundle(), self._clock()
        last = bundle.certificate
        if last is not None and last.name == name and RENEW_SECONDS <= last.not_after - now <= LONGEST_SECONDS:
            return last
        made = certify(bundle.owner, name=name, node_key=bundle.node_public, hpke_key=bundle.hpke_public, now=now)
        with suppress(DiskFull, ProfileUnusable):  # then the next start makes another one
            self._open_chest().keep(replace(bundle, certificate=made))
        return made

    def _put(self, chest: Chest, folder: Path, bundle: Bundle, passphrase: str | None) -> None:
        """A journal that is of this bundle goes on; then the file, which makes the key be there."""
        if self._journal is None or self._bundle().journal != bundle.journal:
            Journal(folder, bundle.journal, write=self._write).begin()
        chest.begin(bundle, passphrase)
        self._take(chest, folder, is_new=False)

    def _take(self, chest: Chest, folder: Path, *, is_new: bool) -> None:
        """Serve the keys of `chest`. One that was just brought here has no journal yet."""
        journal = Journal(folder, chest.bundle.journal, write=self._write)
        if is_new and not journal.exists:
            journal.begin()
        else:
            journal.open(self._clock())
        if self._journal is not None:
            self._journal.close()
        self._chest, self._journal = chest, journal

    def _vault_key(self, sealed: str) -> bytes:
        receiver, self._receiver = self._receiver, None
        if receiver is None:
            raise BadRequest("the vault was not asked")
        try:
            return receiver.open(bytes.fromhex(sealed))
        except (Misdirected, ValueError) as error:
            raise BadRequest("the vault's key was not sealed for this process") from error

    def _open_chest(self) -> Chest:
        if self._chest is None:
            raise VaultLocked("the signer holds no key")
        return self._chest

    def _open_journal(self) -> Journal:
        self._open_chest()
        assert self._journal is not None
        return self._journal

    def _bundle(self) -> Bundle:
        return self._open_chest().bundle
