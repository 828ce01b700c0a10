"""$validate-code: is this code one of the value set's (or of the code system), and is the name beside it one of its names?

What is wrong with a code makes the result false and is told; what is wrong with the question (an unknown value set, a filter that cannot
be carried out) is an error. FHIR R4: http://hl7.org/fhir/R4/valueset-operation-validate-code.html,
http://hl7.org/fhir/R4/codesystem-operation-validate-code.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from yilian.errors import Issue
from yilian.terminology import display, languages
from yilian.terminology.compose import ACTIVE, Members, UnknownSystem, UnknownValueSet, members
from yilian.terminology.context import Context, System
from yilian.terminology.expand import supplements_of
from yilian.terminology.grammars import GRAMMARS
from yilian.terminology.languages import NO_WISH, Wish
from yilian.terminology.reading import Concept, concept
from yilian.terminology.trouble import issue
from yilian.terminology.verdict import Asked, Verdict, parameters

if TYPE_CHECKING:
    from yilian.db import Tx

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Strictness:
    """abstract: false refuses codes that only group others; active_only: those out of use; lenient: a wrong display only warns.

    membership_only: nothing but membership is looked at. infer: a code without a system takes the one system that has it.
    """

    language: Wish = NO_WISH
    header: Wish = NO_WISH
    abstract: bool = True
    active_only: bool = False
    lenient: bool = False
    membership_only: bool = False
    infer: bool = False
    supplements: tuple[str, ...] = ()


async def in_value_set(
    tx: Tx,
    value_set: Json | str,
    codings: Sequence[Asked],
    how: Strictness,
    *,
    concept_: Json | None = None,
    given: Mapping[str, Json] | None = None,
) -> Json:
    """Parameters. `value_set`: the resource or its canonical; `concept_`: the CodeableConcept the codings stand in.

    Raises NotFound for an unknown value set or supplement, InvalidResource for a definition that cannot be carried out.
    """
    context = Context(tx, dict(given or {}))
    value_set = await context.require_value_set(value_set)
    await context.add_supplements((*how.supplements, *supplements_of(value_set)))
    wish = how.language or languages.of_value_set(value_set) or how.header
    wish = wish or languages.wish(str(value_set.get("language") or ""), strict=False)
    name = _named(value_set)
    try:
        made_of: Members | UnknownSystem = await members(context, value_set)
    except UnknownValueSet as error:
        verdicts = [Verdict(one, one.code, one.system) for one in codings]
        return parameters(verdicts[0] if concept_ is None else None, error.issues, concept_, ())
    except UnknownSystem as error:
        made_of = error
    verdicts = [await _coding(context, made_of, name, one, how, wish, of_concept=concept_ is not None) for one in codings]
    return _together(verdicts, name, concept_)


async def in_code_system(tx: Tx, url: str, version: str, codings: Sequence[Asked], how: Strictness, concept_: Json | None = None) -> Json:
    """The same against a whole code system: `url` is asked of every coding that names no system; "" where each must name its own."""
    context = Context(tx)
    await context.add_supplements(how.supplements)
    verdicts = []
    for one in codings:
        verdict = Verdict(one, one.code, one.system or url)
        grammar = GRAMMARS.get(verdict.system) if await context.system(verdict.system) is None else None
        system = await _system(context, verdict, one.version or version) if grammar is None else None
        if grammar is not None:
            _read_by(grammar, verdict)
        elif url and one.system and one.system != url:
            text = f"The coding is of {one.system}, the question is about {url}."
            verdict.issues.append(issue("invalid", "invalid-data", text, expression=one.at("system")))
        elif system is not None:
            found = await _concept(context, system, verdict)
            if found is not None:
                verdict.member = True
                _remarks(verdict, found, how, how.language or how.header)
        verdicts.append(verdict)
    good = next((one for one in verdicts if one.member), verdicts[0] if concept_ is None else None)
    return parameters(good, [told for one in verdicts for told in one.issues], concept_, verdicts)


async def _coding(
    context: Context, made_of: Members | UnknownSystem, name: str, asked: Asked, how: Strictness, wish: Wish, *, of_concept: bool
) -> Verdict:
    verdict = Verdict(asked, asked.code, asked.system)
    not_in = Issue("error", "code-invalid", "")
    if isinstance(made_of, UnknownSystem):
        if asked.system == made_of.url.partition("|")[0] or not asked.system:
            verdict.caused_by = made_of.url
            text = f"A definition for CodeSystem '{made_of.url}' could not be found, so the code cannot be validated."
            verdict.issues.append(issue("not-found", "not-found", text, expression=asked.at("system")))
            return verdict
        row = None
    elif not asked.system:
        row = await _inferred(context, made_of, verdict, name) if how.infer else None
        if row is None and not how.infer:
            text = "Coding has no system: a code without one has no meaning of its own and cannot be validated. Give the system."
            verdict.issues.append(issue("invalid", "invalid-data", text, severity="warning", expression=asked.at()))
    else:
        row = await member(context, made_of, asked.system, asked.code)
        if row is None and (other := await _other_case(context, asked)) is not None:
            row, verdict.code = await member(context, made_of, asked.system, other), other
    verdict.member = row is not None
    found: Concept | None = None
    if not how.membership_only and verdict.system:
        system = await _of_row(context, row) or await _system(context, verdict, asked.version, listed=row is not None)
        if system is not None and not _wrong_version(verdict, system, row is not None):
            found = await _concept(context, system, verdict, listed=row is not None)
    if found is not None:
        if how.active_only and found.inactive and verdict.member:
            verdict.member = False
            text = f"The concept '{found.code}' is valid but is not active."
            verdict.issues.append(issue("business-rule", "code-rule", text, expression=asked.at("code")))
        _remarks(verdict, found, how, wish)
    if not verdict.member:
        text = f"The provided code {asked.named} was not found in the value set '{name}'."
        kind, severity = ("this-code-not-in-vs", "information") if of_concept else ("not-in-vs", "error")
        not_in = issue("code-invalid", kind, text, severity=severity, expression=asked.at("code"), zh=f"代码 {asked.code} 不在值集中。")
        verdict.issues.insert(0, not_in)
    return verdict


def _together(verdicts: Sequence[Verdict], name: str, concept_: Json | None) -> Json:
    """One answer for all codings: good if one of them belongs and none is wrong in itself."""
    good = next((one for one in verdicts if one.member), None)
    issues = [told for one in verdicts for told in one.issues]
    if concept_ is not None and good is None:
        text = f"No valid coding was found for the value set '{name}'."
        issues.insert(0, issue("code-invalid", "not-in-vs", text, zh="没有一个编码属于该值集。"))
    return parameters(good or (verdicts[0] if concept_ is None else None), issues, concept_, verdicts)


# --- one code


def _read_by(grammar: Callable[[str], bool], verdict: Verdict) -> None:
    """A code of a system that is a grammar."""
    if grammar(verdict.code):
        verdict.member = verdict.known = True
        verdict.display = verdict.code
        return
    text = f"'{verdict.code}' cannot be read as a code of {verdict.system}."
    verdict.issues.append(issue("code-invalid", "invalid-code", text, expression=verdict.asked.at("code")))


async def member(context: Context, made_of: Members, system: str, code: str) -> Mapping[str, Any] | None:
    if not made_of.sql:
        return None
    values = [*made_of.args.values, system, code]
    active = f" and {ACTIVE}" if made_of.active_only else ""
    one = f"m.system = ${len(values) - 1} and m.code = ${len(values)}"
    row = await context.tx.fetchrow(f"select m.system, m.cs, m.code from ({made_of.sql}) m where {one}{active} limit 1", *values)
    if row is None and system in made_of.open and GRAMMARS[system](code):
        return {"system": system, "cs": None, "code": code}
    return dict(row) if row is not None else None


async def _inferred(context: Context, made_of: Members, verdict: Verdict, name: str) -> Mapping[str, Any] | None:
    """The one system of the value set that has this code."""
    values = [*made_of.args.values, verdict.asked.code]
    sql = f"select distinct m.system from ({made_of.sql}) m where m.code = ${len(values)} order by 1 limit 20"
    systems = [row["system"] for row in await context.tx.fetch(sql, *values)] if made_of.sql else []
    if len(systems) == 1:
        verdict.system = systems[0]
        return await member(context, made_of, systems[0], verdict.asked.code)
    why = f"it has several: {', '.join(systems)}" if systems else "it has no such code"
    text = f"The system of the code '{verdict.asked.code}' could not be told from the value set '{name}': {why}."
    verdict.issues.append(issue("not-found", "cannot-infer", text, expression=verdict.asked.at("code")))
    return None


async def _other_case(context: Context, asked: Asked) -> str | None:
    """The code as its system writes it, where case does not count there and it came in another."""
    system = await context.system(asked.system, asked.version)
    found = await concept(context, system, asked.code) if system is not None and not system.case_sensitive else None
    return found.code if found is not None and found.code != asked.code else None


async def _of_row(context: Context, row: Mapping[str, Any] | None) -> System | None:
    """The system the member was found in: the version the value set takes it from."""
    if row is None or row["cs"] is None:
        return None
    return next((system for system in context.found.values() if system is not None and system.cs == row["cs"]), None)


async def _system(context: Context, verdict: Verdict, version: str, *, listed: bool = False) -> System | None:
    """The system that is named, and issues where it is none. A code its value set lists needs no system that is held here."""
    url, asked = verdict.system, verdict.asked
    system = await context.system(url, version) or (await context.system(url) if listed else None)
    if system is not None and system.content != "supplement":
        return system
    where = asked.at("system")
    if listed:
        verdict.display = verdict.code if url in GRAMMARS else ""
        return None
    if url in GRAMMARS:
        _read_by(GRAMMARS[url], verdict)
        verdict.member = False
        return None
    if not urlsplit(url).scheme:
        text = f"{where or 'system'} must be an absolute uri, not {url!r}."
        verdict.issues.append(issue("invalid", "invalid-data", text, expression=where))
    elif await context.value_set(url) is not None:
        text = f"The coding names a value set ('{url}') where its code system belongs."
        verdict.issues.append(issue("invalid", "invalid-data", text, expression=where))
        return None
    named = f"{url}|{version}" if version else url
    verdict.unknown_system = named
    text = f"A definition for CodeSystem '{named}' could not be found, so the code cannot be validated."
    verdict.issues.append(issue("not-found", "not-found", text, expression=where, zh=f"没有编码系统 {named} 的内容。"))
    return None


def _wrong_version(verdict: Verdict, system: System, member: bool) -> bool:
    """A coding of another version than the value set takes its codes from is no member."""
    asked = verdict.asked
    if not asked.version or asked.version == system.version or not member:
        return False
    text = f"The value set takes codes of {system.canonical}, the coding is of version '{asked.version}'."
    verdict.issues.append(issue("invalid", "vs-invalid", text, expression=asked.at("version")))
    verdict.member = False
    return True


async def _concept(context: Context, system: System, verdict: Verdict, *, listed: bool = False) -> Concept | None:
    """The concept, taken into the verdict; an issue where the system does not have it."""
    verdict.version = system.version
    found = await concept(context, system, verdict.code)
    if found is None:
        if listed and not system.is_whole:
            return None
        severity = "error" if system.is_whole else "warning"
        text = f"Unknown code '{verdict.code}' in the CodeSystem '{system.url}' version '{system.version}'."
        if not system.is_whole:
            text += f" Only a part ({system.content}) of it is held here, so the code may exist."
        verdict.issues.append(
            issue(
                "code-invalid",
                "invalid-code",
                text,
                severity=severity,
                expression=verdict.asked.at("code"),
                zh=f"没有代码 {verdict.code}。",
            )
        )
        return None
    verdict.code, verdict.known = found.code, True
    return found


def _remarks(verdict: Verdict, found: Concept, how: Strictness, wish: Wish) -> None:
    """What is to be said of a concept that exists: out of use, abstract, called otherwise."""
    asked = verdict.asked
    verdict.inactive = found.inactive
    verdict.status = found.status() if found.inactive else ""
    verdict.display, told = display.check(found, asked, wish, lenient=how.lenient or not verdict.member)
    verdict.issues += told
    if found.abstract and not how.abstract:
        text = f"The concept '{found.code}' only groups others and is not to be used itself."
        verdict.issues.append(issue("business-rule", "code-rule", text, expression=asked.at("code")))
    if found.inactive:
        status = f"{verdict.status} and inactive" if verdict.status not in ("", "inactive") else "inactive"
        text = f"The concept '{found.code}' has a status of {status}; its use should be reviewed."
        verdict.issues.append(
            issue("business-rule", "code-comment", text, severity="warning", expression=asked.at() or "code", zh="该代码已停用。")
        )


def _named(value_set: Json) -> str:
    url, version = str(value_set.get("url") or "(unidentified)"), value_set.get("version")
    return f"{url}|{version}" if version else url
