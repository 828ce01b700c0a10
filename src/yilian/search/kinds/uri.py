"""uri: addresses and canonicals, compared whole. A canonical with a version is found with and without it.

`:below` finds the address itself and everything under it, step by step: `http://a.example/fhir` finds `http://a.example/fhir/ValueSet/1`
but not `http://a.example/fhirpath`; `:above` is the other way round. After a `|` the same is done with the version: `url|1.2` finds
`url|1.2` and `url|1.2.3`. Both are for addresses that have steps, so not for `urn:`.
FHIR R4: http://hl7.org/fhir/R4/search.html#uri
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from yilian.errors import BadRequest
from yilian.fhir.fhirpath import Branch
from yilian.search.conditions import Args, Condition, Reading, either
from yilian.search.escapes import plain
from yilian.search.folding import bounded
from yilian.search.parameters import Parameter
from yilian.search.rows import IndexRows

MODIFIERS = ("above", "below")

_address = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/|]")


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> str:
    found = plain(text)
    if modifier and not _address.match(found):
        raise BadRequest(f"{parameter.code}:{modifier}: {found[:80]!r} has no steps; write an address such as http://hl7.org/fhir.")
    return found


def leaf(parameters: Sequence[Parameter], branch: Branch) -> Callable[[Any, IndexRows], None]:
    ids = [p.id for p in parameters]
    versioned = branch.type == "canonical"

    def take(value: Any, rows: IndexRows) -> None:
        if type(value) is str and value and "\0" not in value:
            add(value, ids, rows, versioned)

    return take


def add(value: str, ids: Sequence[int], rows: IndexRows, versioned: bool) -> None:
    """A row for the uri, and one without the version of a canonical."""
    for param in ids:
        rows.uris.append((param, bounded(value)))
    plain, bar, _ = value.partition("|")
    if versioned and bar and plain:
        for param in ids:
            rows.uris.append((param, bounded(plain)))


def conditions(parameter: Parameter, modifier: str, values: Sequence[str], args: Args) -> list[Condition]:
    if modifier == "below":
        return [Condition("index_uri", f"@.param = {parameter.id} and {either([_below(value, args) for value in values])}")]
    if modifier == "above":
        values = list(dict.fromkeys(step for value in values for step in above(value)))
    wanted = [bounded(value) for value in values]
    if len(wanted) == 1:
        return [Condition("index_uri", f"@.param = {parameter.id} and @.value = {args.add(wanted[0])}", once=True)]
    return [Condition("index_uri", f"@.param = {parameter.id} and @.value = any({args.add(wanted)}::text[])")]


def _below(value: str, args: Args) -> str:
    base, steps = stem(value)
    parts = [f"@.value = {args.add(bounded(base))}"]
    for step in steps:  # whatever begins with this and goes on; the sign after it in byte order ends the stretch
        begin, end = f"{base}{step}", f"{base}{chr(ord(step) + 1)}"
        parts.append(f"(@.value >= {args.add(begin)} and @.value < {args.add(end)})")
    return either(parts)


def stem(value: str) -> tuple[str, str]:
    """The address without a last slash, and the signs after which something below it goes on."""
    return (value, ".-") if "|" in value else (value.rstrip("/"), "/|")


def below(value: str, found: str) -> bool:
    """Whether `found` is `value` or below it."""
    base, steps = stem(value)
    return found == base or found.startswith(tuple(base + step for step in steps))


def above(value: str) -> list[str]:
    """The address itself and all above it, each with and without a last slash; of a version, all it begins with."""
    url, bar, version = value.partition("|")
    if bar:
        places = [place for place, sign in enumerate(version) if sign in ".-"]
        return [value, *(f"{url}|{version[:place]}" for place in places if place)]
    head, _, rest = url.rstrip("/").partition("://")
    steps = rest.split("/")
    found = [f"{head}://{'/'.join(steps[:number])}" for number in range(len(steps), 0, -1)]
    return [one + end for one in found for end in ("", "/")]


def present(parameter: Parameter) -> list[Condition]:
    return [Condition("index_uri", f"@.param = {parameter.id}")]


def order(parameter: Parameter, rid: str, descending: bool) -> tuple[str, str]:
    pick = "max" if descending else "min"
    return f"coalesce((select {pick}(x.value) from index_uri x where x.rid = {rid} and x.param = {parameter.id}), '')", "text"
