"""Somebody without a mouse: everything is reached and done by keys alone, and one sees where one is."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys.browser.both_sides import WAITS_MS
from tests.journeys.browser.desk import Desk

FAR = 120
"""So many presses of Tab lead from anywhere on a page to anywhere else."""

IS_AT = "css => document.activeElement !== null && document.activeElement.matches(css)"
MARKED = """() => {
  const one = document.activeElement;
  if (!one || !one.matches(':focus-visible')) return false;
  const looks = getComputedStyle(one);
  return (looks.outlineStyle !== 'none' && parseFloat(looks.outlineWidth) > 0) || looks.boxShadow !== 'none';
}"""


def press(desk: Desk, *keys: str) -> None:
    for key in keys:
        desk.page.keyboard.press(key)


def tab_to(desk: Desk, css: str) -> None:
    """Tab until one is there."""
    for _ in range(FAR):
        if desk.page.evaluate(IS_AT, css):
            return
        press(desk, "Tab")
    raise AssertionError(f"{desk.who} does not get to {css} by Tab at {desk.address}")


def writes(desk: Desk, field: str, text: str) -> None:
    """Tab to the first control of a part of a form, and type."""
    tab_to(desk, f'[data-field="{field}"] :is(input, textarea)')
    desk.page.keyboard.type(text)


def opens_first(desk: Desk, name: str) -> None:
    """In a list: down to the row of this person, and open it."""
    row = desk.page.get_by_role("row").filter(has_text=name).first
    expect(row).to_be_visible(timeout=WAITS_MS)
    for _ in range(FAR):
        press(desk, "j")
        if "marked" in (row.get_attribute("class") or ""):
            break
    press(desk, "Enter")
    desk.settle()


def to_the_step(desk: Desk, action: str) -> None:
    """`a` leads to the likeliest step, which is this one; one sees that one is there."""
    button = desk.page.locator(f'button[data-action="{action}"]')
    expect(button).to_be_enabled(timeout=WAITS_MS)
    press(desk, "a")
    expect(button).to_be_focused()
    assert desk.page.evaluate(MARKED), f"it is not to be seen that {desk.who} is at {action}"


def in_the_form(desk: Desk) -> None:
    """The form of a step is there, and one is in its first field without going there."""
    expect(desk.page.locator(".ant-drawer-open [data-field] :focus")).to_have_count(1)


def sends(desk: Desk) -> None:
    press(desk, "Control+Enter")
    expect(desk.page.locator(".ant-drawer-open")).to_have_count(0)
    desk.settle()
