"""Recognising what people hand over instead of a model: a login page, a pointer, a model in another format."""

from __future__ import annotations

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"version https://git-lfs", "it is a Git LFS pointer, which only stands for the model; download the file itself"),
    (b"PK\x03\x04", "it is a zip archive (or a PyTorch model), not a GGUF model"),
    (b"\x1f\x8b", "it is a compressed archive; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "it is a compressed archive; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it is a compressed archive; unpack it first"),
    (b"FUGG", "it is written for big-endian machines"),
    (b"lmgg", "it is in the old GGML format, which nothing reads any more; look for a GGUF file"),
    (b"fmgg", "it is in the old GGML format, which nothing reads any more; look for a GGUF file"),
    (b"tjgg", "it is in the old GGML format, which nothing reads any more; look for a GGUF file"),
    (b"algg", "it is a LoRA adapter in an old format, not a model"),
    (b"%PDF-", "it is a PDF document"),
    (b"\x7fELF", "it is a program"),
    (b"MZ", "it is a program"),
    (b"#!", "it is a program"),
    (b"\x89HDF", "it is a model in Keras' format, not a GGUF model"),
)


def what_else(head: bytes, size: int) -> str:
    """What a file that begins with `head` (512 bytes are enough) is, in words; empty when it may be a GGUF."""
    if head.startswith(b"GGUF"):
        return ""
    if not head:
        return "it is empty"
    for beginning, words in _BEGINNINGS:
        if head.startswith(beginning):
            return words
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head", b"<!--")):
        return "it is a web page, perhaps a login page that came instead of the model"
    if len(head) > 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < size:
        return "it is a model in safetensors format; look for a GGUF file"
    if head[:1] == b"\x80" and head[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        return "it is a Python pickle, which can run programs when opened; look for a GGUF file"
    if text.startswith((b"{", b"[")):
        return "it is a JSON text, perhaps an error message that came instead of the model"
    if not head.strip(b"\0"):
        return "it is filled with zeros: the download did not finish"
    return "it does not begin like a GGUF model"
