"""What is said of devices, receipts, limits and lending, in words. Pure but for Qt's translation."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from freehold.desktop.peer_values import CheckShown, DeviceShown, Guest, LendingShown, LimitsShown, ReceiptShown
from freehold.desktop.words import count_words, long_day_words
from freehold.rendering.visible import one_line

if TYPE_CHECKING:
    from freehold.desktop.peers_state import PeersStanding

SIGNIFICANT = 4  # of an address: what people compare


def _tr(text: str) -> str:
    return QCoreApplication.translate("peers", text)


def time_words(moment: float, now: datetime) -> str:
    """A time of today as "14:32", an earlier one with its day: "24 Nov 14:32"."""
    when = datetime.fromtimestamp(moment).astimezone()
    return f"{when:%H:%M}" if when.date() == now.date() else f"{when.day} {when:%b %H:%M}"


def short_address(address: str) -> str:
    """0x71c4…9a2f."""
    return f"{address[: 2 + SIGNIFICANT]}…{address[-SIGNIFICANT:]}" if len(address) > 12 else one_line(address)


def name_words(name: str, id: str = "") -> str:
    return one_line(name) or short_address(id)


def speed_words(tokens_per_s: float) -> str:
    return _tr("{0} tok/s").format(f"{tokens_per_s:.0f}" if tokens_per_s >= 9.95 else f"{tokens_per_s:.1f}")


def device_facts(one: DeviceShown, now: datetime) -> str:
    """Model, speed and when it last answered, as far as they are known."""
    seen = _tr("answered {0}").format(time_words(one.seen, now)) if one.seen else _tr("has not answered yet")
    facts = [one_line(one.model), speed_words(one.tokens_per_s) if one.tokens_per_s else "", seen]
    return "  ·  ".join(fact for fact in facts if fact)


def device_state(one: DeviceShown) -> str:
    """Why it is asked nothing, or ""."""
    if one.state == "guest":
        return _tr("It may ask this computer while that is lent. It lends nothing itself.")
    if one.state == "blocked":
        return _tr("Not asked any more: an answer of it did not match the model it named.")
    return _tr("Paused by you: it is asked nothing.") if one.state == "paused" else ""


def checks_words(one: DeviceShown) -> str:
    if not one.passed and not one.failed:
        return _tr("no answer checked yet")
    passed = _tr("1 check passed") if one.passed == 1 else _tr("{0} checks passed").format(count_words(one.passed))
    failed = _tr("1 failed") if one.failed == 1 else _tr("{0} failed").format(count_words(one.failed))
    return ", ".join([passed] * bool(one.passed) + [failed] * bool(one.failed))


def check_words(check: CheckShown | None, *, can_check: bool) -> str:
    """How a receipt's answer stands to the weights. The app says what was checked, never more."""
    if check is None:
        return _tr("not checked yet") if can_check else _tr("unverified")
    if not check.passed:
        return _tr("does not match")
    return _tr("{0} tokens checked, matches").format(count_words(check.tokens))


def brief_check(check: CheckShown | None, *, can_check: bool) -> str:
    """`check_words` where there is little room."""
    if check is None or not check.passed:
        return check_words(check, can_check=can_check)
    return _tr("{0} tokens match").format(count_words(check.tokens))


def check_advice(one: ReceiptShown) -> str:
    """More about it, where there is room."""
    if one.check is None and not one.can_check:
        return _tr("Its weights are not on this computer, so nothing here can tell whether they made the answer.")
    if one.check is not None and not one.check.passed:
        return one_line(one.check.reason) or _tr("The weights that were named would have said something else.")
    return ""


def tokens_words(tokens_in: int, tokens_out: int) -> str:
    return _tr("{0} in, {1} out").format(count_words(tokens_in), count_words(tokens_out))


def ending_words(ending: str) -> str:
    return {
        "complete": _tr("complete"), "length": _tr("at the longest answer allowed"), "stopped": _tr("stopped by you"),
        "starved": _tr("it waited in vain to be heard"), "broken": _tr("broken off"),
    }.get(ending, one_line(ending))  # fmt: skip


def today_words(limits: LimitsShown) -> str:
    return _tr("{0} of {1}").format(count_words(limits.today), count_words(limits.answers_per_day))


def certified_words(until: float, now: float) -> str:
    if until <= now:
        return _tr("This device's certificate has run out. It is renewed at the next use.")
    return _tr("This device is certified until {0}. That is renewed by itself.").format(long_day_words(until))


def left_words(seconds: float) -> str:
    """For how long a code is good."""
    whole = max(0, round(seconds))
    if whole == 0:
        return _tr("No longer good")
    return _tr("Good for {0}:{1:02} min and five tries").format(whole // 60, whole % 60)


def spaced(code: str) -> str:
    """Six digits as people read them: "482 913"."""
    return f"{code[:3]} {code[3:]}"


def guest_words(one: Guest) -> str:
    """What runs for a device right now: how much, never what."""
    doing = {
        "waiting": _tr("waits for its turn"), "running": _tr("{0} tokens written").format(count_words(one.tokens)),
        "starved": _tr("{0} tokens written, it is not listening").format(count_words(one.tokens)),
    }.get(one.state, _tr("connected"))  # fmt: skip
    return _tr("{0}: {1}").format(one_line(one.name), doing)


def lending_words(lending: LendingShown) -> str:
    """One line for the bottom of the window; "" when nothing is lent."""
    if lending.state != "on":
        return ""
    if not lending.guests:
        return _tr("Lending, nobody connected")
    if lending.connected == 1:
        return _tr("Lending to 1 device")
    return _tr("Lending to {0} devices").format(count_words(lending.connected))


def side_words(standing: PeersStanding) -> tuple[str, str]:
    """The line beside the page's name and its tone."""
    if not standing.is_known:
        return "", "none"
    borrowing = _tr("on, {0} paired").format(count_words(standing.devices)) if standing.may_ask else ""
    if standing.lending.state == "on":
        return _tr("lending, {0}").format(borrowing) if borrowing else _tr("lending"), "away"
    if borrowing:
        return borrowing, "away"
    return _tr("on, none paired") if standing.is_on else _tr("off"), "off"
