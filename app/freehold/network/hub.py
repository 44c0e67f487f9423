"""What the model hub says of a file, asked through its own library on our connection. Network process only."""

from __future__ import annotations

import re

import httpx2
from huggingface_hub import HfFileMetadata, get_hf_file_metadata, hf_hub_url, set_client_factory
from huggingface_hub.errors import HfHubHTTPError

from freehold.network.policy import Barred
from freehold.network.transport import Diverted, Line, client, words_for
from freehold.network.values import HubFile, Outcome, Remote

MOST_BLOB_BYTES = 32 * 1024 * 1024  # what is larger a hub keeps apart, with a SHA-256


def describe(wanted: HubFile, endpoint: str, line: Line) -> Outcome:
    """One HEAD request on `line`. The digest is the hub's own word for the file's content."""
    try:
        set_client_factory(lambda: client(line))
        said = get_hf_file_metadata(line.url, token=False, timeout=line.stall, endpoint=endpoint)
        return _described(wanted, endpoint, said)
    except Diverted as hop:
        return Outcome("moved", location=str(hop))
    except Barred as error:
        return Outcome("barred", str(error), refused=line.meter.sent == 0)
    except HfHubHTTPError as error:
        gated = error.response.headers.get("x-error-code") == "GatedRepo"
        return Outcome("answered", "gated" if gated else "", status=error.response.status_code)
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        return Outcome("cut", words_for(error))


def _described(wanted: HubFile, endpoint: str, said: HfFileMetadata) -> Outcome:
    digest, size, commit = said.etag or "", said.size or 0, said.commit_hash or ""
    is_blob = re.fullmatch(r"[0-9a-f]{40}", digest) is not None and size <= MOST_BLOB_BYTES
    if not (is_blob or re.fullmatch(r"[0-9a-f]{64}", digest)) or size <= 0:
        return Outcome("barred", "the hub names no digest for this file")
    fixed = commit if re.fullmatch(r"[0-9a-f]{40}", commit) else wanted.revision
    sha256, blob = ("", digest) if is_blob else (digest, "")
    return Outcome("described", remote=Remote(file_url(wanted, fixed, endpoint), size, sha256, fixed, blob))


def file_url(wanted: HubFile, revision: str, endpoint: str) -> str:
    """Where it lies at `revision`. Raises Barred for names that lead out of the repository."""
    parts = [*wanted.repo.split("/"), *wanted.file.split("/"), revision]
    plain = re.fullmatch(r"[\w.-]+/[\w.-]+", wanted.repo, re.ASCII) is not None
    if not plain or any(part in ("", ".", "..") for part in parts):
        raise Barred("its name is not one a hub uses")
    try:
        return hf_hub_url(wanted.repo, wanted.file, revision=revision, endpoint=endpoint)
    except ValueError as error:  # the library's own rules for names, and text that is no Unicode
        raise Barred("its name is not one a hub uses") from error
