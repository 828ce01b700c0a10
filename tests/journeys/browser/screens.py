"""What must hold of every screen: nothing hangs over the edge, it has one title, and the interface speaks Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set

from tests.journeys.browser.desk import Desk

OVERHANG = """() => {
  const width = document.documentElement.clientWidth;
  const whole = [document.documentElement, document.body, document.querySelector('#main') ?? document.body];
  if (whole.every((one) => one.scrollWidth <= Math.min(width, window.innerWidth))) return [];
  return [...document.querySelectorAll('body *')]
    .filter((one) => one.getBoundingClientRect().right > width + 1 && one.getClientRects().length > 0)
    .slice(-5).map((one) => `${one.tagName.toLowerCase()}.${one.className} “${(one.textContent ?? '').slice(0, 30)}”`);
}"""
"""The innermost elements that reach over the right edge, when the page scrolls sideways."""

WORDS = """() => {
  const found = [document.title, document.body.innerText];
  for (const one of document.querySelectorAll('[placeholder], [aria-label], [title], img[alt]')) {
    const icon = one.closest('.anticon');
    for (const name of ['placeholder', 'aria-label', 'title', 'alt'])
      if (!(icon && name === 'aria-label') && one.getAttribute(name)) found.push(one.getAttribute(name));
  }
  return found;
}"""
"""Everything a person can read or a reader reads out; the drawings of Ant Design name themselves in English to nobody's harm."""

KEYS = "j k Enter Esc Ctrl"
EXAMPLES = "xxg"  # how to find 心血管内科
NAMES = "Yilian English PDF A4 A5 yilian user add disable list"  # the house, the other language, paper, and the administrator's command
UNITS = (
    "mmHg mmol mol umol μmol nmol pmol mg ug μg ng pg g kg L mL ml dL μL uL fL fl U IU mIU kU mU uIU "
    "cm mm m min s h d mV kPa kcal bpm Hz BMI SpO"
)
MEDICINE = (
    "HbA CT MR MRI DR B N T ST V P R QRS I II III IV ICD LOINC ECG PCI NT proBNP CK MB RNA DNA HBsAg HPV TSH FT FEV FVC pH COPD DTaP MMR"
)
ALLOWED = frozenset(f"{KEYS} {EXAMPLES} {NAMES} {UNITS} {MEDICINE}".split())

CODE = re.compile(r"\S*\*{3,}\S*|[A-Z]{1,4}[0-9][0-9A-Zx.+-]*|[0-9]+(?:st|[A-Za-z])?[0-9]*")
"""An ICD-10 code, a number of a file, a masked number."""


def overhang(desk: Desk) -> list[str]:
    return list(desk.page.evaluate(OVERHANG))


def foreign_words(desk: Desk, known: Set[str] = frozenset()) -> set[str]:
    """Words in Latin letters that are no units, codes or names every Chinese doctor uses, nor of the records (`known`, and the desk's)."""
    fine = ALLOWED | desk.known | known
    found = set()
    for text in desk.page.evaluate(WORDS):
        for word in re.findall(r"[A-Za-zμ][A-Za-zμ0-9.]*", CODE.sub(" ", text)):
            bare = word.rstrip(".")
            parts = re.sub(r"[0-9.]+", " ", bare).split()
            if bare not in fine and not all(part in fine for part in parts):
                found.add(bare)
    return found


def complaints(desk: Desk, known: Set[str] = frozenset()) -> list[str]:
    """What is wrong with the screen as it is now; a picture of it is kept then."""
    said = [f"hangs over: {one}" for one in overhang(desk)]
    if (titles := desk.page.locator("h1").count()) != 1:
        said.append(f"{titles} titles (h1), where a reader needs one")
    said += [f"not Chinese: {word}" for word in sorted(foreign_words(desk, known))]
    if said:
        desk.picture(f"{desk.who} {desk.address}")
    return [f"{desk.who} at {desk.address} {one}" for one in said]


def look_over(desk: Desk, addresses: Iterable[str], known: Set[str] = frozenset()) -> list[str]:
    """What is wrong with these screens."""
    wrong = []
    for address in addresses:
        desk.go(address)
        wrong += complaints(desk, known)
    return wrong


def in_order(wrong: list[str]) -> None:
    assert not wrong, "\n".join(wrong)
