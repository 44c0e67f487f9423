"""Everything one profile consists of, as the window and the command line are given it."""

from __future__ import annotations

from dataclasses import dataclass

from freehold.assistant.reply import Assistant
from freehold.chats.conversations import Conversations
from freehold.engine.local import LocalEngine
from freehold.engine.models import Models
from freehold.foundation.paths import Profile
from freehold.foundation.settings import SettingsFile
from freehold.identity.keys import Keys
from freehold.library.embed.models import EmbedderModels
from freehold.library.library import Library
from freehold.market.evidence import Receipts
from freehold.market.lending.lending import Lending
from freehold.market.peers import Peers
from freehold.network.door import Door
from freehold.processes.holder import Holder
from freehold.vault.keeper import Vault


@dataclass(frozen=True, slots=True)
class Household:
    """Built by app.py. Nothing in it has started yet: the vault, the engine and the door start on first use."""

    profile: Profile
    settings: SettingsFile
    holder: Holder
    vault: Vault
    conversations: Conversations
    models: Models
    engine: LocalEngine
    door: Door
    assistant: Assistant
    library: Library
    embedder_models: EmbedderModels
    keys: Keys
    lending: Lending
    peers: Peers
    receipts: Receipts

    def close(self) -> None:
        """End every child process and give the profile back. What was saved stays saved."""
        self.lending.close()
        self.library.close()
        self.engine.unload()
        self.door.close()
        self.peers.close()
        self.vault.lock()
        self.holder.release()
