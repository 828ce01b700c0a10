"""Concepts read from the tables, with what supplements add to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from yilian.fhir.json import parse
from yilian.terminology.concepts import meanings, plain_value
from yilian.terminology.context import Context, System

if TYPE_CHECKING:
    import asyncpg

Json = dict[str, Any]
STANDING = "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status"
_simple = msgspec.json.Decoder()


@dataclass(slots=True)
class Concept:
    """One concept of a system.

    definition, designations, properties, extensions   as in CodeSystem.concept; what supplements say of it stands behind its own
    sources     id of a designation object → canonical of the supplement it came from
    """

    system: System
    code: str
    display: str | None
    inactive: bool
    abstract: bool
    definition: str | None = None
    designations: list[Json] = field(default_factory=list)
    properties: list[Json] = field(default_factory=list)
    extensions: list[Json] = field(default_factory=list)
    sources: dict[int, str] = field(default_factory=dict)

    def status(self) -> str:
        """The property `status`, or the standing HL7 gives it by an extension; "" where neither is said."""
        means = meanings(dict(self.system.head)) if self.system.head.get("property") else {}
        for one in self.properties:
            if means.get(one.get("code", ""), one.get("code")) == "status":
                return str(plain_value(one) or "")
        return next((str(one.get("valueCode")) for one in self.extensions if one.get("url") == STANDING), "")

    def add(self, detail: str | None, source: str = "") -> None:
        """Take in the `detail` column of its own row, or of a supplement's (then with the supplement's canonical)."""
        if detail is None:
            return
        # Decimals only matter where there are some; the plain decoder is three times as quick.
        found = parse(detail.encode()) if "valueDecimal" in detail else _simple.decode(detail)
        if self.definition is None or source:
            self.definition = found.get("definition", self.definition)
        for one in found.get("designation") or ():
            self.designations.append(one)
            if source:
                self.sources[id(one)] = source
        self.properties += found.get("property") or ()
        self.extensions += found.get("extension") or ()


async def concept(context: Context, system: System, code: str) -> Concept | None:
    """The concept with this code, case ignored where the system ignores it; None where the system does not have it."""
    row = await context.tx.fetchrow(
        "select code, display, inactive, abstract, detail from code_system_concept where cs = $1 and code = $2", system.cs, code
    )
    if row is None and not system.case_sensitive:
        row = await context.tx.fetchrow(
            "select code, display, inactive, abstract, detail from code_system_concept"
            ' where cs = $1 and lower(code) = lower($2 collate "C") order by nth limit 1',
            system.cs,
            code,
        )
    if row is None:
        return None
    found = of_row(system, row)
    await supplement(context, system, {found.code: found})
    return found


def of_row(system: System, row: asyncpg.Record | Mapping[str, Any]) -> Concept:
    found = Concept(system, row["code"], row["display"], row["inactive"], row["abstract"])
    found.add(row["detail"])
    return found


async def supplement(context: Context, system: System, concepts: Mapping[str, Concept]) -> None:
    """Add to these concepts (by code) what the supplements of this question say of them."""
    for one in context.supplements_of(system):
        rows = await context.tx.fetch(
            "select code, display, detail from code_system_concept where cs = $1 and code = any($2)", one.cs, list(concepts)
        )
        for row in rows:
            concepts[row["code"]].add(row["detail"], one.canonical)


NEIGHBOURS = """
select true as up, c.nth, c.code, c.display
from code_system_parent p join code_system_concept c on c.cs = p.cs and c.code = p.parent where p.cs = $1 and p.code = $2
union all
select false, c.nth, c.code, c.display
from code_system_parent p join code_system_concept c on c.cs = p.cs and c.code = p.code where p.cs = $1 and p.parent = $2
order by 2
"""


async def neighbours(context: Context, system: System, code: str) -> tuple[list[tuple[str, str | None]], list[tuple[str, str | None]]]:
    """(parents, children) of a code, each as code and display, in the order of the definition."""
    rows = await context.tx.fetch(NEIGHBOURS, system.cs, code)
    up: list[tuple[str, str | None]] = [(row["code"], row["display"]) for row in rows if row["up"]]
    return up, [(row["code"], row["display"]) for row in rows if not row["up"]]


def codings(value: Any) -> Sequence[Json]:
    """The codings of a CodeableConcept."""
    return [one for one in value.get("coding") or () if type(one) is dict] if type(value) is dict else []
