"""ConceptMap/$translate: what a code is called in another system.

FHIR R4: http://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yilian.errors import NotFound, NotSupported
from yilian.fhir.json import parse
from yilian.terminology import maps

if TYPE_CHECKING:
    import asyncpg

    from yilian.db import Tx

Json = dict[str, Any]

MAPS = "select cm, head from concept_map"


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be translated, and by which maps.

    codings   (system, version, code); any of them may be translated
    url, version       the one map to use, "" for every map that fits
    source, target     value sets the map must be from and to; target_system: only into this system
    reverse   from target to source
    """

    codings: Sequence[tuple[str, str, str]]
    url: str = ""
    version: str = ""
    source: str = ""
    target: str = ""
    target_system: str = ""
    reverse: bool = False


async def translate(tx: Tx, asked: Question, given: Json | None = None) -> Json:
    """Parameters: result, message, match. `given`: a ConceptMap that came with the question. Raises NotFound for an unknown map."""
    if given is not None:
        head = maps.head_of(given)
        rows = [(head, row) for row in maps.rows_of(given)]
        matches = [_match(head, row, asked) for head, row in rows if _fits(row, asked)]
        matches += _unmapped([head], asked, rows)
    else:
        matches = await _stored(tx, asked)
    matches = [one for number, one in enumerate(matches) if one not in matches[:number]]
    good = any(_equivalence(one) in maps.MEANS_A_MATCH for one in matches)
    told: list[Json] = [{"name": "result", "valueBoolean": good}]
    if not good:
        codes = ", ".join(f"{system}#{code}" for system, _, code in asked.codings)
        text = f"No translation of {codes} was found." if not matches else f"The maps say that {codes} has no counterpart."
        told.append({"name": "message", "valueString": text})
    return {"resourceType": "Parameters", "parameter": told + matches}


async def _stored(tx: Tx, asked: Question) -> list[Json]:
    where, args = ["true"], []
    for column, value in (("url", asked.url), ("version", asked.version)):
        if value:
            args.append(value)
            where.append(f"{column} = ${len(args)}")
    if not asked.version:
        where.append("answers")
    if asked.url:
        found = await tx.fetch(f"{MAPS} where {' and '.join(where)} order by rid nulls last, cm desc limit 1", *args)
        if not found:
            named = f"{asked.url}|{asked.version}" if asked.version else asked.url
            raise NotFound(f"The concept map {named} is not known here.", zh=f"没有找到概念映射 {named}。")
    mine, other = ("target", "source") if asked.reverse else ("source", "target")
    rows = await tx.fetch(
        f"""
        select m.head, t.nth, t.source_system, t.source_code, t.target_system, t.target_code, t.equivalence, t.detail
        from concept_map_target t join concept_map m on m.cm = t.cm
        where t.{mine}_system = any($1) and t.{mine}_code = any($2)
          and (m.cm = $3 or ($3::int is null and exists (
                select from concept_map a where a.url = m.url and a.version = m.version and a.answers)))
          and ($4 = '' or m.{mine} = $4) and ($5 = '' or m.{other} = $5)
        order by m.url, t.nth
        """,
        sorted({system for system, _, _ in asked.codings}),
        sorted({code for _, _, code in asked.codings}),
        found[0]["cm"] if asked.url else None,
        asked.source,
        asked.target,
    )
    pairs = [(parse(row["head"].encode()), _columns(row)) for row in rows]
    matches = [_match(head, row, asked) for head, row in pairs if _fits(row, asked)]
    if asked.url:
        matches += _unmapped([parse(found[0]["head"].encode())], asked, pairs)
    return matches


Row = tuple[int, str, str, str, str, str, str | None]


def _columns(row: asyncpg.Record) -> Row:
    return (
        row["nth"], row["source_system"], row["source_code"], row["target_system"], row["target_code"], row["equivalence"], row["detail"],
    )  # fmt: skip


def _fits(row: Row, asked: Question) -> bool:
    _, source_system, source_code, target_system, target_code, _, _ = row
    mine, other = ((target_system, target_code), source_system) if asked.reverse else ((source_system, source_code), target_system)
    return any((system, code) == mine for system, _, code in asked.codings) and asked.target_system in ("", other)


def _match(head: Json, row: Row, asked: Question) -> Json:
    _, source_system, source_code, target_system, target_code, equivalence, detail = row
    kept = parse(detail.encode()) if detail else {}
    if asked.reverse:
        system, code, display = source_system, source_code, kept.get("source")
        equivalence = maps.BACKWARDS.get(equivalence, equivalence)
    else:
        system, code, display = target_system, target_code, kept.get("display")
    parts: list[Json] = [{"name": "equivalence", "valueCode": equivalence}]
    if code:
        coding = {"system": system, "code": code, "display": display}
        parts.append({"name": "concept", "valueCoding": {key: value for key, value in coding.items() if value}})
    for product in kept.get("product") or () if not asked.reverse else ():
        inner: list[Json] = [{"name": "element", "valueUri": product.get("property")}]
        inner.append({"name": "concept", "valueCoding": {"system": product.get("system"), "code": product.get("value")}})
        parts.append({"name": "product", "part": inner})
    if "url" in head:
        version = head.get("version")
        parts.append({"name": "source", "valueUri": f"{head['url']}|{version}" if version else head["url"]})
    return {"name": "match", "part": parts}


def _unmapped(heads: Sequence[Json], asked: Question, mapped: Sequence[tuple[Json, Row]]) -> list[Json]:
    """What the groups of a map say of codes they do not list: a fixed code, or the code itself. R4: ConceptMap.group.unmapped."""
    if asked.reverse:
        return []
    found = []
    for head in heads:
        for group in head.get("group") or ():
            rule = group.get("unmapped")
            for system, _, code in asked.codings:
                listed = any(row[1] == system and row[2] == code and row[3] == str(group.get("target") or "") for _, row in mapped)
                if rule and group.get("source") == system and not listed and asked.target_system in ("", group.get("target")):
                    found.append(_match(head, _by_rule(rule, group, system, code), asked))
    return found


def _by_rule(rule: Json, group: Json, system: str, code: str) -> Row:
    mode, target = rule.get("mode"), str(group.get("target") or "")
    if mode == "provided":
        return (0, system, code, target, code, "equal", None)
    if mode == "fixed":
        return (0, system, code, target, str(rule.get("code") or ""), "inexact", None)
    raise NotSupported(f"The map sends unlisted codes to another map ({rule.get('url')}); ask that one by url.")


def _equivalence(match: Json) -> str:
    return str(next(part["valueCode"] for part in match["part"] if part["name"] == "equivalence"))
