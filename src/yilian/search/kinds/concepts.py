"""`:in`, `:not-in`, `:above`, `:below` for codes: answered from what the terminology of this server has listed beforehand.

    value_set_code   the members of each value set that can be listed;  value_set_state  which those are
    code_ancestor    each code with all above it, itself included, for systems with a hierarchy

A value set that is not known here, or cannot be listed, is refused before the search runs (`needs`, checked by whoever runs it), and a
`:not-in` of a set that is not complete finds nothing, so an answer is never wider than what was asked.
FHIR R4: http://hl7.org/fhir/R4/search.html#modifiers
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yilian.errors import BadRequest, NotSupported
from yilian.search.conditions import Args, Condition
from yilian.search.escapes import plain, split
from yilian.search.parameters import Parameter

TERMINOLOGICAL = ("in", "not-in", "above", "below")
CODED = frozenset({"code", "Coding", "CodeableConcept"})


@dataclass(frozen=True, slots=True)
class ValueSet:
    """A value set by its canonical, without a version."""

    url: str


@dataclass(frozen=True, slots=True)
class Concept:
    """A place in the hierarchy of a code system."""

    system: str
    code: str


def read(parameter: Parameter, modifier: str, text: str) -> ValueSet | Concept:
    name = f"{parameter.code}:{modifier}"
    if modifier in ("in", "not-in"):
        url, bar, version = plain(text).partition("|")
        if bar:
            raise NotSupported(f"{name}: leave |{version[:20]} out; value sets are listed here in the version that is meant without one.")
        if ":" not in url:
            raise NotSupported(
                f"{name}: {text[:80]!r} is no canonical; name the value set by its url, such as http://hl7.org/fhir/ValueSet/…."
            )
        return ValueSet(url)
    found = [plain(part) for part in split(text, "|")]
    if len(found) != 2 or not all(found):
        raise BadRequest(f"{name}: {text[:80]!r} does not say where in which hierarchy; write system|code.")
    return Concept(found[0], found[1])


def conditions(
    parameter: Parameter, modifier: str, values: Sequence[ValueSet | Concept], implied: frozenset[str], args: Args
) -> list[Condition]:
    """`implied`: systems of elements that carry none. `:not-in` is turned round by the caller."""
    sets = [value.url for value in values if isinstance(value, ValueSet)]
    keys = []
    if sets:
        wanted = args.add(sets)
        keys += _hashes(
            parameter, f"select m.system, m.code from value_set_code m where m.value_set = any({wanted}::text[])", implied, args
        )
    for value in values:
        if isinstance(value, Concept):
            system, code = args.add(value.system), args.add(value.code)
            start, end = ("ancestor", "code") if modifier == "below" else ("code", "ancestor")
            keys += _hashes(
                parameter,
                f"select m.system, m.{end} as code from code_ancestor m where m.system = {system} and m.{start} = {code}",
                implied & {value.system},
                args,
            )
    found = [Condition("index_token", column="h", keys=" union ".join(keys))]
    if modifier == "not-in":
        number = args.add(len(sets))
        listed = f"select count(*) from value_set_state s where s.value_set = any({wanted}::text[]) and s.complete"
        found.append(Condition("", f"({listed}) < {number}::bigint"))
    return found


def _hashes(parameter: Parameter, members: str, implied: frozenset[str], args: Args) -> list[str]:
    """Queries for the hashes of these codes; where the element has no system of its own, of the code alone."""
    same = f"select k.h as key from ({members}) v join concept k on k.param = {parameter.id} and k.code = v.code and k.system = "
    return [same + "v.system", *([f"{same}'' and v.system = any({args.add(sorted(implied))}::text[])"] if implied else [])]


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be known here for a search to be answered exactly."""

    value_sets: tuple[str, ...] = ()
    concepts: tuple[tuple[str, str], ...] = ()
    """(system, code): each must stand in `code_ancestor`."""


def needs(values: Sequence[object]) -> Needs:
    """What the values of clauses ask of the terminology."""
    return Needs(
        tuple(dict.fromkeys(value.url for value in values if isinstance(value, ValueSet))),
        tuple(dict.fromkeys((value.system, value.code) for value in values if isinstance(value, Concept))),
    )


__all__ = ["CODED", "TERMINOLOGICAL", "Concept", "Needs", "ValueSet", "conditions", "needs", "read"]
