"""The recovery code: written on paper, read back by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.foundation.errors import WrongPassphrase
from freehold.vault.recovery import new_code, secret_of


def test_a_code_is_seven_groups_of_four_without_letters_that_look_alike():
    groups = new_code().split("-")
    assert [len(group) for group in groups] == [4] * 7
    assert not set("".join(groups)) & set("ILOU")


def test_no_two_codes_are_alike():
    assert len({new_code() for _ in range(100)}) == 100


def test_case_spaces_and_look_alikes_do_not_matter():
    code = new_code()
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert secret_of(f"  {typed}\n") == secret_of(code)


@pytest.mark.parametrize("typed", ["", "7Q4M", "U" * 28, "Ä" * 28, "0" * 29])
def test_what_is_no_code_is_said_to_be_none(typed):
    with pytest.raises(WrongPassphrase):
        secret_of(typed)


@given(place=st.integers(0, 25), other=st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"), data=st.data())
def test_hardly_any_mistyped_letter_passes(place, other, data):
    """10 bits of checksum: of some hundred single mistakes none or one slips through here, and opens nothing anyway."""
    symbols = list("7Q4MZK0V9T3XW8R2B6YJ5N1CHD")
    from freehold.vault import recovery

    whole = "".join(symbols) + recovery._checksum("".join(symbols))
    wrong = whole[:place] + other + whole[place + 1 :]
    if wrong == whole:
        assert secret_of(wrong)
        return
    try:
        assert secret_of(wrong) != secret_of(whole)
    except WrongPassphrase:
        pass
