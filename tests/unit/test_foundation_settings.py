"""The table of settings and the file that holds them."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freehold.foundation.errors import UsageError
from freehold.foundation.settings import BY_NAME, SETTINGS, SettingsFile

PUBLIC = [setting for setting in SETTINGS if not setting.private]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


def test_names_are_unique_and_every_default_passes_its_own_check():
    assert len(BY_NAME) == len(SETTINGS)
    for setting in SETTINGS:
        assert setting.check(setting.default) == setting.default
        assert setting.title
        assert setting.words.endswith(".")
        assert (setting.least is None) == (setting.most is None)


def test_a_setting_nobody_chose_has_its_default(path):
    chosen = SettingsFile(path)
    assert chosen.text("theme") == "system"
    assert chosen.whole("context") == 8192
    assert chosen.number("temperature") == 0.7
    assert chosen.is_on("enter_sends")
    assert not path.exists()


def test_a_choice_is_there_for_the_next_process_and_for_its_owner_alone(path):
    SettingsFile(path).set("context", 4096)
    assert SettingsFile(path).whole("context") == 4096
    assert path.stat().st_mode & 0o777 == 0o600
    assert [child.name for child in path.parent.iterdir()] == ["settings.json"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("context", "4096"),
        ("context", 4096.0),
        ("context", True),
        ("context", 511),
        ("context", 131073),
        ("context", None),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("temperature", -0.1),
        ("temperature", True),
        ("temperature", 10**400),
        ("top_p", 0),
        ("theme", "pink"),
        ("theme", 1),
        ("offline", 1),
        ("offline", "yes"),
        ("nonsense", 1),
        ("system_prompt", "mine"),
    ],
)
def test_what_the_table_does_not_allow_is_refused_and_changes_nothing(path, name, value):
    chosen = SettingsFile(path)
    with pytest.raises(UsageError):
        chosen.set(name, value)
    assert not path.exists()


def test_a_whole_number_does_for_a_fraction(path):
    chosen = SettingsFile(path)
    chosen.set("temperature", 1)
    assert json.loads(path.read_text()) == {"temperature": 1.0}
    assert type(chosen["temperature"]) is float


def test_refusals_say_what_is_allowed():
    with pytest.raises(UsageError, match="theme is one of system, light, dark"):
        BY_NAME["theme"].check("pink")
    with pytest.raises(UsageError, match="text_size lies between 10 and 28"):
        BY_NAME["text_size"].check(99)
    with pytest.raises(UsageError, match="offline takes a yes or no"):
        BY_NAME["offline"].check(3)


def test_values_that_do_not_fit_are_ignored_and_unknown_names_kept(path):
    path.write_text(json.dumps({"context": "many", "theme": "dark", "from_a_newer_version": [1]}))
    chosen = SettingsFile(path)
    assert chosen.whole("context") == 8192
    assert chosen.text("theme") == "dark"
    chosen.set("top_k", 10)
    assert json.loads(path.read_text())["from_a_newer_version"] == [1]


def test_private_settings_are_not_in_the_file(path):
    path.write_text('{"system_prompt": "my words"}')
    with pytest.raises(KeyError):
        SettingsFile(path)["system_prompt"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe\xfa", b"[" * 100_000, b'{"offline": fal'])
def test_a_file_that_cannot_be_understood_leaves_defaults_and_the_offline_switch_on(path, content):
    path.write_bytes(content)
    chosen = SettingsFile(path)
    assert chosen.whole("context") == 8192
    assert chosen.is_on("offline")
    chosen.set("theme", "dark")
    assert SettingsFile(path).is_on("offline")  # until the owner says otherwise
    assert path.with_name("settings.json.unreadable").read_bytes() == content
    chosen.set("offline", False)
    assert not SettingsFile(path).is_on("offline")


@pytest.mark.parametrize("value", ['"yes"', "1", "null", '"false"'])
def test_an_offline_switch_that_cannot_be_understood_is_on(path, value):
    path.write_text('{"offline": %s}' % value)  # noqa: UP031 - braces
    assert SettingsFile(path).is_on("offline")


def test_a_change_by_another_command_is_seen_after_reload(path):
    mine, theirs = SettingsFile(path), SettingsFile(path)
    theirs.set("theme", "dark")
    assert mine.text("theme") == "system"
    mine.reload()
    assert mine.text("theme") == "dark"


def test_changes_from_two_threads_at_once_are_both_kept(path):
    chosen = SettingsFile(path)
    numbers = {"context": 1024, "threads": 3, "top_k": 9, "max_tokens": 77, "lock_minutes": 5, "trash_days": 3}
    threads = [threading.Thread(target=chosen.set, args=pair) for pair in numbers.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    again = SettingsFile(path)
    assert {name: again.whole(name) for name in numbers} == numbers


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.dictionaries(
        st.sampled_from([s.name for s in PUBLIC]), st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    )
)
def test_whatever_the_file_says_every_setting_has_a_value_that_the_table_allows(path, content):
    path.write_text(json.dumps(content))
    chosen = SettingsFile(path)
    for setting in PUBLIC:
        assert setting.check(chosen[setting.name]) == chosen[setting.name]
