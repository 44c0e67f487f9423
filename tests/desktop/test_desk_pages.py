"""The models and settings pages over fakes: each change is kept, each failure is said where it happened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from freehold.desktop.model_row import fact_words, fit_words, progress_words
from freehold.foundation.errors import DownloadFailed, ModelMalformed
from freehold.foundation.settings import SETTINGS, SettingsFile
from freehold.foundation.stop import Stop
from support.desk import CODE, LARGE, SMALL, STARTER, Desk, FakeModels, FakeProgress, FakeVault

pytest_plugins = ("support.qt",)


@pytest.fixture
def desk(qt, tmp_path):
    made = Desk(qt, tmp_path).start()
    yield made
    made.close()


@pytest.fixture
def models(desk):
    desk.do("models")
    return desk.page("models")


@pytest.fixture
def settings(desk):
    desk.do("settings")
    return desk.page("settings")


def test_before_any_download_it_is_said_what_fits():
    assert [fit_words(replace(SMALL, fit=fit)) for fit in ("fits", "slow", "no")] == [
        "Fits this machine", "Slow on this machine", "Will not fit",
    ]  # fmt: skip
    assert fact_words(SMALL) == (
        "2.5 GB  ·  4.0B  ·  Q4_K_M  ·  context 32,768  ·  needs 4.1 GB of memory  ·  Apache-2.0"
    )


def test_a_download_says_how_far_how_fast_and_how_long():
    assert (
        progress_words(1_000_000_000, 2_500_000_000, 18_400_000) == "1.0 GB of 2.5 GB  ·  18 MB a second  ·  1 min left"
    )
    assert progress_words(5_000_000, 0, 0) == "5.0 MB"


def test_a_download_can_be_paused_and_resumed(desk, models):
    desk.house.models.gate = Stop()
    models.get_asked.emit(SMALL.id)
    desk.qt.until(lambda: "1.0 GB of 2.5 GB" in models.rows[SMALL.id]._progress.text())
    assert models.rows[SMALL.id]._pause.isVisible()
    models.pause_asked.emit(SMALL.id)
    desk.settle()
    assert "Paused at 1.0 GB of 2.5 GB" in models.rows[SMALL.id]._progress.text()
    assert models.rows[SMALL.id]._get.text() == "Resume"
    desk.house.models.gate = None
    models.get_asked.emit(SMALL.id)
    desk.settle()
    assert models.rows[SMALL.id].model.state == "here"


def test_a_download_that_locking_cut_off_goes_on_after_unlocking(qt, tmp_path):
    models = FakeModels()
    models.wishes = [SMALL.id]
    desk = Desk(qt, tmp_path, vault=FakeVault("locked", ("passphrase",)), models=models).start()
    assert not desk.house.models.models[1].path
    desk.window.entry.passphrase_given.emit("correct horse")
    desk.qt.until(lambda: models.models[1].state == "here")
    desk.settle()
    desk.do("models")
    assert desk.page("models").rows[SMALL.id].model.state == "here"
    desk.close()


def test_one_that_was_cut_off_says_that_it_goes_on(qt, tmp_path):
    models = FakeModels()
    models.wishes, models.gate = [SMALL.id], Stop()
    desk = Desk(qt, tmp_path, models=models)
    desk.shell.start()
    qt.until(lambda: desk.window.toast._text.text() == "The download of Qwen3 4B goes on.")
    models.gate.set()
    desk.settle()
    desk.close()


def test_the_offline_switch_holds_it_until_it_is_off(qt, tmp_path):
    models = FakeModels()
    models.wishes = [SMALL.id]
    desk = Desk(qt, tmp_path, models=models)
    desk.house.settings.set("offline", True)
    desk.start()
    assert "waits: the offline switch is on" in desk.window.toast._text.text()
    assert models.models[1].state == "available"
    desk.do("offline")
    desk.settle()
    assert models.models[1].state == "here"
    desk.close()


def test_one_that_was_paused_does_not_go_on_by_itself(desk, models):
    desk.house.models.gate = Stop()
    models.get_asked.emit(SMALL.id)
    desk.qt.until(lambda: "1.0 GB of 2.5 GB" in models.rows[SMALL.id]._progress.text())
    models.pause_asked.emit(SMALL.id)
    desk.settle()
    assert desk.house.models.wishes == []


def test_a_failed_download_is_said_at_its_model_and_can_be_tried_again(desk, models):
    desk.house.models.error = DownloadFailed("the server closed the connection")
    models.get_asked.emit(SMALL.id)
    desk.settle()
    row = models.rows[SMALL.id]
    assert row.trouble.isVisible()
    assert row.trouble._act.text() == "Try again"
    desk.house.models.error = None
    row.trouble.acted.emit()
    desk.settle()
    assert models.rows[SMALL.id].model.state == "here"


def test_a_download_is_shown_when_one_comes_back_to_the_page(desk, models):
    desk.house.models.gate = Stop()
    models.get_asked.emit(SMALL.id)
    desk.qt.spin(0.1)
    desk.window.actions_by_name["chats"].trigger()
    desk.window.actions_by_name["models"].trigger()
    desk.qt.spin(0.2)
    assert models.rows[SMALL.id]._pause.isVisible()
    desk.house.models.gate.set()
    desk.settle()


def test_use_changes_who_answers(desk, models):
    desk.house.models.models[1] = replace(SMALL, state="here", path="/models/q.gguf")
    desk.do("models")
    models.use_asked.emit(SMALL.id)
    desk.settle()
    assert desk.house.models.chosen == SMALL.id
    assert desk.window.sidebar._pages["models"].accessibleName() == "Models, Qwen3 4B"
    assert desk.window.chat._empty._words.text() == ""


def test_removing_waits_for_undo(desk, models):
    desk.house.models.models[2] = replace(LARGE, state="here", path="/models/l.gguf")
    desk.do("models")
    models.remove_asked.emit(LARGE.id)
    assert LARGE.id not in models.rows
    desk.do("undo")
    assert LARGE.id in models.rows
    assert desk.house.models.removed == []
    models.remove_asked.emit(LARGE.id)
    desk.window.toast.settle()
    desk.settle()
    assert desk.house.models.removed == [LARGE.id]


def test_a_file_is_taken_in_or_refused_in_place(desk, models):
    models.file_dropped.emit("/home/me/own.gguf")
    desk.settle()
    assert "own-own" in models.rows
    desk.house.models.error = ModelMalformed("the header is cut off")
    models.file_dropped.emit("/home/me/bad.gguf")
    desk.settle()
    assert models.trouble.isVisible()


def test_inspect_shows_what_the_file_says_of_itself(desk, models):
    models.inspect_asked.emit(STARTER.id)
    desk.settle()
    assert models._panel.isVisible()
    desk.house.models.error = ModelMalformed("the header is cut off")
    models.inspect_asked.emit(STARTER.id)
    desk.settle()
    assert models.rows[STARTER.id].trouble.isVisible()


def test_the_starter_cannot_be_removed_and_every_button_names_its_model(models):
    row = models.rows[STARTER.id]
    assert not row._remove.isVisible()
    assert row._inspect.accessibleName() == "Inspect: SmolLM2 135M"


def test_with_no_model_at_all_the_chat_page_says_what_to_do(qt, tmp_path):
    class Nothing(FakeModels):
        def in_use(self):
            from freehold.foundation.errors import ModelMissing

            raise ModelMissing

    desk = Desk(qt, tmp_path, models=Nothing([SMALL], [])).start()
    assert "no model" in desk.window.chat._empty._model.text()
    assert desk.window.chat._empty._other.text() == "Choose a model"
    desk.close()


def test_the_page_has_a_row_for_every_setting_of_the_table(settings):
    assert set(settings.rows) == {setting.name for setting in SETTINGS}
    assert all(row.control.accessibleName() for row in settings.rows.values())


def test_a_change_is_on_disk_at_once(desk, settings):
    settings.rows["context"].control.setValue(4096)
    settings.rows["offline"].control.setChecked(True)
    assert SettingsFile(desk.house.profile.settings)["context"] == 4096
    assert SettingsFile(desk.house.profile.settings)["offline"] is True
    assert "offline switch on" in desk.window.status._since.text()


def test_back_to_the_default(desk, settings):
    settings.rows["context"].control.setValue(4096)
    assert settings.rows["context"]._reset.isVisible()
    settings.rows["context"]._reset.click()
    assert desk.house.settings["context"] == 8192
    assert not settings.rows["context"]._reset.isVisible()


def test_the_owners_instructions_go_into_the_vault(desk, settings):
    settings.rows["system_prompt"].control.setPlainText("Be brief.")
    desk.do("chats")
    desk.settle()
    assert desk.house.vault.private["system_prompt"] == "Be brief."
    assert "Be brief" not in desk.house.profile.settings.read_text() if desk.house.profile.settings.exists() else True


def test_colours_and_text_size_change_at_once(desk, settings):
    settings.rows["theme"].changed.emit("theme", "dark")
    assert desk.appearance.theme.name == "dark"
    before = desk.window.chat.composer.box.font().pixelSize()
    desk.do("larger")
    assert desk.window.chat.composer.box.font().pixelSize() == before + 1
    settings.rows["theme"].changed.emit("theme", "light")
    assert desk.appearance.theme.name == "light"


def test_a_setting_that_cannot_be_saved_says_so_in_its_row(desk, settings):
    desk.house.profile.settings.unlink(missing_ok=True)
    desk.house.profile.settings.mkdir()
    settings.rows["context"].control.setValue(4096)
    assert settings.rows["context"]._error.isVisible()
    assert desk.house.settings["context"] == 8192
    assert settings.rows["context"].control.value() == 8192


def test_another_passphrase_is_set_in_place(desk, settings):
    settings.vault._change.click()
    settings.vault._fields._first.setText("a new good one")
    settings.vault._fields._second.setText("a new good one")
    settings.vault._save.click()
    desk.settle()
    assert desk.house.vault.passphrase == "a new good one"
    assert "from now on" in settings.vault.said.text()


def test_a_new_recovery_code_is_shown_until_it_is_kept(desk, settings):
    settings.vault.recovery_asked.emit()
    desk.settle()
    assert settings.vault.code._code.text() == CODE
    settings.vault._done.click()
    assert settings.vault.code._code.text() == ""


def test_progress_without_a_rate_is_shown_too(desk, models):
    desk.house.models.steps = (FakeProgress(0, 0, "Asking the hub"),)
    desk.house.models.gate = Stop()
    models.get_asked.emit(SMALL.id)
    desk.qt.until(lambda: "Asking the hub" in models.rows[SMALL.id]._progress.text())
    desk.house.models.gate.set()
    desk.settle()
