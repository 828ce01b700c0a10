"""What one question to terminology is asked in: the transaction, definitions that came with the question, and what was used on the way.

Code systems and value sets are looked up by canonical url, with or without a version, in the derived tables; where none is named, the
one that `answers` is meant (`ranking.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from yilian.errors import InvalidResource, Issue, NotFound
from yilian.fhir.json import parse
from yilian.terminology.trouble import issue

if TYPE_CHECKING:
    import asyncpg

    from yilian.db import Tx

Json = dict[str, Any]

SYSTEM = "select cs, url, version, content, supplements, case_sensitive, answers, size, head from code_system s"


@dataclass(frozen=True, slots=True)
class System:
    """A code system as it is held here.

    cs         its key in the tables
    content    complete, fragment, example, not-present or supplement
    answers    whether it is the one meant where no version is named
    size       concepts held
    head       the resource without its concepts
    """

    cs: int
    url: str
    version: str
    content: str
    case_sensitive: bool
    answers: bool
    size: int
    head: Mapping[str, Any]

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url

    @property
    def language(self) -> str:
        return str(self.head.get("language", ""))

    @property
    def is_whole(self) -> bool:
        """Whether a code that is not here does not exist."""
        return self.content == "complete"


@dataclass(slots=True)
class Context:
    """tx: to read with. given: ValueSets that came with the question, by url, or by `#id` for contained ones.

    supplements: those asked for. used_*: canonicals, in the order they were met.
    versions: url → version to take where none is named; forced: to take in any case; checked: that must come out
    """

    tx: Tx
    given: dict[str, Json] = field(default_factory=dict)
    supplements: list[System] = field(default_factory=list)
    used_systems: dict[str, System | None] = field(default_factory=dict)
    used_value_sets: dict[str, None] = field(default_factory=dict)
    found: dict[tuple[str, str], System | None] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    forced: Mapping[str, str] = field(default_factory=dict)
    checked: Mapping[str, str] = field(default_factory=dict)

    async def system(self, url: str, version: str = "") -> System | None:
        """The code system, or None where this server knows none of that url (and version, when one is named).

        InvalidResource where it is of another version than the question said it must be.
        """
        key = (url, self.forced.get(url) or version or self.versions.get(url, ""))
        if key not in self.found:
            self.found[key] = await find_system(self.tx, *key)
        found = self.found[key]
        if found is not None and self.checked.get(url, found.version) != found.version:
            text = f"The code system is {found.canonical}, but must be of version {self.checked[url]}."
            raise InvalidResource(text, issues=[issue("business-rule", "vs-invalid", text)])
        return found

    async def value_set(self, canonical: str) -> Json | None:
        """A ValueSet by url, `url|version` or `#id` of one that is contained."""
        url, _, version = canonical.partition("|")
        given = self.given.get(url)
        if given is not None and (not version or given.get("version", "") == version):
            return given
        return await find_value_set(self.tx, url, version)

    async def require_value_set(self, value_set: Json | str) -> Json:
        """The one that was sent, or the one of this canonical. NotFound for one that is unknown."""
        if not isinstance(value_set, str):
            return value_set
        found = await self.value_set(value_set)
        if found is None:
            told = unknown_value_set(value_set)
            raise NotFound(told.diagnostics, issues=[told])
        return found

    async def add_supplements(self, canonicals: Sequence[str]) -> None:
        """Designations and properties of these supplements count from here on. NotFound for one that is unknown or is none."""
        for canonical in canonicals:
            url, _, version = canonical.partition("|")
            found = await find_system(self.tx, url, version)
            if found is None or found.content != "supplement":
                told = issue("not-found", "not-found", f"The supplement {canonical} is not known here; store it as a CodeSystem first.")
                raise NotFound(told.diagnostics, issues=[told])
            if found not in self.supplements:
                self.supplements.append(found)

    def supplements_of(self, system: System | None) -> list[System]:
        if system is None:
            return []
        return [s for s in self.supplements if str(s.head.get("supplements", "")).partition("|")[0] == system.url]


async def find_system(tx: Tx, url: str, version: str = "") -> System | None:
    if version:
        row = await tx.fetchrow(f"{SYSTEM} where url = $1 and version = $2 order by rid nulls last, cs desc limit 1", url, version)
    else:
        row = await tx.fetchrow(f"{SYSTEM} where url = $1 order by answers desc, cs desc limit 1", url)
    return system_of(row) if row is not None else None


def system_of(row: asyncpg.Record) -> System:
    return System(
        row["cs"], row["url"], row["version"], row["content"], row["case_sensitive"], row["answers"], row["size"], _parsed(row["head"])
    )


async def find_value_set(tx: Tx, url: str, version: str = "") -> Json | None:
    if version:
        text = await tx.fetchval(
            "select body from value_set where url = $1 and version = $2 order by rid nulls last, vs desc limit 1", url, version
        )
    else:
        text = await tx.fetchval("select body from value_set where url = $1 and answers", url)
    return _parsed(text) if text is not None else None


def unknown_value_set(canonical: str) -> Issue:
    return issue(
        "not-found",
        "not-found",
        f"A definition for the value set '{canonical}' could not be found; store it as a ValueSet or send it along.",
        zh=f"没有找到值集 {canonical} 的定义。",
    )


def _parsed(text: str) -> Json:
    """The JSON, which nobody alters."""
    return _remembered(text) if len(text) <= 20_000 else parse(text.encode())


@lru_cache(maxsize=512)
def _remembered(text: str) -> Json:
    return parse(text.encode())
