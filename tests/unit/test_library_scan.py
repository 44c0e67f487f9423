"""What changed on disk, decided without opening a file."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as some

from freehold.library.scan import Known, Look, changes
from freehold.library.values import Stamp

_STAMPS = some.builds(Stamp, some.integers(0, 2), some.integers(0, 2), some.integers(0, 2), some.integers(0, 4))
_FILES = some.dictionaries(some.sampled_from([f"/d/{letter}" for letter in "abcdef"]), _STAMPS, max_size=6)


@given(_FILES, _FILES)
@settings(max_examples=200, deadline=None)
def test_after_following_the_changes_the_library_holds_what_the_disk_does(before, after):
    known = {path: Known(number, stamp) for number, (path, stamp) in enumerate(before.items())}
    found = changes(known, Look(dict(after)))
    held = {one.id: (path, one.stamp) for path, one in known.items() if one.id not in found.gone}
    held |= {number: (path, stamp) for number, path, stamp in found.moved}
    result = dict(held.values()) | dict(found.read)
    if after or len(before) <= 4:
        assert result == after
    read = {path for path, _ in found.read}
    assert not any(before.get(path) == after[path] for path in read)  # nothing unchanged is read


def test_what_lies_in_a_folder_that_could_not_be_read_is_not_gone():
    known = {"/d/in/a": Known(1, Stamp(1, 1, 1, 1)), "/d/b": Known(2, Stamp(1, 1, 1, 2))}
    assert changes(known, Look({"/d/c": Stamp(1, 1, 1, 3)}, ["/d/in"])).gone == (2,)
