"""`:text`: the words that stand beside a code: CodeableConcept.text, Coding.display, Identifier.type.text.

Words come again and again, so each is spelled out once in `concept` and a resource holds only its hash, as with codes. They stand there
under the negative number of a parameter and the way to the element as their system, so no question for codes ever meets them, and all
parameters that look at one element share its rows.

Words are compared folded, by their beginning, as strings are. A question with a Chinese character is found anywhere in them, because
there is no space that says where the next word begins: `code:text=头痛` finds 急性头痛.
FHIR R4: http://hl7.org/fhir/R4/search.html#modifiers
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from yilian.errors import BadRequest
from yilian.fhir.fhirpath import Branch
from yilian.search.conditions import Args, Condition
from yilian.search.escapes import plain
from yilian.search.folding import AFTER_ALL, clipped, fold, pattern
from yilian.search.parameters import Parameter, indexed_parameters_of, when_redefined
from yilian.search.pinyin import has_han
from yilian.search.rows import IndexRows

WORDED = frozenset({"CodeableConcept", "Coding", "Identifier"})
"""Types of values that have words beside their code."""

Group = tuple[int, str]
"""(number, way): what words of one element stand under, in `concept.param` and `concept.system`."""


@dataclass(frozen=True, slots=True)
class Words:
    """Folded. `anywhere`: compared with any part of the words, else with their beginning."""

    folded: str
    anywhere: bool


def read(parameter: Parameter, text: str) -> Words:
    folded = clipped(fold(plain(text)))
    if not folded:
        raise BadRequest(f"{parameter.code}:text: there is nothing to compare in {text[:60]!r}; give at least one letter or digit.")
    return Words(folded, has_han(folded))


# --- rows, which are taken up in `codings`


def group(parameters: Sequence[Parameter], branch: Branch) -> Group:
    """Where the words of one element go. `parameters`: all tokens of the type that look at it."""
    steps = (step.key + "".join(f"[{test.name}={test.value}]" for test in step.tests) for step in branch.steps)
    return -min(parameter.id for parameter in parameters), ".".join(steps)


# --- conditions


@cache
def groups(parameter: Parameter) -> tuple[Group, ...]:
    """Where the words stand that this parameter looks at."""
    tokens = [p for p in indexed_parameters_of(parameter.base).values() if p.type == "token"]
    return tuple(
        dict.fromkeys(group([p for p in tokens if branch in p.branches], branch) for branch in parameter.branches if branch.type in WORDED)
    )


when_redefined(groups.cache_clear)


def conditions(parameter: Parameter, values: Sequence[Words], args: Args) -> list[Condition]:
    keys = []
    for value in values:
        if value.anywhere:
            same = f"code like {args.add('%' + pattern(value.folded) + '%')}"
        else:
            same = f"code >= {args.add(value.folded)} and code < {args.add(value.folded + AFTER_ALL)}"
        for number, way in groups(parameter):
            keys.append(f"select h as key from concept where param = {number} and system = {_literal(way)} and {same}")
    return [Condition("index_token", column="h", keys=" union ".join(keys))]


def holds(parameter: Parameter, value: Words, rows: IndexRows) -> bool:
    """The same for the rows of one resource."""
    here = set(groups(parameter))
    return any(
        (value.folded in words if value.anywhere else words.startswith(value.folded))
        for number, way, words in rows.tokens
        if number < 0 and (number, way) in here
    )


def _literal(way: str) -> str:
    """A way through a resource, which comes from definitions and never from a request."""
    return "'" + way.replace("'", "''") + "'"
