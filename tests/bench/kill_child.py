"""A Freehold without a window that asks one question after the other and says aloud what it was told is saved.

Run as `python kill_child.py HOME RAW_KEY_HEX ANSWERS`; prints JSON lines. A vault or an engine that is killed under it
is opened or loaded again, as a person would; the app itself is killed from outside.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from freehold import app
from freehold.assistant.reply import Wish
from freehold.assistant.values import Answered, Asked, Began, Step, Words
from freehold.foundation.errors import FreeholdError
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop


def say(**fields: object) -> None:
    print(json.dumps(fields), flush=True)


def tell(step: Step) -> None:
    if isinstance(step, Asked):
        say(kind="asked", turn=step.turn.id, text=step.turn.text)
    elif isinstance(step, Began):
        say(kind="began", turn=step.turn.id)
    elif isinstance(step, Words):
        say(kind="words", turn=step.turn, text=step.text, at=time.time())
    elif isinstance(step, Answered):
        say(kind="answered", turn=step.turn.id, text=step.turn.text, ending=step.turn.ending)


def main() -> None:
    home, key, answers = Path(sys.argv[1]), bytes.fromhex(sys.argv[2]), int(sys.argv[3])
    household = app.build(Profile(home))
    household.holder.claim()
    opened = time.monotonic()
    household.vault.unlock(raw=key)
    say(kind="open", seconds=time.monotonic() - opened, vault=household.vault.pid)
    chat = household.conversations.create().id
    wish = Wish(sampling={"max_tokens": 60, "seed": 1})
    for number in range(answers):
        try:
            for step in household.assistant.reply(chat, f"Question {number}: count slowly.", Stop(), wish):
                say(kind="pids", vault=household.vault.pid, engine=household.engine.pid)
                tell(step)
        except FreeholdError as error:
            say(kind="failed", code=error.code)
            if not household.vault.is_open:
                household.vault.unlock(raw=key)
                household.conversations.recover()
                say(kind="reopened", vault=household.vault.pid)
    household.close()


if __name__ == "__main__":
    main()
