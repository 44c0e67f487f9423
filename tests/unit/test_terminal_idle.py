"""A chat that nobody uses gives the model's memory back and locks itself; one that is used does not."""

from types import SimpleNamespace

import pytest

from freehold.foundation.settings import SettingsFile
from freehold.terminal.idle import Idle


class Scene:
    """A household, a clock and a line that is being typed."""

    def __init__(self, tmp_path):
        self.time, self.line, self.locked, self.unloads = 0.0, "", 0, []
        self.settings = SettingsFile(tmp_path / "settings.json")
        self.engine = SimpleNamespace(is_busy=False, unload_if_idle=self.unloads.append)
        self.vault = SimpleNamespace(is_open=True)
        self.library = SimpleNamespace(rest=lambda: None)
        self.idle = Idle(self, lambda: self.line, self.lock, lambda: self.time)

    def lock(self):
        self.locked += 1
        self.vault.is_open = False

    def after(self, minutes):
        self.time += minutes * 60
        self.idle.look()


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path)


def test_ten_minutes_without_a_sign_of_life_lock_the_vault_once(scene):
    scene.after(9.9)
    assert scene.locked == 0
    scene.after(0.2)
    scene.after(30)
    assert scene.locked == 1


def test_a_line_that_is_being_typed_keeps_it_open(scene):
    for letter in "slowly":
        scene.line += letter
        scene.after(6)
    assert scene.locked == 0


def test_an_answer_that_is_being_written_keeps_it_open(scene):
    scene.engine.is_busy = True
    scene.after(60)
    scene.engine.is_busy = False
    scene.after(9)
    assert scene.locked == 0


def test_who_wants_no_locking_gets_none(scene):
    scene.settings.set("lock_minutes", 0)
    scene.after(600)
    assert scene.locked == 0


def test_a_script_that_holds_the_profile_is_never_locked_out(scene):
    Idle(scene, lambda: "", None, lambda: scene.time + 36000).look()
    assert scene.locked == 0


def test_the_model_is_asked_to_leave_after_its_own_time(scene):
    scene.settings.set("unload_minutes", 3)
    scene.after(1)
    scene.settings.set("unload_minutes", 0)
    scene.after(1)
    assert scene.unloads == [180]
