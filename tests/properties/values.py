"""Values to search for: sound ones out of what is stored, almost sound ones, and absurd ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from tests.properties.samples import ABSURD, PREFIXES, UNITS

Json = dict[str, Any]

_date = re.compile(r"^\d{4}(-\d\d(-\d\d(T.*)?)?)?$")
_reference = re.compile(r"^[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}$")


class Pool:
    """What stands in stored resources, by what it may be asked as: every text, the dates, the references, the codes with their systems."""

    def __init__(self, resources: Iterable[Mapping[str, Any]]) -> None:
        self.texts: list[str] = []
        self.dates: list[str] = []
        self.references: list[str] = []
        self.codes: list[str] = []
        self.numbers: list[str] = []
        self.ids: dict[str, list[str]] = {}
        for resource in resources:
            self.ids.setdefault(resource["resourceType"], []).append(resource["id"])
            self._take(resource)
        for some in (self.texts, self.dates, self.references, self.codes, self.numbers):
            some[:] = dict.fromkeys(some)

    def _take(self, value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(code := value.get("code", value.get("value")), str):
                self.codes += [code, f"{value.get('system', '')}|{code}"]
            for one in value.values():
                self._take(one)
        elif isinstance(value, list):
            for one in value:
                self._take(one)
        elif isinstance(value, str):
            (self.dates if _date.match(value) else self.references if _reference.match(value) else self.texts).append(value[:200])
        elif not isinstance(value, bool):
            self.numbers.append(str(value))

    def value(self, random: Random, kind: str) -> str:
        """A value to ask a parameter of this type for: nine in ten of its kind, the others of another or absurd."""
        way = random.random()
        if way < 0.12:
            return random.choice(ABSURD)
        if way < 0.2:
            return _spoilt(random, self.sound(random, random.choice(("token", "string", "date", "number", "reference", "quantity", "uri"))))
        found = ",".join(self.sound(random, kind) for _ in range(random.choice((1, 1, 1, 1, 2, 3))))
        return _spoilt(random, found) if way < 0.28 else found

    def sound(self, random: Random, kind: str) -> str:
        """A value this type of parameter takes, mostly out of what is stored."""
        if kind == "token":
            return random.choice(self.codes)
        if kind == "date":
            return random.choice(PREFIXES[:11]) + random.choice(self.dates)[: random.choice((4, 7, 10, 40))].rstrip("-")
        if kind == "number":
            return random.choice(PREFIXES[:11]) + random.choice(self.numbers)
        if kind == "quantity":
            return random.choice(PREFIXES[:11]) + random.choice(self.numbers) + random.choice(UNITS)
        if kind == "reference":
            whole = random.choice(self.references)
            return whole if random.random() < 0.7 else whole.partition("/")[2]
        if kind == "composite":
            return self.sound(random, "token") + "$" + self.sound(random, random.choice(("quantity", "token", "date", "string")))
        if kind == "special":
            place = f"{random.uniform(-95, 95):.3f}|{random.uniform(-190, 190):.3f}"
            return f"{place}|{random.choice((1, 50, 5000))}|{random.choice(('km', 'm', 'x'))}"
        text = random.choice(self.texts)
        return text.replace(",", "\\,") if kind == "uri" else text[: random.randint(1, 12)].replace(",", "\\,")


def _spoilt(random: Random, text: str) -> str:
    """The same with one character gone, doubled or put in."""
    at = random.randrange(len(text) + 1)
    way = random.random()
    if way < 0.3:
        return text[:at] + text[at + 1 :]
    if way < 0.5:
        return text[:at] + text[max(at - 1, 0) :]
    return text[:at] + random.choice(("\\", ",", "|", "$", ":", "/", "%", "\x7f", "é", "🏥", "-", "e", " ", "\t", "\n")) + text[at:]


def one_of(random: Random, some: Sequence[str], or_else: str) -> str:
    return random.choice(some) if some else or_else
