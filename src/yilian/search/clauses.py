"""The conditions of a search: what is asked of a resource, understood or refused.

    code, code:not                      of the resource itself
    patient.identifier                  a chain: of what it points to, over as many links as are named
    subject:Patient.name:exact          the same with the type at the other end
    _has:Observation:patient:code       of what points to it
    _list                               of the List that holds it

FHIR R4: http://hl7.org/fhir/R4/search.html#modifiers, #chaining, #has, #lists
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from yilian.errors import BadRequest, NotSupported, Unavailable
from yilian.fhir.definitions import is_resource_type
from yilian.search import escapes
from yilian.search.conditions import Reading
from yilian.search.kinds import kind_of, modifiers_of
from yilian.search.parameters import Parameter, parameters_of, withheld
from yilian.search.unknown import NEVER, no_modifier, no_parameter, refused_by_name

MOST_VALUES = 1000
MOST_LINKS = 8
"""References one condition may lead over, forwards and backwards together."""


class Clause(msgspec.Struct, frozen=True):
    """One condition. All clauses of a query must hold; of the values of one, any.

    modifier  "", "not", "missing", "exact" …; or the type a reference is to
    values    as the parameter's kind reads them; for "missing" one boolean
    chain     what must hold at the other end of the reference; there are no values then, and `modifier` is the type it points to
    reverse   the other end is where the reference stands: `parameter` and `chain` are of the type that points here (`_has`)
    also      further conditions on the same type, none of them negative, any of which will do instead (compartments)
    """

    parameter: Parameter
    modifier: str
    values: tuple[Any, ...]
    chain: Clause | None = None
    reverse: bool = False
    also: tuple[Clause, ...] = ()

    @property
    def is_negative(self) -> bool:
        """Satisfied by what is not there."""
        return self.modifier in ("not", "not-in") or (self.modifier == "missing" and bool(self.values[0]))

    @property
    def subject(self) -> str:
        """The type of the resources it speaks of."""
        return self.modifier if self.reverse else self.parameter.base


def all_values(clauses: Iterable[Clause]) -> Iterator[Any]:
    """The values of all clauses, those at the ends of chains included."""
    for one in clauses:
        end = one
        while end.chain is not None:
            end = end.chain
        yield from end.values


def clause(kind: str, name: str, value: str, reading: Reading, links: int = 0) -> Clause:
    """One condition on resources of type `kind`. Raises BadRequest or NotSupported; the message names what exists."""
    if links > MOST_LINKS:
        raise BadRequest(f"A condition leads over at most {MOST_LINKS} references, …{name[:60]} over more.")
    if name.startswith("_has:"):
        return _pointed_at(kind, name, value, reading, links)
    link, dot, rest = name.partition(".")
    code, _, modifier = link.partition(":")
    if code == "_list" and not dot:
        return _listed(kind, modifier, value, reading)
    parameter = parameter_of(kind, code)
    if not dot:
        return _plain(parameter, modifier, value, reading)
    _check_link(parameter, name)
    target = _chained_type(parameter, modifier, rest)
    return Clause(parameter, target, (), clause(target, rest, value, reading, links + 1))


def _plain(parameter: Parameter, modifier: str, value: str, reading: Reading) -> Clause:
    code, kind = parameter.code, kind_of(parameter)
    if not value:
        raise BadRequest(f"{code} is given without a value.")
    if modifier == "missing":
        if value not in ("true", "false"):
            raise BadRequest(f"{code}:missing is true or false, not {value[:40]!r}.")
        return Clause(parameter, modifier, (value == "true",))
    if (
        modifier
        and modifier not in (known := modifiers_of(parameter))
        and not (parameter.type == "reference" and modifier in parameter.targets)
    ):
        raise no_modifier(parameter, modifier, known)
    if modifier and (why := withheld(parameter, modifier)):
        raise Unavailable(
            f"{code}:{modifier} cannot be asked just now: {why}.", zh=f"检索方式“{code}:{modifier}”的索引正在重建,请稍后再试。"
        )
    texts = escapes.split(value, ",")
    if "" in texts:
        raise BadRequest(f"{code}: there is an empty value between the commas of {value[:80]!r}; a comma that is meant is written \\,.")
    if len(texts) > MOST_VALUES:
        raise BadRequest(f"{code}: at most {MOST_VALUES} values can be asked for at once.")
    return Clause(parameter, modifier, tuple(dict.fromkeys(kind.read(parameter, modifier, text, reading) for text in texts)))


# --- forwards


def _check_link(parameter: Parameter, name: str) -> None:
    if parameter.type != "reference":
        raise BadRequest(f"{name}: {parameter.code} is no reference, so nothing can be asked of what it points to.")
    if "Reference" not in parameter.value_types:
        raise NotSupported(f"{name}: {parameter.base}:{parameter.code} holds canonical addresses, which no chain follows.")


def _chained_type(parameter: Parameter, modifier: str, rest: str) -> str:
    """The type at the other end: named, or the only one that knows what is asked of it."""
    code = rest.partition(".")[0].partition(":")[0]
    if modifier:
        if modifier not in parameter.targets:
            raise BadRequest(f"{parameter.code}:{modifier}.{rest}: {parameter.code} points to {', '.join(parameter.targets[:12])}.")
        return modifier
    if code == "_has":
        pointing = rest.split(":")[1:3]
        knowing = [target for target in parameter.targets if _points_to(pointing, target)]
    else:
        knowing = [target for target in parameter.targets if code in parameters_of(target) or code == "_list"]
    if len(knowing) > 1:
        raise BadRequest(
            f"{parameter.code}.{rest}: several types have {code!r}; name one: "
            + ", ".join(f"{parameter.code}:{target}.{rest}" for target in knowing[:12])
            + "."
        )
    if not knowing:
        if len(parameter.targets) == 1 and code != "_has":
            raise no_parameter(parameter.targets[0], code)
        raise BadRequest(f"{parameter.code}.{rest}: none of {', '.join(parameter.targets[:12])} has a search parameter {code!r}.")
    return knowing[0]


# --- backwards


def _points_to(pointing: list[str], target: str) -> bool:
    if len(pointing) < 2 or not is_resource_type(pointing[0]):
        return False
    parameter = parameters_of(pointing[0]).get(pointing[1])
    return parameter is not None and target in parameter.targets


def _pointed_at(kind: str, name: str, value: str, reading: Reading, links: int) -> Clause:
    """`_has:Observation:patient:code`: some Observation whose `patient` is this one has the code."""
    parts = name.split(":", 3)
    if len(parts) < 4 or not all(parts):
        raise BadRequest(f"{name[:80]}: write _has:Type:reference:parameter=value, as in _has:Observation:patient:code=….")
    source, code, rest = parts[1:]
    if not is_resource_type(source):
        raise BadRequest(f"{name[:80]}: {source[:60]!r} is not a resource type of FHIR R4.")
    if source == "AuditEvent":
        raise NotSupported(f"{name[:80]}: AuditEvents are kept apart from what they tell of; ask for them at /AuditEvent.")
    parameter = parameter_of(source, code)
    _check_link(parameter, name[:80])
    if kind not in parameter.targets:
        raise BadRequest(f"{name[:80]}: {source}:{code} never points to a {kind}, only to {', '.join(parameter.targets[:12])}.")
    return Clause(parameter, kind, (), clause(source, rest, value, reading, links + 1), reverse=True)


def _listed(kind: str, modifier: str, value: str, reading: Reading) -> Clause:
    """`_list=42`: an entry of List/42 points to it. What `$current-…` means is in `lists`."""
    if modifier:
        raise BadRequest(f"_list:{modifier[:40]}: _list takes no modifier.")
    if not value:
        raise BadRequest("_list is given without a value.")
    if value.startswith("$"):
        raise NotSupported(f"_list={value[:40]}: a list with a meaning stands alone and not at the end of a chain.")
    ids = ",".join(text.removeprefix("List/") for text in value.split(","))
    item = parameters_of("List")["item"]
    return Clause(item, kind, (), _plain(parameters_of("List")["_id"], "", ids, reading), reverse=True)


def parameter_of(kind: str, code: str) -> Parameter:
    found = parameters_of(kind).get(code)
    if found is None:
        if code in NEVER:
            raise refused_by_name(code)
        raise no_parameter(kind, code)
    if why := withheld(found):
        raise Unavailable(f"{kind} cannot be searched by {code!r} just now: {why}.", zh=f"检索参数“{code}”的索引正在重建,请稍后再试。")
    return found
