"""The user's page of the command line says what the commands say."""

from pathlib import Path

from freehold.terminal.reference import reference

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"

COMMANDS = (
    "ask", "chat", "chats list", "chats show", "chats search", "chats rename", "chats delete", "chats export",
    "chats import", "models list", "models get", "models use", "models import", "models inspect", "models remove",
    "vault status", "vault lock", "vault unlock", "vault passphrase", "vault recovery", "ledger", "offline on",
    "offline off", "offline status", "doctor", "library add", "library status", "library collections",
    "library forget", "library pause", "library resume", "library check", "library watch", "library search",
    "library text", "library rescan", "library unwatch", "library embedder list", "library embedder get",
    "library embedder use", "library embedder import", "library embedder remove",
)  # fmt: skip


def test_the_page_is_what_the_commands_say_of_themselves():
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: python -m freehold.terminal.reference docs/cli.md"


def test_every_command_of_the_contract_has_its_help_with_examples():
    sections = reference().split("\n## ")[1:]
    told = {section.partition("\n")[0].removeprefix("freehold "): section for section in sections}
    for command in COMMANDS:
        assert "Examples:" in told[command], command
        assert f"freehold {command}" in told[command].split("Examples:")[1], command
        assert "--home DIR, --json and --passphrase-fd N" in " ".join(told[command].split()), command


def test_no_help_is_wider_than_a_page():
    assert max(len(line) for line in reference().split("## freehold", 1)[1].splitlines()) <= 90
