"""Turning one untrusted file into blocks of text. Everything here but `client.py` runs in the `extract` process."""
