"""The conditions of a search: what is asked of a resource, understood or refused.

`code`, `code:not`, `patient.identifier`, `subject:Patient.name:exact`. FHIR R4: http://hl7.org/fhir/R4/search.html#modifiers
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yilian.errors import BadRequest, NotSupported
from yilian.search import escapes
from yilian.search.conditions import Reading
from yilian.search.kinds import kind_of
from yilian.search.parameters import COMPUTED, Parameter, parameters_of
from yilian.search.unknown import no_modifier, no_parameter, not_yet

MOST_VALUES = 1000

NOT_YET = {
    "_has": "reverse chaining",
    "_list": "searching within a List",
    "_type": "searching several types at once",
    "_contained": "searching contained resources",
    "_containedType": "searching contained resources",
    "_elements": "shortened resources",
    "_score": "ranking",
    "_query": "named queries",
    "_filter": "filter expressions",
    "_text": "full-text search",
    "_content": "full-text search",
}
"""Parameters of the standard that belong to no type and are not answered here yet."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition. All clauses of a query must hold; of the values of one, any.

    modifier  "", "not", "missing", "exact", "contains", or the type a reference is to
    values    as the parameter's kind reads them; for "missing" one boolean
    chain     what must hold of the resource the reference points to, which is of type `modifier`; there are no values then
    """

    parameter: Parameter
    modifier: str
    values: tuple[Any, ...]
    chain: Clause | None = None

    @property
    def is_negative(self) -> bool:
        """Satisfied by what is not there."""
        return self.modifier == "not" or (self.modifier == "missing" and bool(self.values[0]))


def clause(kind: str, name: str, value: str, reading: Reading) -> Clause:
    """`code`, `code:not`, `patient.identifier`, `subject:Patient.name:exact`."""
    link, dot, rest = name.partition(".")
    code, _, modifier = link.partition(":")
    parameter = parameter_of(kind, code)
    if not dot:
        return _plain(parameter, modifier, value, reading)
    if parameter.type != "reference":
        raise BadRequest(f"{name}: {code} is no reference, so nothing can be asked of what it points to.")
    target = _chained_type(parameter, modifier, rest)
    inner = _clause_of_target(target, rest, value, reading)
    return Clause(parameter, target, (), inner)


def _plain(parameter: Parameter, modifier: str, value: str, reading: Reading) -> Clause:
    code, kind = parameter.code, kind_of(parameter)
    if not value:
        raise BadRequest(f"{code} is given without a value.")
    if modifier == "missing" and code not in COMPUTED:
        if value not in ("true", "false"):
            raise BadRequest(f"{code}:missing is true or false, not {value[:40]!r}.")
        return Clause(parameter, modifier, (value == "true",))
    if modifier and modifier not in kind.MODIFIERS and not (parameter.type == "reference" and modifier in parameter.targets):
        raise no_modifier(parameter, modifier, kind.MODIFIERS)
    texts = escapes.split(value, ",")
    if "" in texts:
        raise BadRequest(f"{code}: there is an empty value between the commas of {value[:80]!r}; a comma that is meant is written \\,.")
    if len(texts) > MOST_VALUES:
        raise BadRequest(f"{code}: at most {MOST_VALUES} values can be asked for at once.")
    return Clause(parameter, modifier, tuple(dict.fromkeys(kind.read(parameter, modifier, text, reading) for text in texts)))


def _chained_type(parameter: Parameter, modifier: str, rest: str) -> str:
    """The type at the other end: named, or the only one that knows what is asked of it."""
    code = rest.partition(".")[0].partition(":")[0]
    if modifier:
        if modifier not in parameter.targets:
            raise BadRequest(f"{parameter.code}:{modifier}.{rest}: {parameter.code} points to {', '.join(parameter.targets[:12])}.")
        return modifier
    knowing = [target for target in parameter.targets if code in parameters_of(target)]
    if len(knowing) > 1:
        raise BadRequest(
            f"{parameter.code}.{rest}: several types have {code!r}; name one: "
            + ", ".join(f"{parameter.code}:{target}.{rest}" for target in knowing[:12])
            + "."
        )
    if not knowing:
        if len(parameter.targets) == 1:
            raise no_parameter(parameter.targets[0], code)
        raise BadRequest(f"{parameter.code}.{rest}: none of {', '.join(parameter.targets[:12])} has a search parameter {code!r}.")
    return knowing[0]


def _clause_of_target(target: str, name: str, value: str, reading: Reading) -> Clause:
    if "." in name:
        raise NotSupported(f"{name}: chains over more than one reference are not supported yet.")
    code, _, modifier = name.partition(":")
    return _plain(parameter_of(target, code), modifier, value, reading)


def parameter_of(kind: str, code: str) -> Parameter:
    found = parameters_of(kind).get(code)
    if found is None:
        if code in NOT_YET:
            raise not_yet(code, NOT_YET[code])
        raise no_parameter(kind, code)
    return found
