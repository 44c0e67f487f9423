"""The recovery code: 130 random bits for paper, in letters that survive handwriting, with a checksum.

Crockford's base32 (no I, L, O, U): 26 symbols of randomness and 2 of checksum, in seven groups of four.
"""

from __future__ import annotations

import hashlib
import secrets

from freehold.foundation.errors import WrongPassphrase

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None, "\t": None, "\n": None, "\r": None})
_SECRET, _CHECK, _GROUP = 26, 2, 4
_KIT = """\
FREEHOLD RECOVERY KIT

Made on {day} for the vault that ends in {vault}.

The recovery code:

    {code}

It opens the vault, and every backup made from now on, when the passphrase is
forgotten or the computer's keyring is gone. It was tried: a backup of the
vault was restored with it on the day above.

Keep this page on paper, away from the computer. Whoever has it and a backup
can read everything. Delete the file once it is printed.

To open the vault on this computer
    freehold vault unlock
and type the code where the passphrase is asked for. Capitals, dashes and
spaces do not matter; O is read as 0, I and L as 1.

To bring a backup back on another computer
    1. Install Freehold.
    2. freehold vault restore FILE
       and type the code.
    3. freehold vault passphrase
       to choose a new passphrase.

To make this page worthless
    freehold vault recovery
makes a new code. Backups made before keep the old one.
"""


def new_code() -> str:
    """A fresh code, such as `7Q4M-...`: 130 bits, so that no slow hash is needed to protect it."""
    secret = "".join(secrets.choice(_LETTERS) for _ in range(_SECRET))
    whole = secret + _checksum(secret)
    return "-".join(whole[i : i + _GROUP] for i in range(0, len(whole), _GROUP))


def secret_of(code: str) -> bytes:
    """The secret in a code as someone typed it: case, spaces, dashes and O for 0 do not matter.

    Raises WrongPassphrase with words when letters are missing or mistyped.
    """
    symbols = code.upper().translate(_READ_AS)
    if len(symbols) != _SECRET + _CHECK or any(symbol not in _LETTERS for symbol in symbols):
        raise WrongPassphrase("a recovery code has 28 letters and digits", advice="Check it against the paper.")
    secret, check = symbols[:_SECRET], symbols[_SECRET:]
    if check != _checksum(secret):
        raise WrongPassphrase("the recovery code is mistyped", advice="Check it against the paper.")
    return secret.encode("ascii")


def kit(code: str, vault: str, day: str) -> str:
    """A page to print: the code, and what to do with it on a computer that knows nothing yet."""
    return _KIT.format(code=code, vault=vault[-8:], day=day)


def _checksum(secret: str) -> str:
    """10 bits of SHA-256: a wrong symbol is noticed but for one time in a thousand."""
    number = int.from_bytes(hashlib.sha256(b"freehold recovery code" + secret.encode("ascii")).digest()[:2])
    return _LETTERS[number >> 11] + _LETTERS[(number >> 6) & 31]
