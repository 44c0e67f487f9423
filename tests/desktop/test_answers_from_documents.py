"""Answers from documents in the window: numbers, chips, near misses, the panel, the choice of documents, files."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QTextCursor
from PySide6.QtTest import QTest

from freehold.assistant.values import Reading
from freehold.chats.values import ALL_DOCUMENTS, NO_DOCUMENTS, Attachment, Role, Scope, Use
from freehold.desktop.details import details_of
from freehold.desktop.source_words import found_words, length_words, scope_words
from freehold.desktop.transcript.answer import AnswerView
from freehold.desktop.transcript.card import SourceCard
from freehold.desktop.transcript.file_chip import FileChip
from freehold.desktop.transcript.prose import ProseView
from freehold.desktop.transcript.sources import SourceChip
from freehold.desktop.transcript.view import TranscriptView
from freehold.foundation.errors import DiskFull
from freehold.foundation.stop import Stop
from freehold.library.errors import DocumentUnreadable
from support.desk import Desk, Script, reference
from support.papers import Keeper, Papers

pytest_plugins = ("support.qt",)

LEASE, RULES = "/papers/lease.pdf", "/papers/rules.md"
TEXT = "The lease ends in **2027**. Notice is three months.\n\n- Keys go back."
REFUSAL = "Your documents do not say."


def marks(*sentences):
    return tuple((TEXT.index(one), TEXT.index(one) + len(one)) for one in sentences)


CITED = [
    reference(1, LEASE, "the term ends in 2027", page=2, marks=marks("The lease ends in **2027**.")),
    reference(2, RULES, "Keys go back at noon.", document=2, marks=marks("Keys go back.")),
    reference(0, RULES, "Bicycles stand in the yard.", document=2, use=Use.USED),
    reference(0, LEASE, "The rent is indexed.", page=3, use=Use.LEFT_OUT),
]
NEAR = [reference(0, LEASE, "The rent is indexed.", page=3), reference(0, RULES, "Keys go back at noon.", document=2)]


@pytest.fixture
def papers():
    return Papers({LEASE: ["one\n", "the term ends in 2027\n", "The rent is indexed.\n"],
                   RULES: "Bicycles stand in the yard.\nKeys go back at noon.\n"})  # fmt: skip


@pytest.fixture
def desk(qt, tmp_path, papers):
    made = Desk(qt, tmp_path, transcript=TranscriptView)
    library = made.house.library = Keeper(papers)
    for name, count in (("Letters", 2), ("Contracts", 3)):
        library.source(f"/papers/{name}", collection=name)
        for number in range(count):
            library.put(f"/papers/{name}/{number}.txt", collection=name)
    made.start()
    yield made
    made.close()


def answered(desk, script=None):
    desk.house.assistant.script = script or Script([TEXT], grounded=True, references=CITED)
    desk.ask("When does it end?")
    desk.settle()
    desk.qt.until(lambda: desk.transcript.is_settled)
    return next(view for view in desk.transcript.findChildren(AnswerView) if view.turn is not None)


def chips(view):
    return [chip.text() for chip in view.findChildren(SourceChip) if not chip.isHidden()]


def prose(view):
    return [part for part in view.findChildren(ProseView) if part.isVisible()]


def asked(desk):
    return desk.house.assistant.wishes[-1]


# Numbers and chips.


def test_a_cited_answer_has_numbers_in_its_text_and_chips_below_it(desk):
    view = answered(desk)
    assert chips(view) == ["lease.pdf, page 2", "rules.md"]
    text = prose(view)[0].document().toPlainText()
    assert text == "The lease ends in 2027\u2060\ufffc. Notice is three months.\nKeys go back\u2060\ufffc."


def test_what_is_copied_has_no_numbers(desk):
    view = answered(desk)
    view.copy()
    assert QGuiApplication.clipboard().text() == TEXT
    part = prose(view)[0]
    cursor = part.textCursor()
    cursor.select(QTextCursor.SelectionType.Document)
    part.setTextCursor(cursor)
    copied = part.createMimeDataFromSelection().text()
    assert copied == "The lease ends in 2027. Notice is three months.\nKeys go back."


def test_a_number_in_the_text_opens_its_source(desk):
    view = answered(desk)
    part = prose(view)[0]
    cursor = QTextCursor(part.document())
    cursor.setPosition(part.document().toPlainText().index("\ufffc"))
    before = part.cursorRect(cursor).center()
    QTest.mouseClick(part.viewport(), Qt.MouseButton.LeftButton, pos=before + QPoint(8, 0))
    desk.settle()
    assert desk.window.viewer.isVisible()
    assert desk.window.viewer.pages.at == 2


def test_a_chip_opens_its_source_by_keyboard(desk):
    view = answered(desk)
    chip = next(chip for chip in view.findChildren(SourceChip) if "rules" in chip.text())
    assert chip.accessibleName() == "Source 2: rules.md"
    chip.setFocus()
    QTest.keyClick(chip, Qt.Key.Key_Space)
    desk.settle()
    assert desk.window.viewer.text.extraSelections()[0].cursor.selectedText() == "Bicycles stand in the"  # as told


def test_no_number_shows_before_the_answer_has_ended(desk):
    desk.house.assistant.script = Script([TEXT], grounded=True, references=CITED, gate=Stop())
    desk.ask("When?")
    desk.qt.until(lambda: desk.window.chat.has_transcript and desk.transcript.findChildren(AnswerView))
    desk.qt.until(lambda: "Keys" in prose(desk.transcript)[-1].document().toPlainText())
    assert "\ufffc" not in prose(desk.transcript)[-1].document().toPlainText()
    desk.do("stop")


def test_while_it_reads_what_was_found_is_said(desk):
    script = Script([], before=[Reading(10, 40)], grounded=True, references=CITED, gate=Stop())
    desk.house.assistant.script = script
    desk.ask("When?")
    words = "4 passages in 2 documents. Reading: 10 of 40 tokens"
    desk.qt.until(lambda: any(live.notice == words for live in desk.shell._chat.answering._live.values()))
    desk.do("stop")


def test_sources_that_were_forgotten_keep_their_number_and_say_so(desk):
    gone = [replace(CITED[0], path="", text="", state="gone"), replace(CITED[1], text="", state="changed")]
    view = answered(desk, Script([TEXT], grounded=True, references=gone))
    assert chips(view) == ["A document that was forgotten, no longer in the library", "rules.md, has changed since"]


def test_a_source_that_stayed_in_another_vault_says_so(desk):
    moved = [replace(CITED[0], path="", text="", state="elsewhere", document=0)]
    view = answered(desk, Script([TEXT], grounded=True, references=moved))
    assert chips(view) == ["A document that is not here, it stayed in another vault"]


def test_an_answer_without_documents_has_none_of_it(desk):
    view = answered(desk, Script(["Hello."]))
    assert chips(view) == []
    assert not view._footer._sources.isVisible()
    assert not desk.window.chat.panel.isVisible()


# Refusals.


def test_a_refusal_shows_the_nearest_passages_as_cards(desk):
    view = answered(desk, Script([REFUSAL], grounded=False, references=NEAR))
    cards = [card for card in view.findChildren(SourceCard) if not card.isHidden()]
    assert [card.accessibleName() for card in cards] == [
        "lease.pdf, page 3, The rent is indexed.", "rules.md, Keys go back at noon.",
    ]  # fmt: skip
    assert view._footer._made.text() == "Looked up here, no model was asked"
    assert not desk.window.chat.panel.isVisible()
    cards[0].click()
    desk.settle()
    assert desk.window.viewer.pages.at == 3


def test_a_refused_question_can_be_answered_without_documents(desk):
    view = answered(desk, Script([REFUSAL], grounded=False, references=NEAR))
    desk.house.assistant.script = Script(["From what I know."])
    view._sources._without.click()
    desk.settle()
    assert asked(desk).scope == NO_DOCUMENTS
    texts = [turn.text for turn in desk.house.conversations.kept.values() if turn.role is Role.ASSISTANT]
    assert texts == [REFUSAL, "From what I know."]


def test_other_documents_can_be_chosen_from_a_refusal(desk):
    view = answered(desk, Script([REFUSAL], grounded=False, references=NEAR))
    view._sources._others.click()
    desk.settle()
    assert desk.window.chat.composer._menu.isVisible()
    desk.window.chat.composer.close_menu()


# The panel.


def panel_titles(desk):
    return [card.accessibleName() for card in desk.window.chat.panel.findChildren(SourceCard)]


def test_the_panel_tells_what_was_cited_read_and_left_out(desk):
    answered(desk)
    assert desk.window.chat.panel.isVisible()
    assert [name.split(", ")[:2] for name in panel_titles(desk)] == [
        ["Source 1", "lease.pdf"], ["Source 2", "rules.md"], ["rules.md", "Bicycles stand in the yard."],
        ["lease.pdf", "page 3"],
    ]  # fmt: skip
    assert not desk.window.chat.panel.isAncestorOf(desk.qt.app.focusWidget())  # nobody asked for it


def test_a_closed_panel_stays_closed_until_it_is_asked_for(desk):
    view = answered(desk)
    desk.window.chat.panel.closed.emit()
    answered(desk)
    assert not desk.window.chat.panel.isVisible()
    view = [one for one in desk.transcript.findChildren(AnswerView) if one.turn is not None][-1]
    view._footer._sources.click()
    desk.settle()
    assert desk.window.chat.panel.isVisible()


def test_the_panel_makes_room_for_a_document_and_comes_back(desk):
    answered(desk)
    desk.window.chat.panel.findChildren(SourceCard)[0].click()
    desk.settle()
    assert desk.window.viewer.isVisible()
    assert not desk.window.chat.panel.isVisible()
    desk.window.viewer.closed.emit()
    desk.settle()
    assert desk.window.chat.panel.isVisible()
    assert len(panel_titles(desk)) == 4


def test_another_answer_without_sources_takes_the_panel_away(desk):
    answered(desk)
    desk.house.assistant.script = Script(["Hello."])
    desk.ask("And you?")
    desk.settle()
    assert not desk.window.chat.panel.isVisible()


def test_the_panel_wears_another_theme_at_once(desk):
    answered(desk)
    desk.do("colours")
    card = desk.window.chat.panel.findChildren(SourceCard)[0]
    assert card._looks.theme is desk.appearance.theme


def test_details_tell_what_documents_had_to_do_with_it(desk):
    view = answered(desk)
    told = details_of(view.turn)
    assert told["Documents"] == "Made from 3 passages in 2 documents"
    assert told["Passages"] == "2 cited, 1 more read, 1 left out"
    assert told["Left out"] == "1 passage"
    refused = answered(desk, Script([REFUSAL], grounded=False, references=NEAR))
    refused = [one for one in desk.transcript.findChildren(AnswerView) if one.turn is not None][-1]
    told = details_of(refused.turn)
    assert told["Documents"].startswith("They do not say.")
    assert told["Model"] == "none was asked"
    assert "Seed" not in told


# Which documents.


def menu(desk):
    desk.window.chat.composer._scope.click()
    desk.settle()
    return desk.window.chat.composer._menu


def test_documents_are_chosen_for_a_chat_and_kept_with_it(desk):
    mine = desk.house.say("q", "a", title="Mine")
    desk.window.sidebar.chats.opened.emit(mine)
    desk.settle()
    opened = menu(desk)
    assert [action.text() for action in opened.actions() if action.text()] == [
        "No documents", "All documents\t5", "Letters\t2", "Contracts\t3", "Add documents…",
    ]  # fmt: skip
    opened._toggle(opened._named["Contracts"])
    assert opened.isVisible()
    desk.settle()
    opened._toggle(opened._named["Letters"])
    opened.close()
    desk.settle()
    assert desk.house.conversations.get(mine).scope == Scope(True, ("Letters", "Contracts"))
    assert desk.window.chat.composer._scope.text() == "Letters, Contracts"
    other = desk.house.say("q", "a", title="Other")
    desk.window.sidebar.chats.opened.emit(other)
    desk.settle()
    assert desk.window.chat.composer._scope.text() == "No documents"


def test_documents_chosen_before_the_chat_exists_are_its_own(desk):
    opened = menu(desk)
    opened._every.trigger()
    opened.close()
    desk.ask("hello")
    desk.settle()
    [chat] = desk.house.conversations.list()
    assert chat.scope == ALL_DOCUMENTS
    assert desk.window.chat.composer._promise.whole == "Your words and documents stay on this computer."


def test_a_draft_makes_its_chat_with_the_documents_that_were_chosen(desk):
    desk.shell._chat._scoping.show(Scope(True, ("Letters",)))
    desk.window.chat.composer.box.setPlainText("half a thought")
    desk.qt.until(lambda: any(chat.draft for chat in desk.house.conversations.list()))
    desk.settle()
    assert desk.house.conversations.list()[0].scope == Scope(True, ("Letters",))


def test_unticking_the_last_collection_means_no_documents(desk):
    desk.shell._chat._scoping.show(Scope(True, ("Letters",)))
    opened = menu(desk)
    opened._toggle(opened._named["Letters"])
    assert desk.shell._chat._view.scope == NO_DOCUMENTS
    assert opened._none.isChecked()
    opened.close()


def test_the_keyboard_ticks_collections_and_stays_in_the_menu(desk):
    opened = menu(desk)
    opened.setActiveAction(opened._named["Letters"])
    QTest.keyClick(opened, Qt.Key.Key_Space)
    assert opened.isVisible()
    assert desk.shell._chat._view.scope == Scope(True, ("Letters",))
    QTest.keyClick(opened, Qt.Key.Key_Escape)
    desk.qt.until(lambda: desk.window.chat.composer._menu is None)


def test_a_collection_that_is_gone_can_still_be_unticked(desk):
    desk.shell._chat._scoping.show(Scope(True, ("Old",)))
    opened = menu(desk)
    assert opened._named["Old"].text() == "Old\t0"
    opened.close()


def test_an_empty_library_says_where_documents_come_from(desk):
    desk.house.library.kept_sources, desk.house.library.documents = [], []
    opened = menu(desk)
    assert not opened._every.isEnabled()
    opened.actions()[-1].trigger()
    opened.close()
    desk.settle()
    assert desk.window.page == "library"


# Files for one message.


def files(desk):
    return [chip.accessibleName() for chip in desk.window.chat.composer.files._chips.values()]


def give(desk, *names):
    desk.window.chat.composer.files_given.emit([f"/here/{name}" for name in names])
    desk.settle()


def test_a_file_is_read_sent_with_the_message_and_shown_on_the_question(desk):
    give(desk, "offer.pdf")
    assert files(desk) == ["offer.pdf, about 540 words"]
    answered(desk, Script(["Yes."]))
    assert [one.name for one in asked(desk).attachments] == ["offer.pdf"]
    assert files(desk) == []
    assert asked(desk).scope is None
    [chip] = [chip for chip in desk.transcript.findChildren(FileChip) if chip.isVisible()]
    assert chip.accessibleName() == "File offer.pdf, about 540 words"
    chip.click()
    desk.settle()
    assert desk.window.viewer.text.toPlainText().startswith("words words")


def test_a_message_waits_until_its_files_are_read(desk):
    desk.house.assistant.file_gate = Stop()
    desk.window.chat.composer.files_given.emit(["/here/long.pdf"])
    desk.window.chat.composer.box.setPlainText("Well?")
    assert files(desk) == ["long.pdf, being read"]
    assert not desk.window.chat.composer._send.isEnabled()
    desk.window.chat.composer.box.sent.emit()
    assert desk.window.chat.composer.text() == "Well?"
    desk.house.assistant.file_gate.set()
    desk.settle()
    assert desk.window.chat.composer._send.isEnabled()


def test_a_file_that_cannot_be_read_says_why_and_is_not_left_out_in_silence(desk):
    desk.house.assistant.files["bad.pdf"] = DocumentUnreadable("it is not a whole PDF")
    give(desk, "bad.pdf")
    desk.window.chat.composer.box.setPlainText("Well?")
    assert files(desk) == ["bad.pdf, This file could not be read"]
    assert not desk.window.chat.composer._send.isEnabled()
    assert desk.window.chat.composer._promise.whole == "Give the password, or remove what cannot be read."
    next(iter(desk.window.chat.composer.files._chips.values()))._remove.click()
    assert files(desk) == []
    assert desk.window.chat.composer._send.isEnabled()


def test_a_password_is_asked_for_in_place(desk):
    desk.house.assistant.passwords["pay.pdf"] = "sesame"
    give(desk, "pay.pdf")
    [chip] = desk.window.chat.composer.files._chips.values()
    assert chip._field.isVisible()
    chip._field.setText("wrong")
    QTest.keyClick(chip._field, Qt.Key.Key_Return)
    desk.settle()
    assert files(desk) == ["pay.pdf, not this one"]
    chip._field.setText("sesame")
    chip._open.click()
    desk.settle()
    assert files(desk) == ["pay.pdf, about 540 words"]
    assert not chip._field.isVisible()


def test_a_file_that_was_removed_while_it_was_read_does_not_come_back(desk):
    desk.house.assistant.file_gate = Stop()
    desk.window.chat.composer.files_given.emit(["/here/long.pdf"])
    next(iter(desk.window.chat.composer.files._chips.values()))._remove.click()
    desk.settle()
    assert files(desk) == []


def test_files_stay_with_their_chat(desk):
    mine, other = desk.house.say("q", "a", title="Mine"), desk.house.say("q", "a", title="Other")
    desk.window.sidebar.chats.opened.emit(mine)
    desk.settle()
    give(desk, "offer.pdf")
    desk.window.sidebar.chats.opened.emit(other)
    desk.settle()
    assert files(desk) == []
    desk.window.sidebar.chats.opened.emit(mine)
    desk.settle()
    assert files(desk) == ["offer.pdf, about 540 words"]


def test_files_given_to_a_new_chat_move_with_it_when_its_draft_is_saved(desk):
    give(desk, "offer.pdf")
    desk.window.chat.composer.box.setPlainText("half a thought")
    desk.qt.until(lambda: desk.shell._chat.chat)
    desk.settle()
    assert files(desk) == ["offer.pdf, about 540 words"]


def test_files_of_a_message_that_could_not_be_saved_come_back(desk):
    give(desk, "offer.pdf")
    desk.house.assistant.script = Script(refused=DiskFull("vault.db"))
    desk.ask("precious")
    desk.settle()
    assert desk.window.chat.composer.text() == "precious"
    assert files(desk) == ["offer.pdf, about 540 words"]


def test_a_folder_goes_into_the_library(desk, tmp_path):
    desk.window.chat.composer.files_given.emit([str(tmp_path)])
    trouble = desk.window.chat.composer.trouble
    assert trouble._title.text() == "A folder goes into the library"
    trouble.acted.emit()
    desk.settle()
    assert desk.window.page == "library"


def urls(*paths):
    carried = QMimeData()
    carried.setUrls([QUrl.fromLocalFile(path) for path in paths])
    return carried


def test_files_are_taken_from_the_clipboard_and_from_a_drop(desk):
    composer = desk.window.chat.composer
    carried = urls("/here/one.pdf")
    assert composer.box.canInsertFromMimeData(carried)
    composer.box.insertFromMimeData(carried)
    desk.settle()
    assert composer.text() == ""
    dropped = urls("/here/two.pdf", "/here/one.pdf")
    composer.dropEvent(
        QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, dropped, Qt.MouseButton.LeftButton,
                   Qt.KeyboardModifier.NoModifier)
    )  # fmt: skip
    desk.settle()
    assert files(desk) == ["one.pdf, about 540 words", "two.pdf, about 540 words"]


def test_an_edited_question_keeps_its_files(desk):
    give(desk, "offer.pdf")
    answered(desk, Script(["Yes."]))
    question = next(turn for turn in desk.house.conversations.kept.values() if turn.role is Role.USER)
    desk.transcript.edit_asked.emit(question.id, "Other words")
    desk.settle()
    newest = [turn for turn in desk.house.conversations.kept.values() if turn.text == "Other words"]
    assert newest[0].attachments == (Attachment("offer.pdf", 3_240),)


# Locking.


def test_locking_forgets_everything_that_was_shown_of_documents(desk):
    answered(desk)
    desk.shell._chat._scoping.show(Scope(True, ("Letters",)))
    give(desk, "offer.pdf")
    desk.do("lock")
    desk.qt.until(lambda: desk.window.entry is not None)
    desk.settle()
    composer = desk.window.chat.composer
    assert composer._scope.text() == "No documents"
    assert files(desk) == []
    assert desk.window.chat.panel.findChildren(SourceCard) == []
    assert desk.shell._chat._view.marks == ()
    assert desk.transcript._branch.turn(desk.house.conversations.list()[0].leaf) is None
    texts = [part.document().toPlainText() for part in desk.transcript.findChildren(ProseView)]
    assert "".join(texts) == ""
    assert desk.shell._chat._attaching._files == {}
    assert not any(view.turn for view in desk.transcript.findChildren(AnswerView))
    assert [chip for chip in desk.transcript.findChildren(SourceChip) if chip.isVisible()] == []


def test_the_chat_page_comes_without_what_only_documents_need():
    code = (
        "import sys, freehold.desktop.chat_page; print(*[name for name in sys.modules if name.startswith('freehold.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    late = ("desktop.viewer", "desktop.source", "desktop.files_row", "desktop.scope", "desktop.transcript", "library")
    assert [name for name in loaded if name.removeprefix("freehold.").startswith(late)] == []


def test_numbers_in_words():
    assert found_words(1, 1) == "1 passage in 1 document"
    assert found_words(5, 2) == "5 passages in 2 documents"
    assert [length_words(count) for count in (3, 540 * 6, 12_345 * 6)] == [
        "a few words", "about 540 words", "about 12,000 words",
    ]  # fmt: skip
    assert scope_words(Scope(True, ("documents", "a\u202eb"))) == "Documents, a[U+202E]b"
