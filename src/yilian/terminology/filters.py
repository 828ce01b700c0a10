"""One filter of a value set as a condition in SQL on a row `c` of code_system_concept.

FHIR R4: http://hl7.org/fhir/R4/valueset.html#compositions, http://hl7.org/fhir/R4/valueset-filter-operator.html
"""

from __future__ import annotations

import re
from typing import Any

from yilian.errors import InvalidResource
from yilian.search.conditions import Args
from yilian.terminology.concepts import BUILT_IN
from yilian.terminology.context import System
from yilian.terminology.trouble import issue

COLUMNS = {"code": "c.code", "concept": "c.code", "display": "coalesce(c.display, '')"}
LONGEST_PATTERN = 1000


def condition(filter_: Any, system: System, args: Args, place: str) -> str:
    """The condition; `place` is where the filter stands, for issues. InvalidResource for a filter that cannot be carried out."""
    if type(filter_) is not dict or type(filter_.get("property")) is not str or type(filter_.get("op")) is not str:
        raise _wrong(f"A filter on {system.url} needs property, op and value.", place)
    name, op, value = filter_["property"], filter_["op"], filter_.get("value")
    if type(value) is not str or not value:
        raise _wrong(f"The filter on {system.url} with property = {name}, op = {op} has no value.", place)
    if op in ("is-a", "descendent-of", "is-not-a", "generalizes"):
        if name not in ("code", "concept"):
            raise _wrong(f"op = {op} is about the concept itself; {name} is another property.", place)
        return _by_hierarchy(op, value, system, args)
    if not _is_known(name, system):
        raise _wrong(f"{name!r} is no property of {system.url}; it declares {', '.join(sorted(_declared(system))) or 'none'}.", place)
    if op == "exists":
        if value not in ("true", "false"):
            raise _wrong(f"exists takes true or false, not {value!r}.", place)
        return ("" if value == "true" else "not ") + _exists(name, system, args)
    if op == "=":
        return _compared(name, f"= {args.add(value)}", system, args)
    if op in ("in", "not-in"):
        listed = [part.strip() for part in value.split(",")]
        return ("not " if op == "not-in" else "") + _compared(name, f"= any({args.add(listed)}::text[])", system, args)
    if op == "regex":
        return _compared(name, f"~ {args.add(_pattern(value, place))}", system, args)
    raise _wrong(f"op = {op} is not one of R4's: =, is-a, descendent-of, is-not-a, regex, in, not-in, generalizes, exists.", place)


def _by_hierarchy(op: str, code: str, system: System, args: Args) -> str:
    root = args.add(code)
    if op == "generalizes":
        return f"c.code in ({ancestors(system, root, args)})"
    below = f"c.code in ({descendants(system, root, args)})"
    if op == "is-a":
        return below
    return f"({below} and c.code <> {root})" if op == "descendent-of" else f"not {below}"


def descendants(system: System, root: str, args: Args) -> str:
    """SQL for the codes below `root` (SQL for a code) and that code itself."""
    if system.answers:
        return f"select a.code from code_ancestor a where a.system = {args.add(system.url)} and a.ancestor = {root}"
    return (
        f"with recursive below (code) as (select k.code from code_system_concept k where k.cs = {system.cs} and k.code = {root}"
        f" union select p.code from below b join code_system_parent p on p.cs = {system.cs} and p.parent = b.code)"
        " select b.code from below b"
    )


def ancestors(system: System, leaf: str, args: Args) -> str:
    """SQL for the codes above `leaf` and that code itself."""
    if system.answers:
        return f"select a.ancestor from code_ancestor a where a.system = {args.add(system.url)} and a.code = {leaf}"
    return (
        f"with recursive above (code) as (select k.code from code_system_concept k where k.cs = {system.cs} and k.code = {leaf}"
        f" union select p.parent from above u join code_system_parent p on p.cs = {system.cs} and p.code = u.code)"
        " select u.code from above u"
    )


def _compared(name: str, test: str, system: System, args: Args) -> str:
    if name in COLUMNS:
        return f"{COLUMNS[name]} {test}"
    if name == "parent":
        return f"exists (select from code_system_parent p where p.cs = {system.cs} and p.code = c.code and p.parent {test})"
    if name == "child":
        return f"exists (select from code_system_parent p where p.cs = {system.cs} and p.parent = c.code and p.code {test})"
    if name == "inactive":
        return f"c.inactive::text {test}"
    property_ = args.add(name)
    return (
        f"exists (select from code_system_property p where p.cs = {system.cs} and p.property = {property_} and p.code = c.code"
        f" and p.value {test})"
    )


def _exists(name: str, system: System, args: Args) -> str:
    if name in COLUMNS:
        return "(c.display is not null)" if name == "display" else "true"
    if name in ("parent", "child"):
        mine, other = ("code", "parent") if name == "parent" else ("parent", "code")
        return f"exists (select from code_system_parent p where p.cs = {system.cs} and p.{mine} = c.code and p.{other} is not null)"
    return f"exists (select from code_system_property p where p.cs = {system.cs} and p.property = {args.add(name)} and p.code = c.code)"


def _pattern(text: str, place: str) -> str:
    """The whole value must match. A pattern PostgreSQL would read otherwise than the author meant it is refused."""
    if len(text) > LONGEST_PATTERN:
        raise _wrong(f"The pattern is longer than {LONGEST_PATTERN} characters.", place)
    try:
        re.compile(text)
    except re.error as error:
        raise _wrong(f"The pattern {text[:80]!r} cannot be read: {error}.", place) from None
    if "(?" in text or re.search(r"\\[1-9]", text):
        raise _wrong("Patterns with (?…) or references back to a group are not carried out here.", place)
    return f"^(?:{text})$"


def _declared(system: System) -> set[str]:
    names = {one.get("code") for key in ("property", "filter") for one in system.head.get(key) or ()}
    return {name for name in names if type(name) is str}


def _is_known(name: str, system: System) -> bool:
    return name in BUILT_IN or name in _declared(system)


def _wrong(text: str, place: str) -> InvalidResource:
    return InvalidResource(text, issues=[issue("invalid", "vs-invalid", text, expression=place)])
