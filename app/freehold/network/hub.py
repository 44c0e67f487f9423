"""What the model hub says of a file, asked through its own library on our connection. Network process only."""

from __future__ import annotations

import re

import httpx2
from huggingface_hub import HfFileMetadata, get_hf_file_metadata, hf_hub_url, set_client_factory
from huggingface_hub.errors import HfHubHTTPError

from freehold.network.policy import Barred
from freehold.network.transport import Diverted, Line, client, words_for
from freehold.network.values import HubFile, Outcome, Remote


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
    if not re.fullmatch(r"[0-9a-f]{64}", digest) or size <= 0:
        return Outcome("barred", "the hub names no digest for this file")
    fixed = commit if re.fullmatch(r"[0-9a-f]{40}", commit) else wanted.revision
    return Outcome("described", remote=Remote(file_url(wanted, fixed, endpoint), size, digest, fixed))


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
