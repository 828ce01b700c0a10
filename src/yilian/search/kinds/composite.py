"""composite: several values of one element at once: `component-code-value-quantity=http://loinc.org|8480-6$gt140`.

Each part is read and compared as the parameter it names, so prefixes stand inside the parts and modifiers nowhere. Where the element is the
resource itself (`code-value-quantity`) there is nothing to mix up: the parts are conditions on the rows their own parameters have, and
nothing more is written. Elements that come several times have rows of their own:

    index_quantity  code and amount of an Observation.component or a useContext, under the number of the composite
    index_pair      the hash of the first part beside that of the second, or beside one or two numbers

Composites that look at the same element by the same parts share its rows (`combo-code-value-quantity` with
`component-code-value-quantity`), under the lowest of their numbers.
FHIR R4: http://hl7.org/fhir/R4/search.html#combining, #composite
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from msgspec import structs

from yilian.errors import BadRequest
from yilian.fhir.fhirpath import Branch, Step, branches
from yilian.search.conditions import Args, Condition, Reading
from yilian.search.escapes import split
from yilian.search.folding import bounded
from yilian.search.kinds import date, number, quantity, reference, string, token, uri
from yilian.search.parameters import Parameter, indexed_parameters_of, when_redefined
from yilian.search.rows import IndexRows, Pair, token_hash

MODIFIERS: tuple[str, ...] = ()
MOST_VALUES = 50
"""Alternatives of one composite: each is a condition of its own."""

_KINDS: dict[str, Any] = {
    "date": date, "number": number, "quantity": quantity, "reference": reference, "string": string, "token": token, "uri": uri,
}  # fmt: skip

_TURNED_ROUND = "http://hl7.org/fhir/SearchParameter/DocumentReference-relationship"
"""HL7 names its parts relatesto and relation, but says where they are in the other order; that order is the one of its description."""


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """One place a composite looks at.

    steps  the way to it; () is the resource itself
    parts  the parameters of the parts; below the root with the numbers their tokens have in the rows of this element
    group  the number its rows stand under
    """

    steps: tuple[Step, ...]
    parts: tuple[Parameter, ...]
    group: int

    @property
    def measures(self) -> bool:
        """Whether its rows stand in index_quantity."""
        return self.parts[1].type == "quantity"


# --- what it looks at


@cache
def parts_of(parameter: Parameter) -> tuple[Parameter, ...]:
    """The parameters of its parts, in the order values are written."""
    by_url = {p.url: p for p in indexed_parameters_of(parameter.base).values()}
    found = tuple(by_url[url] for url, _ in parameter.components)
    return found[::-1] if parameter.url == _TURNED_ROUND else found


@cache
def elements(parameter: Parameter) -> tuple[Element, ...]:
    """The places it looks at, the resource itself first."""
    return tuple(replace(one, group=_group(parameter.base, one)) if one.steps else one for one in _elements(parameter))


@cache
def _elements(parameter: Parameter) -> tuple[Element, ...]:
    compiled = branches(parameter.expression, parameter.base)
    assert isinstance(compiled, tuple)
    ways = [branch.steps for branch in compiled]
    return tuple(Element(steps, tuple(_part(p, steps, ways) for p in parts_of(parameter)), parameter.id) for steps in sorted(ways, key=len))


def _part(parameter: Parameter, steps: tuple[Step, ...], ways: Sequence[tuple[Step, ...]]) -> Parameter:
    """The parameter as it looks at this element alone: at what lies below it and not below an element further down."""
    deeper = [way for way in ways if len(way) > len(steps)]
    own = tuple(b for b in parameter.branches if b.steps[: len(steps)] == steps and not any(b.steps[: len(way)] == way for way in deeper))
    if steps and own:
        return replace(parameter, branches=tuple(replace(b, steps=b.steps[len(steps) :]) for b in own))
    if not steps and len(own) < len(parameter.branches):  # combo-code as it looks at the resource itself is code
        return next(p for p in indexed_parameters_of(parameter.base).values() if p.type == parameter.type and set(p.branches) == set(own))
    return parameter  # of the whole resource: %resource.referenceSeq.chromosome


def _group(base: str, element: Element) -> int:
    """The lowest number among the composites that look at this element by the same parts."""
    return min(
        other.group
        for p in indexed_parameters_of(base).values()
        if p.type == "composite"
        for other in _elements(p)
        if (other.steps, [part.branches for part in other.parts]) == (element.steps, [part.branches for part in element.parts])
    )


@cache
def numbered(element: Element) -> tuple[Parameter, ...]:
    """Its parts with the numbers they have in its rows: that of the group, and its negative for tokens of the second."""
    own = element.group
    return tuple(replace(part, id=-own if place and part.type == "token" else own) for place, part in enumerate(element.parts))


for remembered in (parts_of, elements, _elements, numbered):
    when_redefined(remembered.cache_clear)


# --- values


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> tuple[Any, ...]:
    """One value for each part."""
    parts = parts_of(parameter)
    found = split(text, "$")
    if len(found) != len(parts) or not all(found):
        raise BadRequest(
            f"{parameter.code}: {text[:80]!r} is not {'$'.join(part.code for part in parts)} (and \\$ for a dollar that is meant)."
        )
    return tuple(_KINDS[part.type].read(part, "", one, reading) for part, one in zip(parts, found, strict=True))


# --- rows


def takers(kind: str) -> list[tuple[Element, Callable[[Any, IndexRows], None]]]:
    """For each repeating element of a type that some composite looks at: what takes up one of them."""
    groups: dict[int, Element] = {}
    for parameter in indexed_parameters_of(kind).values():
        if parameter.type == "composite":
            groups.update((element.group, element) for element in elements(parameter) if element.steps)
    return [(element, _rows_of(element)) for element in groups.values()]


def _rows_of(element: Element) -> Callable[[Any, IndexRows], None]:
    first, *others = numbered(element)
    of_whole = [not _lies_below(element, part) for part in element.parts]
    read_first, read_others = _reader(first, of_whole[0]), [_reader(part, whole) for part, whole in zip(others, of_whole[1:], strict=True)]

    def take(value: Any, rows: IndexRows) -> None:
        if type(value) is not dict:
            return
        beside = IndexRows(base=rows.base)
        for read_other in read_others:
            read_other(value, rows.resource, beside)
        if not (beside.quantities or beside.tokens or beside.references or beside.numbers or beside.uris):
            return
        heads = IndexRows()
        read_first(value, rows.resource, heads)
        tokens = [token for token in dict.fromkeys(heads.tokens) if token[2]]
        if element.measures:
            found = [(nth, head, measure) for nth, head in enumerate(tokens) for measure in beside.quantities]
            rows.measured = [*rows.measured, *found]
        else:
            seconds: list[Pair] = []
            for head in tokens:
                seconds += [(head, other, None, None) for other in beside.tokens if other[2]]
                seconds += [(head, (kind, id_), None, None) for _, kind, id_ in beside.references]
                seconds += [(head, (-element.group, "", text), None, None) for _, text in beside.uris if text]
                if len(others) > 1 and len(beside.numbers) == len(others):
                    seconds.append((head, None, beside.numbers[0][1], beside.numbers[1][1]))
            rows.pairs = [*rows.pairs, *seconds]

    return take


def _lies_below(element: Element, part: Parameter) -> bool:
    """Whether the part is found in the element, and not in the resource around it."""
    return not any(part is whole for whole in indexed_parameters_of(part.base).values())


def _reader(part: Parameter, of_whole: bool) -> Callable[[Any, Any, IndexRows], None]:
    maker = token.coded if part.type == "token" else _KINDS[part.type].leaf
    ways: list[tuple[Branch, Callable[[Any, IndexRows], None]]] = [(branch, maker([part], branch)) for branch in part.branches]

    def of(value: Any, resource: Any, rows: IndexRows) -> None:
        for branch, take in ways:
            for found in branch.values(resource if of_whole else value):
                take(found, rows)

    return of


# --- conditions


def conditions(parameter: Parameter, modifier: str, values: Sequence[tuple[Any, ...]], args: Args) -> list[Condition]:
    if len(values) > MOST_VALUES:
        raise BadRequest(f"{parameter.code}: at most {MOST_VALUES} values can be asked for at once.")
    return [
        _at_root(element, value, args) if not element.steps else _at_element(element, value, args)
        for value in values
        for element in elements(parameter)
    ]


def _at_root(element: Element, value: tuple[Any, ...], args: Args) -> Condition:
    """Both parts on the rows they have anyway. A code with an amount is one row of index_quantity."""
    first, second = element.parts
    (head,) = token.conditions(first, "", [value[0]], args)
    (tail,) = _KINDS[second.type].conditions(second, "", [value[1]], args)
    if tail.coded and first.is_clinical_code:
        once = tail.once and bool(head.value)
        return Condition("index_quantity", tail.coded, "code", head.value, head.keys, once, tail.coded, tail.natural)
    return Condition(tail.table, f"{tail.on('@')} and (select true from index_token z where z.rid = @.rid and {head.on('z')} limit 1)")


def _at_element(element: Element, value: tuple[Any, ...], args: Args) -> Condition:
    first, second, *more = numbered(element)
    (head,) = token.conditions(first, "", [value[0]], args)
    if element.measures:
        (tail,) = quantity.conditions(second, "", [value[1]], args)
        return Condition("index_quantity", tail.coded, "code", value=head.value, keys=head.keys)
    if more:
        met = [number.compared(one, args).replace("@.value", f"@.{name}") for one, name in zip(value[1:], ("low", "high"), strict=True)]
        return Condition("index_pair", " and ".join(met), "h", value=head.value, keys=head.keys)
    if second.type == "reference":
        kind, key = value[1]
        if not kind and ":" in key:
            other = f"@.other = {args.add(token_hash(-element.group, '', bounded(key)))}"
        else:
            other = f"@.other = any(array({' union '.join(reference.keys_of(second, [(kind, key)], args))}))"
        return Condition("index_pair", other, "h", value=head.value, keys=head.keys)
    (tail,) = token.conditions(second, "", [value[1]], args)
    return Condition("index_pair", structs.replace(tail, column="other").on("@"), "h", value=head.value, keys=head.keys)


def present(parameter: Parameter) -> list[Condition]:
    """Where some element has all parts."""
    found = []
    for element in elements(parameter):
        if element.steps:
            table, column = ("index_quantity", "code") if element.measures else ("index_pair", "h")
            of_group = (
                f"@.param = {element.group}"
                if element.measures
                else f"(select k.param from concept k where k.h = @.{column}) = {element.group}"
            )
            found.append(Condition(table, of_group))
        else:
            first, second = element.parts
            for tail in _KINDS[second.type].present(second):
                (head,) = token.present(first)
                there = f"(select true from index_token z where z.rid = @.rid and {head.where.replace('@', 'z')} limit 1)"
                found.append(Condition(tail.table, f"{tail.where} and {there}"))
    return found
