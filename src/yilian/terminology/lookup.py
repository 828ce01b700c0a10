"""CodeSystem/$lookup: what a code means.

FHIR R4: http://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from yilian.errors import NotFound
from yilian.terminology.concepts import plain_value
from yilian.terminology.context import Context, System
from yilian.terminology.grammars import GRAMMARS, TITLES
from yilian.terminology.languages import PREFERRED, Wish, chosen, names, nearness
from yilian.terminology.reading import Concept, concept, neighbours
from yilian.terminology.trouble import issue

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]


async def lookup(
    tx: Tx,
    url: str,
    code: str,
    *,
    version: str = "",
    language: Wish,
    properties: Collection[str] = (),
    supplements: Sequence[str] = (),
) -> Json:
    """Parameters as R4 lays them down, and with them code, system, definition and abstract, which R5 gives too.

    `properties`: which to give; all where none is named or `*` is. `lang.X` limits the designations to a language.
    Raises NotFound for a system or code that is unknown here.
    """
    context = Context(tx)
    system = await context.system(url, version)
    if system is None and url in GRAMMARS and not version:
        return _of_grammar(url, code)
    if system is None or system.content == "supplement":
        named = f"{url}|{version}" if version else url
        raise _unknown(f"The code system {named} is not held here.", f"本系统没有编码系统 {named}。")
    await context.add_supplements(supplements)
    found = await concept(context, system, code)
    if found is None:
        part = "" if system.is_whole else f" Only a part ({system.content}) of it is held here, so the code may exist."
        raise _unknown(f"Unknown code '{code}' in the CodeSystem '{system.canonical}'.{part}", f"编码系统中没有代码 {code}。")
    parents, children = await neighbours(context, system, found.code)
    return {"resourceType": "Parameters", "parameter": list(_told(found, parents, children, language, frozenset(properties)))}


def _of_grammar(url: str, code: str) -> Json:
    """A code that can be read means what it says."""
    if not GRAMMARS[url](code):
        raise _unknown(f"'{code}' cannot be read as a code of {url}.", f"无法识别代码 {code}。")
    told = [("name", "String", TITLES[url]), ("display", "String", code), ("code", "Code", code), ("system", "Uri", url)]
    return {"resourceType": "Parameters", "parameter": [{"name": name, f"value{type_}": value} for name, type_, value in told]}


def _told(
    found: Concept,
    parents: Sequence[tuple[str, str | None]],
    children: Sequence[tuple[str, str | None]],
    language: Wish,
    wanted: frozenset[str],
) -> Iterator[Json]:
    head, languages = found.system.head, [name.removeprefix("lang.") for name in wanted if name.startswith("lang.")]
    every = not (wanted - {f"lang.{tag}" for tag in languages}) or "*" in wanted
    all_names = names(found.display, found.system.language, found.designations)
    shown = chosen(all_names, language)
    yield {"name": "name", "valueString": str(head.get("name") or head.get("title") or found.system.url)}
    if found.system.version:
        yield {"name": "version", "valueString": found.system.version}
    yield {"name": "display", "valueString": shown.text if shown else found.display or found.code}
    yield {"name": "code", "valueCode": found.code}
    yield {"name": "system", "valueUri": found.system.url}
    if found.definition and (every or "definition" in wanted):
        yield {"name": "definition", "valueString": found.definition}
    yield {"name": "abstract", "valueBoolean": found.abstract}
    for name in all_names if every or "designation" in wanted or languages else ():
        if not languages or any(nearness(name.language, tag) < 9 for tag in languages):
            yield _designation(name.text, name.language, name.designation, found)
    for code, display in parents if every or "parent" in wanted else ():
        yield _property("parent", {"valueCode": code}, display)
    for code, display in children if every or "child" in wanted else ():
        yield _property("child", {"valueCode": code}, display)
    if every or "inactive" in wanted:
        yield _property("inactive", {"valueBoolean": found.inactive})
    for one in found.properties:
        code = str(one.get("code"))
        if (every or code in wanted) and code not in ("parent", "child", "inactive") and plain_value(one) is not None:
            yield _property(code, {key: value for key, value in one.items() if key.startswith("value")})
    for canonical in dict.fromkeys(found.sources.values()):
        yield {"name": "used-supplement", "valueCanonical": canonical}


def _designation(text: str, language: str, designation: Json | None, found: Concept) -> Json:
    parts: list[Json] = []
    if language:
        parts.append({"name": "language", "valueCode": language})
    use = PREFERRED if designation is None else designation.get("use")
    if use:
        parts.append({"name": "use", "valueCoding": use})
    parts.append({"name": "value", "valueString": text})
    if designation is not None and id(designation) in found.sources:
        parts.append({"name": "source", "valueCanonical": found.sources[id(designation)]})
    return {"name": "designation", "part": parts}


def _property(code: str, value: Json, description: str | None = None) -> Json:
    told = [{"name": "description", "valueString": description}] if description else []
    return {
        "name": "property",
        "part": [{"name": "code", "valueCode": code}, *({"name": "value", key: v} for key, v in value.items()), *told],
    }


def _unknown(text: str, zh: str) -> NotFound:
    return NotFound(text, issues=[issue("not-found", "not-found", text, zh=zh)])


async def subsumes(tx: Tx, system: System, a: str, b: str) -> str:
    """CodeSystem/$subsumes: equivalent, subsumes (b is an a), subsumed-by (a is a b) or not-subsumed.

    Raises NotFound for a code the system does not have. FHIR R4: http://hl7.org/fhir/R4/codesystem-operation-subsumes.html
    """
    context = Context(tx)
    first, second = await concept(context, system, a), await concept(context, system, b)
    for asked, found in ((a, first), (b, second)):
        if found is None:
            raise _unknown(f"Unknown code '{asked}' in the CodeSystem '{system.canonical}'.", f"编码系统中没有代码 {asked}。")
    assert first is not None
    assert second is not None
    if first.code == second.code:
        return "equivalent"
    row = await tx.fetchrow(_ABOVE, system.cs, first.code, second.code)
    assert row is not None
    return "subsumes" if row["a_above"] else "subsumed-by" if row["b_above"] else "not-subsumed"


_ABOVE = """
with recursive above (leaf, code) as (
    select x collate "C", x collate "C" from unnest(array[$2::text, $3::text]) x
    union
    select a.leaf, p.parent from above a join code_system_parent p on p.cs = $1 and p.code = a.code
)
select exists (select from above where leaf = $3 and code = $2) as a_above,
       exists (select from above where leaf = $2 and code = $3) as b_above
"""
