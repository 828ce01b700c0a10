"""The words of every message: `templates.toml`, read once and checked to the last placeholder.

A template names the values its callers give. `title` and `outside` are what somebody may see without a ground for the patient, so they hold
no word about who it is or what is wrong with them: `title` takes no values at all, `outside` only those of `HARMLESS`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("templates.toml")

LANGUAGES = ("zh", "en")
CHANNELS = ("email", "sms", "wechat")
"""The ways outside; the inbox is not one of them: it has everything."""
KINDS = {
    "referral": ("转诊", "Referrals"),
    "conversation": ("转诊沟通", "Conversations"),
    "booking": ("预约", "Appointments"),
    "waitlist": ("候补", "Waiting list"),
    "bed": ("床位", "Beds"),
    "followup": ("随访与健康管理", "Follow-up"),
    "consortium": ("医联体事务", "Consortium"),
    "account": ("账号与安全", "Account and security"),
}
"""What readers choose channels by."""

HARMLESS = frozenset({"when", "until", "day", "institution", "code", "link", "count", "kinds", "minutes"})
"""Values that may stand in what is sent outside: they say when and where, never who or what for (短信不含诊断与证件号)."""

SECRETS = frozenset({"code", "link"})
"""Values that open something for who has them: sealed, and shown to nobody but who the letter is for."""

_PLACE = re.compile(r"\{([a-z_]+)\}")
_PERHAPS = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_WIDE = str.maketrans(",:;?!()", "，：；？！（）")
"""Chinese has Chinese punctuation, whoever typed it. What the values bring along stays as it is."""
_TWICE = re.compile(r"([。！？])[。，；]+")
"""Where a value ends its sentence itself."""
_EVENT = re.compile(r"[a-z]+(?:[.-][a-z]+)+")

Words = Mapping[str, str]
"""By language."""


@dataclass(frozen=True, slots=True)
class Template:
    """One event.

    event      its name, "referral.accept"
    kind       of `KINDS`
    values     what callers must give; optional: what they may. A part of a text in [[ ]] is left out where a value in it is missing
    title      for everybody, also without a ground
    text       for who may know whom it is about
    own, own_title   the same for the patient; empty where they are the same
    outside    what goes by mail, SMS …; none: it goes nowhere but into the inbox
    channels   by which ways it goes outside, unless the reader chose otherwise
    must       readers cannot switch these channels off
    """

    event: str
    kind: str
    values: frozenset[str]
    optional: frozenset[str]
    title: Words
    text: Words
    own: Words
    outside: Words
    own_title: Words
    channels: tuple[str, ...]
    must: bool

    def head(self, language: str, *, own: bool = False) -> str:
        """The title, for the patient (`own`) or anybody else."""
        words = self.own_title if own and self.own_title else self.title
        return words.get(language) or words["zh"]

    def print(self, language: str, values: Mapping[str, str], *, own: bool = False) -> str:
        """The text, for the patient (`own`) or anybody else who may know."""
        words = self.own if own and self.own else self.text
        return filled(words.get(language) or words["zh"], values)

    def print_outside(self, language: str, values: Mapping[str, str]) -> str:
        words = self.outside
        return filled(words.get(language) or words["zh"], {name: value for name, value in values.items() if name in HARMLESS})


def filled(text: str, values: Mapping[str, str]) -> str:
    """`text` with its values, without the parts in [[ ]] for which one is missing."""
    text = _PERHAPS.sub(lambda part: part[1] if all(values.get(name) for name in _PLACE.findall(part[1])) else "", text)
    return _TWICE.sub(r"\1", _PLACE.sub(lambda place: values.get(place[1], ""), text))


@cache
def templates() -> Mapping[str, Template]:
    """Every template by its event. Raises ValueError, naming the template, for one that is not right."""
    found = tomllib.loads(FILE.read_text(encoding="utf-8"))
    kinds = found.pop("kinds", {})
    return {event: read(event, {**kinds.get(entry.get("kind"), {}), **entry}) for event, entry in found.items()}


def read(event: str, entry: Mapping[str, Any]) -> Template:
    """One entry of the file, with what it has of its kind. ValueError for one that is not right."""
    if not _EVENT.fullmatch(event):
        raise ValueError(f"{event!r}: an event is named like referral.accept")
    known = {"kind", "values", "optional", "title", "text", "own", "own_title", "outside", "channels", "must"}
    if strange := set(entry) - known:
        raise ValueError(f"{event}: unknown {', '.join(sorted(strange))}")
    if entry.get("kind") not in KINDS:
        raise ValueError(f"{event}: kind is one of {', '.join(KINDS)}")
    values, optional = frozenset(entry.get("values", ())), frozenset(entry.get("optional", ()))
    channels = tuple(entry.get("channels", ()))
    if set(channels) - set(CHANNELS) or values & optional:
        raise ValueError(f"{event}: channels are {', '.join(CHANNELS)}, and a value is needed or optional, not both")
    if channels and not entry.get("outside"):
        raise ValueError(f"{event}: what goes outside needs the words for it (outside)")
    words = {name: entry.get(name, {}) for name in ("title", "text", "own", "outside", "own_title")}
    for name, said in words.items():
        if (said and set(said) != set(LANGUAGES)) or (not said and name in ("title", "text")):
            raise ValueError(f"{event}: {name} is said in {' and '.join(LANGUAGES)}")
        allowed = {"title": frozenset[str](), "own_title": frozenset[str](), "outside": (values | optional) & HARMLESS}.get(
            name, values | optional
        )
        for language, text in said.items():
            _check(f"{event}: {name}.{language}", text, allowed, sure=values)
    words = {
        name: {language: said[language].translate(_WIDE) if language == "zh" else said[language] for language in said}
        for name, said in words.items()
    }
    return Template(event, entry["kind"], values, optional, **words, channels=channels, must=bool(entry.get("must", False)))


def _check(where: str, text: str, allowed: frozenset[str], *, sure: frozenset[str]) -> None:
    if strange := set(_PLACE.findall(text)) - allowed:
        raise ValueError(f"{where} may not use {', '.join(sorted(strange))}")
    if unsure := set(_PLACE.findall(_PERHAPS.sub("", text))) - sure:
        raise ValueError(f"{where}: {', '.join(sorted(unsure))} is optional and stands outside of [[ ]]")
    if re.search(r"[{}\[\]]", _PLACE.sub("", _PERHAPS.sub(r"\1", text))):
        raise ValueError(f"{where}: a bracket that opens nothing")
