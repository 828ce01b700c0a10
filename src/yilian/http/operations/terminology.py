"""The operations of terminology: $expand, $lookup, $validate-code, $subsumes, $translate.

Code systems, value sets and maps are open to everyone who is signed in. Of a single one, `/ValueSet/{id}/$expand`, the resource is read
as any other. FHIR R4: http://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

from typing import Any

from yilian.audit.record import note_read
from yilian.db import Tx
from yilian.errors import BadRequest, NotFound
from yilian.fhir.json import parse
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import HL7, Operation
from yilian.http.parameters import Called, Parameter, called_with
from yilian.http.request import Request
from yilian.store import read
from yilian.store.scope import Scope
from yilian.terminology import languages
from yilian.terminology.context import Context, System
from yilian.terminology.expand import Wanted
from yilian.terminology.expand import expand as expand_value_set
from yilian.terminology.lookup import lookup as look_up
from yilian.terminology.lookup import subsumes as subsumption
from yilian.terminology.reading import codings
from yilian.terminology.translate import Question
from yilian.terminology.translate import translate as translate_codes
from yilian.terminology.validate import Strictness, in_code_system, in_value_set
from yilian.terminology.verdict import Asked

Json = dict[str, Any]

WHICH_VALUE_SET = (
    Parameter("url"),
    Parameter("valueSetVersion"),
    Parameter("valueSet", "resource", of="ValueSet"),
    Parameter("tx-resource", "resource", many=True, of="ValueSet"),
    Parameter("useSupplement", many=True),
    Parameter("displayLanguage"),
    Parameter("activeOnly", "boolean"),
)
EXPAND = (
    *WHICH_VALUE_SET,
    Parameter("filter"),
    Parameter("offset", "integer"),
    Parameter("count", "integer"),
    Parameter("includeDesignations", "boolean"),
    Parameter("designation", many=True),
    Parameter("includeDefinition", "boolean"),
    Parameter("excludeNested", "boolean"),
    Parameter("excludeNotForUI", "boolean"),
    Parameter("excludePostCoordinated", "boolean"),
    Parameter("property", many=True),
    Parameter("system-version", many=True),
    Parameter("force-system-version", many=True),
    Parameter("check-system-version", many=True),
)
WHAT_CODE = (
    Parameter("code"),
    Parameter("display"),
    Parameter("coding", "Coding"),
    Parameter("codeableConcept", "CodeableConcept"),
    Parameter("abstract", "boolean"),
    Parameter("lenient-display-validation", "boolean"),
)
VALIDATE_IN_SET = (
    *WHICH_VALUE_SET,
    *WHAT_CODE,
    Parameter("system"),
    Parameter("systemVersion"),
    Parameter("inferSystem", "boolean"),
    Parameter("valueset-membership-only", "boolean"),
)
VALIDATE_IN_SYSTEM = (
    *WHAT_CODE,
    Parameter("url"),
    Parameter("version"),
    Parameter("displayLanguage"),
    Parameter("useSupplement", many=True),
)
LOOKUP = (
    Parameter("code"),
    Parameter("system"),
    Parameter("version"),
    Parameter("coding", "Coding"),
    Parameter("displayLanguage"),
    Parameter("property", many=True),
    Parameter("useSupplement", many=True),
)
SUBSUMES = (
    Parameter("codeA"),
    Parameter("codeB"),
    Parameter("system"),
    Parameter("version"),
    Parameter("codingA", "Coding"),
    Parameter("codingB", "Coding"),
)
TRANSLATE = (
    Parameter("url"),
    Parameter("conceptMap", "resource", of="ConceptMap"),
    Parameter("conceptMapVersion"),
    Parameter("code"),
    Parameter("system"),
    Parameter("version"),
    Parameter("source"),
    Parameter("coding", "Coding"),
    Parameter("codeableConcept", "CodeableConcept"),
    Parameter("target"),
    Parameter("targetsystem"),
    Parameter("reverse", "boolean"),
)


async def expand(house: House, asker: Scope, request: Request) -> Answer:
    """GET or POST /ValueSet/$expand, /ValueSet/{id}/$expand"""
    called = await called_with(request, EXPAND)
    wanted = Wanted(
        text=called.text("filter").strip(),
        offset=called.one("offset") or 0,
        count=called.one("count"),
        active_only=called.flag("activeOnly"),
        nested=not called.flag("excludeNested"),
        designations=called.flag("includeDesignations") or bool(called.all("designation")),
        which_designations=tuple(called.all("designation")),
        definition=called.flag("includeDefinition"),
        language=languages.wish(called.text("displayLanguage")) if called.one("displayLanguage") else languages.NO_WISH,
        header=languages.wish(request.header("accept-language"), strict=False),
        properties=tuple(called.all("property")),
        supplements=tuple(called.all("useSupplement")),
        versions=_versions(called, "system-version"),
        forced=_versions(called, "force-system-version"),
        checked=_versions(called, "check-system-version"),
        selectable=called.flag("excludeNotForUI"),
        echo=tuple(one for one in called.echo if one["name"] not in ("url", "valueSetVersion", "useSupplement", "property")),
    )
    async with house.db.reading() as tx:
        value_set = await _value_set(house, tx, asker, request, called)
        return of_json(await expand_value_set(tx, value_set, wanted, given=_given(called)))


async def validate_in_value_set(house: House, asker: Scope, request: Request) -> Answer:
    """GET or POST /ValueSet/$validate-code, /ValueSet/{id}/$validate-code"""
    called = await called_with(request, VALIDATE_IN_SET)
    asked = _asked(called, called.text("system"), called.text("systemVersion"))
    if called.one("code") and not called.one("system") and not called.flag("inferSystem"):
        raise BadRequest("A code needs its system; or say inferSystem=true.", code="invalid")
    async with house.db.reading() as tx:
        value_set = await _value_set(house, tx, asker, request, called)
        how = _strictness(called, request)
        return of_json(await in_value_set(tx, value_set, asked, how, concept_=called.one("codeableConcept"), given=_given(called)))


async def validate_in_code_system(house: House, asker: Scope, request: Request) -> Answer:
    """GET or POST /CodeSystem/$validate-code, /CodeSystem/{id}/$validate-code"""
    called = await called_with(request, VALIDATE_IN_SYSTEM)
    asked = _asked(called, "", "")
    async with house.db.reading() as tx:
        url, version = called.text("url"), called.text("version")
        if len(request.segments) == 3:
            url, version = await _this_system(house, tx, asker, request, called)
        if not url and called.one("code"):
            raise BadRequest("Say which code system: url=….")
        return of_json(await in_code_system(tx, url, version, asked, _strictness(called, request), called.one("codeableConcept")))


async def lookup(house: House, asker: Scope, request: Request) -> Answer:
    """GET or POST /CodeSystem/$lookup"""
    called = await called_with(request, LOOKUP)
    system, version, code = called.text("system"), called.text("version"), called.text("code")
    if called.one("coding") is not None:
        if code or system:
            raise BadRequest("Give either coding or code and system, not both.")
        system, version, code = _coding(called.one("coding"))
    if not system or not code:
        raise BadRequest("Say which code: code and system, or coding.", zh="请给出编码系统和代码。")
    language = called.text("displayLanguage") or request.header("accept-language")
    async with house.db.reading() as tx:
        return of_json(
            await look_up(
                tx,
                system,
                code,
                version=version,
                language=languages.wish(language, strict=called.one("displayLanguage") is not None),
                properties=called.all("property"),
                supplements=called.all("useSupplement"),
            )
        )


async def subsumes(house: House, asker: Scope, request: Request) -> Answer:
    """GET or POST /CodeSystem/$subsumes, /CodeSystem/{id}/$subsumes"""
    called = await called_with(request, SUBSUMES)
    url, version, a, b = called.text("system"), called.text("version"), called.text("codeA"), called.text("codeB")
    pair = [_coding(called.one(name)) for name in ("codingA", "codingB") if called.one(name) is not None]
    if pair:
        if len(pair) != 2 or a or b or pair[0][0] != pair[1][0]:
            raise BadRequest("Give codingA and codingB of one system, or codeA, codeB and system.")
        (url, version, a), (_, _, b) = pair
    if not a or not b:
        raise BadRequest("Say which two codes: codeA and codeB with system, or codingA and codingB.")
    async with house.db.reading() as tx:
        if len(request.segments) == 3:
            url, version = await _this_system(house, tx, asker, request, called)
        system = await _system(tx, url, version)
        outcome = await subsumption(tx, system, a, b)
    return of_json({"resourceType": "Parameters", "parameter": [{"name": "outcome", "valueCode": outcome}]})


async def translate(house: House, asker: Scope, request: Request) -> Answer:
    """GET or POST /ConceptMap/$translate, /ConceptMap/{id}/$translate"""
    called = await called_with(request, TRANSLATE)
    ways = [name for name in ("code", "coding", "codeableConcept") if called.one(name) is not None]
    if len(ways) != 1:
        raise BadRequest("Say what to translate: code with system, coding, or codeableConcept; one of them.")
    if ways == ["code"]:
        if not called.text("system"):
            raise BadRequest("A code needs its system.")
        asked = [(called.text("system"), called.text("version"), called.text("code"))]
    else:
        asked = [_coding(one) for one in ([called.one("coding")] if ways == ["coding"] else codings(called.one("codeableConcept")))]
    url, version = called.text("url"), called.text("conceptMapVersion")
    url, _, version = url.partition("|") if "|" in url else (url, "", version)
    async with house.db.reading() as tx:
        given = called.one("conceptMap")
        if len(request.segments) == 3:
            given = await _stored(house, tx, asker, request)
        question = Question(
            asked,
            url,
            version,
            called.text("source").partition("|")[0],
            called.text("target").partition("|")[0],
            called.text("targetsystem"),
            called.flag("reverse"),
        )
        return of_json(await translate_codes(tx, question, given))


# --- what a question names


async def _value_set(house: House, tx: Tx, asker: Scope, request: Request, called: Called) -> Json | str:
    """The resource at this address, the one in the body, or the canonical that is asked for."""
    if len(request.segments) == 3:
        if called.one("url") or called.one("valueSet"):
            raise BadRequest("The address names the value set already; leave out url and valueSet.")
        return await _stored(house, tx, asker, request)
    if called.one("valueSet") is not None:
        found: Json = called.one("valueSet")
        return found
    url = called.text("url")
    if not url:
        raise BadRequest("Say which value set: url=…, or send it as valueSet.", zh="请给出值集的地址。")
    version = called.text("valueSetVersion")
    return f"{url}|{version}" if version and "|" not in url else url


async def _stored(house: House, tx: Tx, asker: Scope, request: Request) -> Json:
    stored = await read.by_id(tx, asker, request.segments[0], request.segments[1])
    await note_read(house.reads, asker, [stored], request.segments[2][1:], request.address)
    return parse(stored.body)


async def _this_system(house: House, tx: Tx, asker: Scope, request: Request, called: Called) -> tuple[str, str]:
    """url and version of the CodeSystem at this address."""
    if called.one("url") or called.one("system"):
        raise BadRequest("The address names the code system already.")
    found = await _stored(house, tx, asker, request)
    if "url" not in found:
        raise BadRequest("This CodeSystem has no url, so nothing can be asked of it.")
    return found["url"], str(found.get("version") or "")


async def _system(tx: Tx, url: str, version: str) -> System:
    if not url:
        raise BadRequest("Say which code system: system=….")
    found = await Context(tx).system(url, version)
    if found is None or found.content == "supplement":
        raise NotFound(f"The code system {url}{'|' + version if version else ''} is not held here.")
    return found


def _given(called: Called) -> dict[str, Json]:
    return {one["url"]: one for one in called.all("tx-resource") if type(one.get("url")) is str}


def _versions(called: Called, name: str) -> dict[str, str]:
    found = {}
    for canonical in called.all(name):
        url, bar, version = canonical.partition("|")
        if not bar or not version:
            raise BadRequest(f"{name} takes system|version, not {canonical[:80]!r}.")
        found[url] = version
    return found


def _asked(called: Called, system: str, version: str) -> list[Asked]:
    """The codings to look at. BadRequest unless exactly one way of naming them was taken."""
    ways = [name for name in ("code", "coding", "codeableConcept") if called.one(name) is not None]
    if len(ways) != 1:
        raise BadRequest("Say what to validate: one of code (with system), coding, codeableConcept.", zh="请给出要校验的代码。")
    if ways == ["code"]:
        return [Asked(system, called.text("code"), version, called.text("display"))]
    if ways == ["coding"]:
        return [_asked_coding(called.one("coding"), "Coding")]
    listed = codings(called.one("codeableConcept"))
    if not listed:
        raise BadRequest("The codeableConcept has no coding.", expression="CodeableConcept.coding")
    return [_asked_coding(one, f"CodeableConcept.coding[{place}]") for place, one in enumerate(listed)]


def _asked_coding(one: Json, place: str) -> Asked:
    if type(one.get("code")) is not str:
        raise BadRequest(f"{place} has no code.", expression=f"{place}.code")
    system, version, display = (str(one.get(key) or "") for key in ("system", "version", "display"))
    return Asked(system, one["code"], version, display, place)


def _coding(one: Json) -> tuple[str, str, str]:
    if type(one.get("system")) is not str or type(one.get("code")) is not str:
        raise BadRequest("A coding needs system and code.", expression="Coding")
    return one["system"], str(one.get("version") or ""), one["code"]


def _strictness(called: Called, request: Request) -> Strictness:
    return Strictness(
        language=languages.wish(called.text("displayLanguage")) if called.one("displayLanguage") else languages.NO_WISH,
        header=languages.wish(request.header("accept-language"), strict=False),
        abstract=called.flag("abstract", True),
        active_only=called.flag("activeOnly"),
        lenient=called.flag("lenient-display-validation"),
        membership_only=called.flag("valueset-membership-only"),
        infer=called.flag("inferSystem"),
        supplements=tuple(called.all("useSupplement")),
    )


def _both(kind: str, levels: tuple[str, ...], name: str, handler: Any, purpose: str) -> tuple[Operation, ...]:
    definition = f"{HL7}{kind}-{name}"
    return tuple(Operation(kind, level, name, handler, False, purpose, definition, ("GET", "POST")) for level in levels)  # type: ignore[arg-type]


EITHER = ("type", "instance")
OPERATIONS = (
    *_both("ValueSet", EITHER, "expand", expand, "The codes of a value set, with their names"),
    *_both("ValueSet", EITHER, "validate-code", validate_in_value_set, "Whether a code belongs to a value set"),
    *_both("CodeSystem", ("type",), "lookup", lookup, "What a code means"),
    *_both("CodeSystem", EITHER, "validate-code", validate_in_code_system, "Whether a code system has a code"),
    *_both("CodeSystem", EITHER, "subsumes", subsumes, "Whether one code is a kind of another"),
    *_both("ConceptMap", EITHER, "translate", translate, "What a code is called in another system"),
)
