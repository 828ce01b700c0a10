"""What is said to a question that cannot be answered: what was not understood, what comes near it, what there is."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from yilian.errors import BadRequest, NotSupported
from yilian.fhir.compartments import CLINICAL
from yilian.search.parameters import Parameter, parameters_of, refused_parameters_of

NEVER = {
    "_text": "the narrative is not indexed; ask by parameters, or by the words beside a code with :text (code:text=…)",
    "_content": "whole records are not indexed as text; ask by parameters, or by the words beside a code with :text (code:text=…)",
    "_filter": "filter expressions are not read; every condition of one can be written as a parameter, a chain or _has",
    "_query": "there are no named queries; what is asked often has an operation of its own, such as $everything or $lastn",
    "_score": "matches are not ranked: a resource matches or does not",
    "_type": "one type is asked here already; several are asked together at /fhir?_type=Patient,Observation",
    "_in": "it belongs to FHIR R5; in R4 a List is asked with _list, a Group with _has:Group:member:_id",
}
"""Parameters of the standard that are not answered, and what to do instead."""

FROM_R5 = frozenset({"code-text", "text-advanced", "iterate"})


def no_parameter(kind: str, code: str) -> NotSupported:
    """The nearest names first, then all."""
    known = parameters_of(kind)
    refused = refused_parameters_of(kind).get(code)
    if refused is not None:
        return NotSupported(f"{kind} cannot be searched by {code!r}: {refused.refused}.", zh=f"暂不支持用“{code}”检索 {kind}。")
    near = get_close_matches(code, known, n=3, cutoff=0.6)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    rest = ", ".join(sorted(set(known) - set(near)))
    return NotSupported(
        f"{kind} has no search parameter {code[:60]!r}.{hint} It has: {', '.join(near)}{', ' if near else ''}{rest}.",
        zh=f"{kind} 没有检索参数“{code[:60]}”。",
    )


def no_modifier(parameter: Parameter, modifier: str, known: Sequence[str]) -> BadRequest | NotSupported:
    name = f"{parameter.code}:{modifier[:40]}"
    types = parameter.targets[:12] if parameter.type == "reference" else ()
    has = f"{parameter.code} ({parameter.type}) takes {', '.join(f':{m}' for m in (*known, *types, 'missing'))}."
    if modifier in FROM_R5:
        return NotSupported(f"{name}: this modifier belongs to FHIR R5 or to other parameters. {has}")
    return BadRequest(f"{name}: there is no such modifier. {has}")


def refused_by_name(code: str) -> NotSupported:
    """For a parameter in `NEVER`."""
    return NotSupported(f"{code} is not supported: {NEVER[code]}.", zh=f"不支持检索参数“{code}”。")


def no_clinical_type(kind: str) -> NotSupported:
    return NotSupported(
        f"{kind[:60]!r} does not stand in a patient's timeline; it shows {', '.join(CLINICAL)}.",
        zh=f"时间轴不包含“{kind[:60]}”类型的记录。",
    )
