"""What is said to a question that cannot be answered: what was not understood, what comes near it, what there is."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from yilian.errors import BadRequest, NotSupported
from yilian.fhir.compartments import CLINICAL
from yilian.search.parameters import COMPUTED, Parameter, parameters_of, refused_parameters_of

LATER = frozenset({"text", "in", "not-in", "above", "below", "of-type", "identifier"})
"""Modifiers of the standard that are not answered yet."""


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
    there = [f":{m}" for m in (*known, *types, *(() if parameter.code in COMPUTED else ("missing",)))]
    has = f"{parameter.code} ({parameter.type}) takes {', '.join(there) or 'no modifier'}."
    if modifier in LATER:
        return NotSupported(f"{name}: this modifier is not supported yet. {has}")
    return BadRequest(f"{name}: there is no such modifier. {has}")


def not_yet(code: str, what: str) -> NotSupported:
    return NotSupported(f"{code}: {what} is not supported yet.", zh=f"暂不支持检索参数“{code}”。")


def no_clinical_type(kind: str) -> NotSupported:
    return NotSupported(
        f"{kind[:60]!r} does not stand in a patient's timeline; it shows {', '.join(CLINICAL)}.",
        zh=f"时间轴不包含“{kind[:60]}”类型的记录。",
    )
