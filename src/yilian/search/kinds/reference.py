"""reference: `Patient/1`, `1`, an absolute address here or elsewhere, a canonical; `:Patient` says the type.

`:below` and `:above` follow a hierarchy within one type: `location:below=Location/hospital` finds what points to the hospital, to what is
part of it, and so on down; `:above` goes up. It is there for every type whose `partof` or `part-of` points to its own type.
`:identifier` asks for the identifier a Reference names its target by (`Reference.identifier`), whether or not that target is here.
Canonicals have `:above` and `:below` of their own, as in `uri`.

References to resources of this server are kept by key; what lies elsewhere (absolute URLs, `urn:`, canonicals) is compared as text in
index_uri. The patient of a clinical resource stands in index_clinical and nowhere else.
FHIR R4: http://hl7.org/fhir/R4/search.html#reference
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from yilian.errors import BadRequest
from yilian.fhir.definitions import is_resource_type, type_id
from yilian.fhir.fhirpath import Branch
from yilian.fhir.references import Elsewhere, Local, Malformed, Urn, parse
from yilian.search.conditions import Args, Condition, Reading
from yilian.search.escapes import plain
from yilian.search.folding import bounded
from yilian.search.kinds import uri
from yilian.search.kinds.token import Token, identifying, token
from yilian.search.parameters import Parameter, parameters_of, when_redefined
from yilian.search.rows import IndexRows

MODIFIERS = ("identifier", "above", "below")
"""The types it may point to are modifiers too: `subject:Patient`."""

Target = tuple[str, str]
"""(type, id) here; type "" where the question did not say. ("", "…:…") with a colon is the text of something elsewhere."""

_id = re.compile(r"[A-Za-z0-9.\-]{1,64}", re.ASCII)


# --- values


def modifiers(parameter: Parameter) -> tuple[str, ...]:
    """Those that mean something for what the parameter looks at."""
    return (
        *(("identifier",) if "Reference" in parameter.value_types else ()),
        *(("above", "below") if {"canonical", "uri"} & parameter.value_types or hierarchies(parameter) else ()),
    )


def part_of(kind: str) -> Parameter | None:
    """The parameter by which a resource of this type is part of another of the same type; None where there is none."""
    for code in ("partof", "part-of"):
        found = parameters_of(kind).get(code)
        if found is not None and found.type == "reference" and found.value_types == {"Reference"} and kind in found.targets:
            return found
    return None


def hierarchies(parameter: Parameter) -> tuple[str, ...]:
    """The types it may point to that are parts of each other, so that `:above` and `:below` follow them; none for addresses."""
    return _hierarchies(parameter) if parameter.value_types == {"Reference"} else ()


@cache
def _hierarchies(parameter: Parameter) -> tuple[str, ...]:
    return tuple(kind for kind in parameter.targets if part_of(kind) is not None)


when_redefined(_hierarchies.cache_clear)


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Target | Token | str:
    """`modifier` is a resource type, one of `MODIFIERS`, or ""."""
    if modifier == "identifier":
        return token(f"{parameter.code}:identifier", text)
    if modifier in ("above", "below"):
        known = hierarchies(parameter)
        return _of_a_hierarchy(parameter, modifier, text, known, reading) if known else uri.read(parameter, modifier, text, reading)
    return _target(parameter, modifier, plain(text), reading)


def _target(parameter: Parameter, modifier: str, text: str, reading: Reading) -> Target:
    if _id.fullmatch(text):
        only = modifier or (parameter.targets[0] if len(parameter.targets) == 1 else "")
        return only, text
    found = parse(text, reading.base)
    if isinstance(found, Local):
        if found.version:
            raise BadRequest(
                f"{parameter.code}: leave {f'/_history/{found.version}'!r} out; references are found by what they point to, in any version."
            )
        if modifier and found.type != modifier:
            raise BadRequest(f"{parameter.code}:{modifier}: {text[:80]!r} is no {modifier}.")
        if found.type not in parameter.targets:
            raise BadRequest(f"{parameter.code}: it never points to a {found.type}, only to {_listed(parameter.targets)}.")
        return found.type, found.id
    if isinstance(found, Urn | Elsewhere) or (isinstance(found, Malformed) and "|" in text and "://" in text):
        return "", text
    raise BadRequest(f"{parameter.code}: {text[:80]!r} is no reference; write Type/id, id, or an absolute address.")


def _of_a_hierarchy(parameter: Parameter, modifier: str, text: str, known: tuple[str, ...], reading: Reading) -> Target:
    """The type is always known: it is named, or there is only one that has parts."""
    name, text = f"{parameter.code}:{modifier}", plain(text)
    kind, key = _target(parameter, known[0] if len(known) == 1 and _id.fullmatch(text) else "", text, reading)
    if not kind and ":" not in key:
        raise BadRequest(f"{name}: name the type of {key!r}: {', '.join(f'{one}/{key}' for one in known[:12])}.")
    if kind not in known:
        have = f"only {_listed(known)} {'has' if len(known) == 1 else 'have'} parts of the same type"
        raise BadRequest(f"{name}: {text[:80]!r} is in no hierarchy kept here; {have}.")
    return kind, key


# --- rows


def leaf(parameters: Sequence[Parameter], branch: Branch) -> Callable[[Any, IndexRows], None]:
    ids = [p.id for p in parameters]
    if branch.type != "Reference":
        return uri.leaf(parameters, branch)
    return lambda value, rows: _reference(value, ids, rows)


def _reference(value: Any, ids: list[int], rows: IndexRows) -> None:
    if type(value) is not dict:
        return
    text = value.get("reference")
    if "identifier" in value:
        _identified(value["identifier"], ids, rows)
    if type(text) is not str:
        if "identifier" in value or "display" in value:
            for param in ids:
                rows.uris.append((param, ""))
        return
    kind, slash, key = text.partition("/")
    if not (slash and is_resource_type(kind) and _id.fullmatch(key)):
        found = parse(text, rows.base)
        if not isinstance(found, Local):
            if isinstance(found, Urn | Elsewhere) and "\0" not in text:
                uri.add(text, ids, rows, versioned=False)
            return
        kind, key = found.type, found.id
    for param in ids:
        rows.references.append((param, kind, key))


def _identified(value: Any, ids: list[int], rows: IndexRows) -> None:
    text, system = (value.get("value"), value.get("system")) if type(value) is dict else (None, None)
    if type(text) is str and text and "\0" not in text:
        named = bounded(system) if type(system) is str and system else None
        rows.identifiers += [(param, named, bounded(text)) for param in ids]


# --- conditions


def conditions(parameter: Parameter, modifier: str, values: Sequence[Any], args: Args) -> list[Condition]:
    if modifier == "identifier":
        return [identifying(parameter, values, args, bounded)]
    if modifier in ("above", "below"):
        return uri.conditions(parameter, modifier, values, args)
    found = []
    texts = [key for kind, key in values if not kind and ":" in key]
    typed = [(kind, key) for kind, key in values if kind]
    untyped = [key for kind, key in values if not kind and ":" not in key]
    patients, others = _divided(parameter, typed)
    other_types = parameter.targets
    if parameter.is_clinical_patient:
        patients += untyped
        other_types = tuple(t for t in parameter.targets if t != "Patient")
    if patients:
        found.append(_clinical(patients, args))
    if len(others) == 1 and not (untyped and other_types):
        found.append(Condition("index_reference", f"@.param = {parameter.id}", "target", value=_one(*others[0], args), once=True))
    else:
        keys = _keys(others, args) + _keys_of_any(untyped, other_types, args)
        if keys:
            found.append(Condition("index_reference", f"@.param = {parameter.id}", "target", keys=" union ".join(keys)))
    if texts:
        found += uri.conditions(parameter, "", texts, args)
    return found


def order(parameter: Parameter, rid: str, descending: bool) -> tuple[str, str]:
    """By what it points to: resources here by type and id, then addresses elsewhere."""
    pick = "max" if descending else "min"
    name = "lpad(t.type::text, 3, '0') || '/' || t.id"
    found = [
        f"select {name} as name from index_reference x join resource t on t.rid = x.target"
        f" where x.rid = {rid} and x.param = {parameter.id}",
        f"select x.value from index_uri x where x.rid = {rid} and x.param = {parameter.id}",
    ]
    if parameter.is_clinical_patient:
        found.append(f"select {name} from index_clinical x join resource t on t.rid = x.patient where x.rid = {rid} and x.nth = 0")
    return f"coalesce((select {pick}(n.name) from ({' union all '.join(found)}) n), '')", "text"


def hierarchy(start: Target, modifier: str, seen: Callable[[str, str, str], Sequence[str]], args: Args) -> str:
    """A query (column `key`) for a resource and all below it, or above it, in its type's hierarchy.

    Only resources that may be seen lead on, and only such are reached: `seen` gives the conditions of the scope (table, alias, type). Each
    is visited once, so a circle ends where it began.
    """
    kind, id_ = start
    link = part_of(kind)
    assert link is not None, "values are read for types that have a hierarchy"
    begun = f"select rid from resource where type = {type_id(kind)} and id = {args.add(id_)}"
    if modifier == "below":
        down = ["x.target = t.key", f"x.param = {link.id}", *seen("index_reference", "x", kind)]
        found = f"select x.rid from index_reference x{_where(*down)}"
    else:
        there = ["o.rid = x.target", f"o.type = {type_id(kind)}", "not o.deleted", *seen("resource", "o", kind)]
        up = ["x.rid = t.key", f"x.param = {link.id}", *seen("index_reference", "x", kind)]
        found = f"select x.target as rid from index_reference x{_where(*up)} and (select true from resource o{_where(*there)})"
    return f"(with recursive t (key) as (({begun}) union select f.rid from t cross join lateral ({found} offset 0) f) select key from t)"


def in_clinical(parameter: Parameter, kind: str) -> bool:
    """Whether index_clinical holds what this parameter points to among resources of type `kind`."""
    return kind == "Patient" and parameter.is_clinical_patient


def to(parameter: Parameter, kind: str, keys: str) -> list[Condition]:
    """Points to one of the resources of type `kind` that the query `keys` gives (column `key`)."""
    if in_clinical(parameter, kind):
        return [Condition("index_clinical", column="patient", keys=keys, once=True)]
    return [Condition("index_reference", f"@.param = {parameter.id}", "target", keys=keys)]


def present(parameter: Parameter) -> list[Condition]:
    found = [Condition("index_reference", f"@.param = {parameter.id}"), Condition("index_uri", f"@.param = {parameter.id}")]
    return [Condition("index_clinical", "@.patient <> 0", once=True), *found] if parameter.is_clinical_patient else found


def _divided(parameter: Parameter, typed: Iterable[Target]) -> tuple[list[str], list[Target]]:
    """Ids of patients that index_clinical holds, and the rest."""
    patients, others = [], []
    for kind, key in typed:
        if kind == "Patient" and parameter.is_clinical_patient:
            patients.append(key)
        else:
            others.append((kind, key))
    return patients, others


def _clinical(patients: list[str], args: Args) -> Condition:
    if len(patients) == 1:
        return Condition("index_clinical", column="patient", value=_one("Patient", patients[0], args), once=True)
    keys = f"select rid as key from resource where type = {type_id('Patient')} and id = any({args.add(patients)}::text[])"
    return Condition("index_clinical", column="patient", keys=keys, once=True)


def _one(kind: str, key: str, args: Args) -> str:
    return f"(select rid from resource where type = {type_id(kind)} and id = {args.add(key)})"


def _where(*conditions: str) -> str:
    return f" where {' and '.join(conditions)}"


def keys_of(parameter: Parameter, targets: list[Target], args: Args) -> list[str]:
    """Queries (column `key`) for the resources of this server these values mean."""
    untyped = [key for kind, key in targets if not kind]
    return _keys([one for one in targets if one[0]], args) + _keys_of_any(untyped, parameter.targets, args)


def _keys_of_any(ids: list[str], kinds: Sequence[str], args: Args) -> list[str]:
    """Those with one of the ids among resources of these types."""
    if not ids or not kinds:
        return []
    wanted = "{" + ",".join(str(type_id(kind)) for kind in kinds) + "}"
    return [f"select rid as key from resource where type = any('{wanted}'::smallint[]) and id = any({args.add(ids)}::text[])"]


def _keys(targets: list[Target], args: Args) -> list[str]:
    """One query for each type that is named."""
    found = []
    for kind in dict.fromkeys(kind for kind, _ in targets):
        ids = [key for other, key in targets if other == kind]
        found.append(f"select rid as key from resource where type = {type_id(kind)} and id = any({args.add(ids)}::text[])")
    return found


def _listed(targets: Sequence[str]) -> str:
    return ", ".join(targets) if len(targets) <= 12 else f"{', '.join(targets[:12])} …"
