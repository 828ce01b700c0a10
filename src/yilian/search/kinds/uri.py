"""uri: addresses and canonicals, compared whole. A canonical with a version is found with and without it.

FHIR R4: http://hl7.org/fhir/R4/search.html#uri
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from yilian.fhir.fhirpath import Branch
from yilian.search.conditions import Args, Condition, Reading
from yilian.search.escapes import plain
from yilian.search.folding import bounded
from yilian.search.parameters import Parameter
from yilian.search.rows import IndexRows

MODIFIERS: tuple[str, ...] = ()


def read(parameter: Parameter, modifier: str, text: str, reading: Reading) -> str:
    return plain(text)


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
    wanted = [bounded(value) for value in values]
    if len(wanted) == 1:
        return [Condition("index_uri", f"@.param = {parameter.id} and @.value = {args.add(wanted[0])}", once=True)]
    return [Condition("index_uri", f"@.param = {parameter.id} and @.value = any({args.add(wanted)}::text[])")]


def present(parameter: Parameter) -> list[Condition]:
    return [Condition("index_uri", f"@.param = {parameter.id}")]


def order(parameter: Parameter, rid: str, descending: bool) -> tuple[str, str]:
    pick = "max" if descending else "min"
    return f"coalesce((select {pick}(x.value) from index_uri x where x.rid = {rid} and x.param = {parameter.id}), '')", "text"
