"""Expected failures, each with a stable code and words for the person who meets it.

Anything that is not a `FreeholdError` is a bug. The codes are a contract with scripts: docs/errors.md lists them, and
a test compares it with the classes.
"""

from __future__ import annotations

from typing import Any


class FreeholdError(Exception):
    """A failure of the world, not of the program: what happened, and what to do next.

    `detail` may hold technical words (an exit code, a file name); never anything the user wrote in a chat.
    """

    code: str = "failed"
    title: str = "Something went wrong"
    advice: str = "Try again."

    def __init__(self, detail: str = "", *, advice: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.next_step = advice or self.advice

    def to_wire(self) -> dict[str, str]:
        """The four fields that cross a pipe and that `--json` prints."""
        return {"code": self.code, "title": self.title, "advice": self.next_step, "detail": self.detail}


def from_wire(fields: dict[str, Any]) -> FreeholdError:
    """The error that `to_wire` described, as the class its code names; one nobody here knows keeps code and title."""
    code, detail, advice = (str(fields.get(name) or "") for name in ("code", "detail", "advice"))
    kind = _by_code().get(code)
    if kind is not None:
        return kind(detail, advice=advice)
    error = FreeholdError(detail or str(fields.get("title") or ""), advice=advice)
    error.code, error.title = code or error.code, str(fields.get("title") or error.title)
    return error


def all_errors() -> list[type[FreeholdError]]:
    """Every error class that this process has imported, by code."""
    return [kind for _, kind in sorted(_by_code().items())]


def _by_code() -> dict[str, type[FreeholdError]]:
    found: dict[str, type[FreeholdError]] = {}
    waiting = [FreeholdError]
    while waiting:
        kind = waiting.pop()
        if "code" in vars(kind):  # a class that only narrows another one shares its code and crosses as that one
            found[kind.code] = kind
        waiting.extend(kind.__subclasses__())
    return found


class UsageError(FreeholdError):
    code = "usage"
    title = "That command does not read as it should"
    advice = "See the command's --help."


class BadRequest(FreeholdError):
    code = "bad-request"
    title = "A part of Freehold was asked something it does not know"
    advice = "This is a bug in Freehold. Nothing was changed."


class WorkerStopped(FreeholdError):
    code = "worker-stopped"
    title = "A part of Freehold stopped working"
    advice = "Nothing saved is lost. It is started again on the next request."


class WorkerSilent(WorkerStopped):
    code = "worker-silent"
    title = "A part of Freehold stopped answering and was ended"


class VaultLocked(FreeholdError):
    code = "vault-locked"
    title = "The vault is locked"
    advice = "Unlock it with your passphrase, the keyring or the recovery code."


class WrongPassphrase(FreeholdError):
    code = "vault-wrong-passphrase"
    title = "That does not open the vault"
    advice = "Check the keyboard layout and try again. The recovery code opens it too."


class NeedsPassphrase(FreeholdError):
    code = "vault-needs-passphrase"
    title = "The vault needs a passphrase"
    advice = "Run this in a terminal, give --passphrase-fd, or set FREEHOLD_PASSPHRASE."


class VaultNewer(FreeholdError):
    code = "vault-newer"
    title = "This vault was written by a newer Freehold"
    advice = "Install the newer version. Nothing was changed."


class VaultDamaged(FreeholdError):
    code = "vault-damaged"
    title = "The vault is damaged"
    advice = "Restore the last backup from the profile's backups folder. The damaged file was left as it is."


class BackupDamaged(FreeholdError):
    code = "backup-damaged"
    title = "This backup is not as it was written"
    advice = "Use another backup. Nothing here was changed."


class BackupForeign(FreeholdError):
    code = "backup-foreign"
    title = "This backup is of another vault"
    advice = "Restore it into a folder of its own with --home, or add --from-another to bring its contents in here."


class PlaceUnusable(FreeholdError):
    code = "place-unusable"
    title = "That file or folder cannot be used"
    advice = "Check that it is there and that you may read and write it."


class VaultMissing(FreeholdError):
    code = "vault-missing"
    title = "There is no vault here yet"
    advice = "Start Freehold once to create it, or set FREEHOLD_PASSPHRASE."


class KeyringUnavailable(FreeholdError):
    code = "keyring-unavailable"
    title = "The system's keyring cannot be used"
    advice = "Use the passphrase or the recovery code."


class ProfileBusy(FreeholdError):
    code = "profile-busy"
    title = "Another Freehold is using this profile"
    advice = "Use that window, close it, or choose another profile with --home."


class ProfileUnusable(FreeholdError):
    code = "profile-unusable"
    title = "The profile folder cannot be used"
    advice = "Check that the folder exists and can be written to, or choose another with --home."


class DiskFull(FreeholdError):
    code = "disk-full"
    title = "The disk is full"
    advice = "Free some space and try again. What was saved before is safe."


class NotFound(FreeholdError):
    code = "not-found"
    title = "There is nothing by that name"
    advice = "List what there is and check the id."


class ModelMissing(FreeholdError):
    code = "model-missing"
    title = "That model is not on this machine"
    advice = "See `freehold models list`, then `freehold models get ID`."


class ModelMalformed(FreeholdError):
    code = "model-malformed"
    title = "This file is not a model that can be loaded safely"
    advice = "Download it again from its source, or choose another."


class ModelTooLarge(FreeholdError):
    code = "model-too-large"
    title = "This model does not fit in memory"
    advice = "Choose a smaller one, or close other programs."


class PromptTooLong(FreeholdError):
    code = "prompt-too-long"
    title = "This message is longer than the model can read at once"
    advice = "Shorten it, split it, or choose a model with a larger context."


class TemplateFailed(FreeholdError):
    code = "template-failed"
    title = "The model's chat template does not work"
    advice = "Freehold's own template is used instead."


class EngineStopped(WorkerStopped):
    code = "engine-stopped"
    title = "The model stopped working"
    advice = "What was said so far is kept. Ask again, or choose a smaller model."


class Offline(FreeholdError):
    code = "offline"
    title = "Freehold is set to stay offline"
    advice = "Turn the offline switch off in Settings, or run `freehold offline off`."


class DownloadFailed(FreeholdError):
    code = "download-failed"
    title = "The download did not finish"
    advice = "Try again: it continues where it stopped."


class DigestMismatch(FreeholdError):
    code = "digest-mismatch"
    title = "The downloaded file is not the one that was promised"
    advice = "It was deleted. Try again; if it happens twice, do not trust the source."


class ImportFailed(FreeholdError):
    code = "import-failed"
    title = "This file could not be imported"
    advice = "Check that it is an export of ChatGPT, Claude, Open WebUI or Freehold."


class DisplayMissing(FreeholdError):
    code = "display-missing"
    title = "The window cannot be opened on this system"
    advice = "The chat opens in this terminal instead."


class OffloadOff(FreeholdError):
    code = "offload-off"
    title = "Answers may only be made on this computer"
    advice = "Ask with `--where here`, or leave --where out. `freehold peers offload on` lets paired devices answer."


class KeyMissing(FreeholdError):
    code = "key-missing"
    title = "There is no key to sign with yet"
    advice = "Create one on the Peers page, or run `freehold key create`."


class KeyDamaged(FreeholdError):
    code = "key-damaged"
    title = "The key file cannot be used"
    advice = "Bring back the backup it came with, or import the key from the file you exported it to."


class KeyPassphraseWrong(FreeholdError):
    code = "key-wrong-passphrase"
    title = "That passphrase does not open the key file"
    advice = "Check the keyboard layout and try again. Nothing was changed."


class MandateRefused(FreeholdError):
    code = "mandate-refused"
    title = "This is not within what you allowed"
    advice = "See `freehold key mandate list`. Nothing was signed or sent."


class PeerUnreachable(FreeholdError):
    code = "peer-unreachable"
    title = "The other device cannot be reached"
    advice = "Check that it is on, sharing, and on the same network."


class PeerBusy(PeerUnreachable):
    code = "peer-busy"
    title = "The other device is busy"
    advice = "Wait for its answer to end, or ask here."


class PeerUntrusted(FreeholdError):
    code = "peer-untrusted"
    title = "The other device is not who it should be, or did not keep its word"
    advice = "Nothing more was sent. Pair it again only if you know why."


class PairingRefused(FreeholdError):
    code = "pairing-refused"
    title = "The two devices were not paired"
    advice = "Check the code shown on the other device; after five wrong ones it makes a new code."


class ReceiptInvalid(FreeholdError):
    code = "receipt-invalid"
    title = "This receipt does not hold"
    advice = "Do not rely on it. Ask whoever gave it to you for the original file."


class Interrupted(FreeholdError):
    code = "interrupted"
    title = "Interrupted"
    advice = "What was done until then is kept."
