"""Ten thousand renders of hostile text, at every split point, where it is shown: nothing is opened, nothing called."""

from __future__ import annotations

from support.renders import render_carelessly, render_hostile

pytest_plugins = ("support.qt",)


def test_what_the_watch_is_for_is_seen_by_it(qt, tmp_path):
    qt.forgive("")  # Qt complains that the decoy is no picture
    reached = render_carelessly(tmp_path)
    assert reached.files >= 1
    assert reached.sockets == 1
    assert reached.loads >= 2, "Python's own opens are heard too"


def test_ten_thousand_hostile_renders_reach_no_file_and_no_socket(qt, tmp_path):
    reached = render_hostile(tmp_path, 10_000)
    assert reached.renders >= 10_000
    assert (reached.sockets, reached.files, reached.loads, reached.first) == (0, 0, 0, "")
