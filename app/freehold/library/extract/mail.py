"""Mail: single messages (.eml, .msg) and mailboxes, by Python's own email library and oxmsg."""

from __future__ import annotations

import email
import email.policy
import mailbox
from email.message import EmailMessage, Message
from typing import Any, cast

from freehold.library.errors import DocumentUnreadable
from freehold.library.extract.blocks import Blocks, Kind, Source, heading, paragraph, title
from freehold.library.extract.encoding import decode
from freehold.library.extract.web import html_blocks

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_DEEPEST = 5  # messages attached to messages
_MOST = 64_000_000  # bytes of one message


def read_message(source: Source) -> Blocks:
    with source.path.open("rb") as file:
        raw = file.read(_MOST)
    message: Message = email.message_from_bytes(raw, policy=email.policy.default)
    if not message.keys() and raw:
        message = email.message_from_string(decode(raw), policy=email.policy.default)  # saved as UTF-16
    if not message.keys():
        raise DocumentUnreadable("it has no mail headers")
    yield from title(_header(message, "Subject"))
    yield from _message(message, 0)


def read_mailbox(source: Source) -> Blocks:
    box = mailbox.mbox(source.path, create=False)
    try:
        for key in box.iterkeys():
            raw = box.get_bytes(key)[:_MOST]
            yield from _message(email.message_from_bytes(raw, policy=email.policy.default), 0)
    finally:
        box.close()


def _message(message: Message, depth: int) -> Blocks:
    yield from heading(_header(message, "Subject") or "Message", 1 + depth)
    lines = ((name, _header(message, name)) for name in _HEADERS)
    yield from paragraph("\n".join(f"{name}: {value}" for name, value in lines if value))
    yield from _body(message, depth)


def _header(message: Message, name: str) -> str:
    try:
        return " ".join(str(message.get(name, "")).split())
    except (ValueError, TypeError, IndexError, AttributeError):
        return ""  # the library's strict headers trip over some that nobody should write


def _body(message: Message, depth: int) -> Blocks:
    """The plain text where there is one, else the HTML; then attached messages, and the names of attachments."""
    parts = [part for part in message.walk() if not part.is_multipart()]
    plain = [part for part in parts if part.get_content_type() == "text/plain" and not _is_attached(part)]
    pages = [part for part in parts if part.get_content_type() == "text/html" and not _is_attached(part)]
    if any(_text(part).strip() for part in plain):
        for part in plain:
            for piece in _text(part).split("\n\n"):
                yield from paragraph(piece)
    else:
        for part in pages:
            yield from (block for block in html_blocks(_text(part)) if block.kind is not Kind.TITLE)
    for part in message.walk():
        if part.get_content_type() == "message/rfc822" and part.is_multipart() and depth < _DEEPEST:
            yield from _message(cast(list[EmailMessage], part.get_payload())[0], depth + 1)
        elif _is_attached(part) and part.get_filename():
            yield from paragraph(f"Attachment: {part.get_filename()}")


def _is_attached(part: Message) -> bool:
    return "attachment" in str(part.get("Content-Disposition", "")).lower()


def _text(part: Message) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return str(part.get_payload())
    charset = part.get_content_charset()
    try:
        return raw.decode(charset or "utf-8").replace("\r\n", "\n")
    except (LookupError, UnicodeDecodeError):
        return decode(raw) if raw else ""


def read_outlook(source: Source) -> Blocks:
    """One message as Outlook saves it."""
    import oxmsg

    try:
        message: Any = oxmsg.Message.load(str(source.path))
        yield from title(message.subject)
        yield from heading(message.subject or "Message", 1)
        if str(message.message_class).endswith(("smime", "SMIME")):
            raise DocumentUnreadable("it is encrypted", advice="Open it in your mail program and save it from there.")
        people = ", ".join(f"{person.name} {person.email_address}" for person in message.recipients)
        yield from paragraph(f"From: {message.sender or ''}\nTo: {people}\nDate: {message.sent_date or ''}")
        if message.body:
            for piece in message.body.replace("\r\n", "\n").split("\n\n"):
                yield from paragraph(piece)
        elif message.html_body:
            yield from html_blocks(message.html_body)
        for attachment in message.attachments:
            yield from paragraph(f"Attachment: {attachment.file_name or ''}")
    except (OSError, ValueError, KeyError, AttributeError, TypeError, IndexError) as error:
        raise DocumentUnreadable("it is not a whole Outlook message") from error
