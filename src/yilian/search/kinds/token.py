"""token: codes, identifiers, telephone numbers, yes and no: `system|code`, `code`, `|code`, `system|`, and `:not`.

`:text` is in `wording`, `:in`, `:not-in`, `:above` and `:below` in `concepts`. `:of-type` asks for an identifier by the coding of its type.

Codes are hashed with their system and looked up as one number. Identifiers and contact points are too many for that and are kept as they
are, or where the database is sealed as blind indexes (`yilian.sealing`). A code-typed element has no system of its own but the one of its
value set: it is indexed without, and a question may name that system. Codes are compared as written, case included; telephone numbers
without their spaces and dashes, mail addresses without case.
FHIR R4: http://hl7.org/fhir/R4/search.html#token
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from yilian.errors import BadRequest
from yilian.fhir.definitions import required_codings
from yilian.fhir.fhirpath import Branch
from yilian.sealing.keyring import blinds, refuse_order
from yilian.search.conditions import Args, Condition, Reading, either
from yilian.search.escapes import plain, split
from yilian.search.folding import bounded
from yilian.search.kinds import codings, concepts, wording
from yilian.search.kinds.concepts import Concept, ValueSet
from yilian.search.kinds.wording import Words
from yilian.search.parameters import Parameter
from yilian.search.rows import IndexRows, token_hash

MODIFIERS = ("not", "text", "in", "not-in", "above", "below", "of-type")
BOOLEANS = frozenset({"http://hl7.org/fhir/special-values", "http://terminology.hl7.org/CodeSystem/special-values"})
_WITH_SYSTEM = frozenset({"Coding", "CodeableConcept", "Identifier", "ContactPoint"})


@dataclass(frozen=True, slots=True)
class Token:
    """system None: any, "": has none. code None: any."""

    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class OfType:
    """An identifier whose type has this coding."""

    system: str
    code: str
    value: str


Value = Token | OfType | Words | ValueSet | Concept


# --- values


@cache
def modifiers(parameter: Parameter) -> tuple[str, ...]:
    """Those that mean something for what the parameter looks at."""
    types = parameter.value_types
    return (
        "not",
        *(("text",) if types & wording.WORDED else ()),
        *(concepts.TERMINOLOGICAL if types & concepts.CODED else ()),
        *(("of-type",) if "Identifier" in types else ()),
    )


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Value:
    if modifier in ("", "not"):
        return token(parameter.code, text)
    if modifier == "text":
        return wording.read(parameter, text)
    if modifier != "of-type":
        return concepts.read(parameter, modifier, text)
    found = [plain(part) for part in split(text, "|")]
    if len(found) != 3 or not all(found):
        raise BadRequest(f"{parameter.code}:of-type: {text[:80]!r} is not system|code|value: the coding of the type, then the identifier.")
    return OfType(*found)


def token(name: str, text: str) -> Token:
    """`system|code`, `code`, `|code`, `system|`, still escaped. Raises BadRequest, naming the parameter."""
    found = [plain(part) for part in split(text, "|")]
    if len(found) > 2:
        raise BadRequest(
            f"{name}: {text[:80]!r} is not a token; write code, system|code, |code or system| (and \\| for a bar that is meant)."
        )
    system, code = (None, found[0]) if len(found) == 1 else (found[0], found[1] or None)
    if not system and code is None:
        raise BadRequest(f"{name}: {text[:80]!r} names neither a system nor a code.")
    return Token(system, code)


# --- rows


def leaf(parameters: Sequence[Parameter], branch: Branch) -> Callable[[Any, IndexRows], None]:
    ids = [p.id for p in parameters]
    if branch.type == "CodeableConcept":
        return codings.concept_taker(ids, wording.group(parameters, branch))
    if branch.type == "Coding":
        return codings.coding_taker(ids, wording.group(parameters, branch))
    take_code = coded(parameters, branch)
    if branch.type != "Identifier":
        return take_code
    group = wording.group(parameters, branch)

    def take(value: Any, rows: IndexRows) -> None:
        take_code(value, rows)
        of = value.get("type") if type(value) is dict else None
        if group is not None and type(of) is dict and (folded := codings.words(of.get("text"))):
            rows.tokens.append((*group, folded))

    return take


def coded(parameters: Sequence[Parameter], branch: Branch) -> Callable[[Any, IndexRows], None]:
    """The codes alone, without the words beside them."""
    ids = [p.id for p in parameters]
    kind = branch.type
    if kind == "CodeableConcept":
        return codings.concept_taker(ids, None)
    if kind == "Coding":
        return codings.coding_taker(ids, None)
    if kind == "boolean":
        return lambda value, rows: _code("true" if value is True else "false" if value is False else None, ids, rows)
    if kind in ("Identifier", "ContactPoint"):
        normal = _contact if kind == "ContactPoint" else bounded
        exact = [p.id for p in parameters if p.is_identifying]
        hashed = [p.id for p in parameters if not p.is_identifying]
        return lambda value, rows: _identifier(value, exact, hashed, rows, normal)
    return lambda value, rows: _code(value, ids, rows)


def _code(value: Any, ids: list[int], rows: IndexRows) -> None:
    if type(value) is str and value and "\0" not in value:
        code = bounded(value)
        for param in ids:
            rows.tokens.append((param, "", code))


def _identifier(value: Any, exact: list[int], hashed: list[int], rows: IndexRows, normal: Callable[[str], str]) -> None:
    if type(value) is not dict:
        return
    text, system = value.get("value"), value.get("system")
    if type(text) is not str or not text or "\0" in text:
        return
    text, system = normal(text), bounded(system) if type(system) is str and system else None
    for param in exact:
        rows.identifiers.append((param, system, text))
    for param in hashed:
        rows.tokens.append((param, system or "", text))
    types = of.get("coding") if type(of := value.get("type")) is dict else None
    if type(types) is list:
        for coding in types:
            code, kind = (coding.get("code"), coding.get("system")) if type(coding) is dict else (None, None)
            if type(code) is str and type(kind) is str and code and kind and "\0" not in code and "\0" not in kind:
                rows.identifiers += [(-param, bounded(kind), of_type(code, text)) for param in (*exact, *hashed)]


def of_type(code: str, value: str) -> str:
    """What stands in index_identifier, under the negative number of the parameter and the system of the type."""
    return bounded(code.replace("\\", "\\\\").replace("|", "\\|") + "|" + value)


_phone_signs = re.compile(r"[\s().\-]+")


def _contact(text: str) -> str:
    """ "+86 138-0013 8000" → "13800138000", "An@Example.CN" → "an@example.cn"."""
    if "@" in text:
        return bounded(text.strip().casefold())
    bare = _phone_signs.sub("", text)
    if not bare.lstrip("+").isdecimal():
        return bounded(text)
    return bounded(bare.removeprefix("+86").removeprefix("0086"))


def normal_of(parameter: Parameter) -> Callable[[str], str]:
    """How values are written in index_identifier: contact points without their signs, identifiers as they are."""
    return _contact if "ContactPoint" in parameter.value_types else bounded


# --- conditions


@cache
def implied_systems(parameter: Parameter) -> frozenset[str]:
    """The systems a question may name for elements that carry none: those of their required value sets, and special-values for booleans."""
    found: set[str] = set()
    for branch in parameter.branches:
        if branch.type == "code" and branch.element and branch.element.binding:
            found |= {system for system, _ in required_codings(branch.element.binding[1]) or ()}
    return frozenset(found) | (BOOLEANS if "boolean" in parameter.value_types else frozenset())


def conditions(parameter: Parameter, modifier: str, values: Sequence[Any], args: Args) -> list[Condition]:
    """`:not` and `:not-in` are turned round by the caller."""
    if modifier == "text":
        return wording.conditions(parameter, values, args)
    if modifier == "of-type":
        return [_of_type(parameter, values, args)]
    if modifier in concepts.TERMINOLOGICAL:
        return concepts.conditions(parameter, modifier, values, implied_systems(parameter), args)
    if parameter.is_identifying:
        return [identifying(parameter, values, args, normal_of(parameter))]
    known: list[int] = []  # hashes
    unknown: list[str] = []  # queries for hashes
    for value in values:
        if value.code is None:
            own = f"system = {args.add(bounded(value.system or ''))}"
            of = f"({own} or system = '')" if value.system in implied_systems(parameter) else own
            unknown.append(f"select h as key from concept where param = {parameter.id} and {of} and code <> ''")
        elif value.system is None and parameter.value_types & _WITH_SYSTEM:
            unknown.append(f"select h as key from concept where param = {parameter.id} and code = {args.add(bounded(value.code))}")
        else:
            known += _hashes(parameter, value.system or "", bounded(value.code))
    if len(known) == 1 and not unknown:
        return [Condition("index_token", column="h", value=args.add(known[0]), once=True)]
    if known:
        unknown.append(f"select unnest({args.add(known)}::bigint[]) as key")
    return [Condition("index_token", column="h", keys=" union ".join(unknown))]


def _hashes(parameter: Parameter, system: str, code: str) -> list[int]:
    own = token_hash(parameter.id, bounded(system), code)
    return [own, token_hash(parameter.id, "", code)] if system in implied_systems(parameter) else [own]


def identifying(parameter: Parameter, values: Sequence[Token], args: Args, normal: Callable[[str], str]) -> Condition:
    """On identifiers and contact points, kept as they are; `normal` is how their values are written there."""
    found = []
    for value in values:
        parts = []
        if value.code is not None:
            parts.append(_is_one_of("@.value", parameter.id, normal(value.code), args))
        if value.system == "":
            parts.append("@.system is null")
        elif value.system is not None:
            parts.append(f"@.system = (select id from namespace where uri = {args.add(bounded(value.system))})")
        found.append("(" + " and ".join(parts) + ")" if len(values) > 1 else " and ".join(parts))
    return Condition("index_identifier", f"@.param = {parameter.id} and {either(found)}")


def _is_one_of(column: str, param: int, value: str, args: Args) -> str:
    """The value stands there, by whichever of the keys it may be blinded with now: one, but for the time of a rotation."""
    found = blinds(param, value)
    return f"{column} = {args.add(found[0])}" if len(found) == 1 else f"{column} = any({args.add(found)}::text[])"


def _of_type(parameter: Parameter, values: Sequence[OfType], args: Args) -> Condition:
    found = [
        f"({_is_one_of('@.value', -parameter.id, of_type(value.code, value.value), args)}"
        f" and @.system = (select id from namespace where uri = {args.add(bounded(value.system))}))"
        for value in values
    ]
    return Condition("index_identifier", f"@.param = {-parameter.id} and {either(found)}")


def present(parameter: Parameter) -> list[Condition]:
    if parameter.is_identifying:
        return [Condition("index_identifier", f"@.param = {parameter.id}")]
    return [Condition("index_token", f"(select k.param from concept k where k.h = @.h) = {parameter.id}")]


def order(parameter: Parameter, rid: str, descending: bool) -> tuple[str, str]:
    """By the code (or the identifier's value) as text. Raises NotSupported where such values are sealed."""
    pick = "max" if descending else "min"
    if parameter.is_identifying:
        refuse_order(parameter.code)
        return f"coalesce((select {pick}(x.value) from index_identifier x where x.rid = {rid} and x.param = {parameter.id}), '')", "text"
    codes = f"select {pick}(k.code) from index_token x join concept k on k.h = x.h where x.rid = {rid} and k.param = {parameter.id}"
    return f"coalesce(({codes}), '')", "text"
