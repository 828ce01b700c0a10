"""References: a form that can be followed, to a type the element allows.

Whether the target exists is for the store to say, in the same transaction. http://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from typing import Any

from yilian.fhir.definitions import RESOURCE_TYPES, is_resource_type
from yilian.fhir.references import Conditional, Contained, Elsewhere, Local, Malformed, parse
from yilian.validation.faults import Check, Faults, Seen, fault, shown

_every = frozenset(RESOURCE_TYPES)
_rest = re.compile(r"[A-Za-z0-9.\-]{1,64}(?:/_history/[A-Za-z0-9.\-]{1,64})?").fullmatch


def to_one_of(targets: tuple[str, ...], plain: Check) -> Check:
    """`plain` (the check of Reference), and the target is of one of these types; none named or "Resource" means any."""
    target = target_fault(targets)

    def check(value: Any, seen: Seen) -> Faults:
        found = plain(value, seen)
        return target(value, seen) if found is None else found

    return check


def target_fault(targets: tuple[str, ...]) -> Check:
    """The second half of `to_one_of`, for a Reference that is sound in itself."""
    allowed = _every if not targets or "Resource" in targets else frozenset(targets)
    listed = ", ".join(targets)

    def wrong_type(kind: str) -> Faults:
        return fault(
            "value", f"The reference is to a {kind}; allowed here: {listed}.", f"此处不能引用 {kind},只能引用:{listed}。", ".reference"
        )

    def check(value: Any, seen: Seen) -> Faults:
        said = value.get("type")
        if said is not None and is_resource_type(said) and said not in allowed:
            return wrong_type(said)
        text = value.get("reference")
        if text is None:
            return None
        head, _, rest = text.partition("/")
        if head in allowed and _rest(rest) and said is None:
            return None
        target = parse(text)
        kind = ""
        if isinstance(target, Local | Conditional | Elsewhere):
            kind = target.type
        elif isinstance(target, Contained):
            seen.append(text)
        elif isinstance(target, Malformed):
            return _malformed(text)
        if kind and kind not in allowed:
            return wrong_type(kind)
        if kind and said is not None and is_resource_type(said) and said != kind:
            return fault(
                "value", f"The reference is to a {kind}, its type says {said}.", f"引用的是 {kind},而 type 写的是 {said}。", ".type"
            )
        return None

    return check


def _malformed(text: str) -> Faults:
    return fault(
        "value",
        f"{shown(text)} is not a reference; write Patient/123, urn:uuid:…, #contained or an absolute URL.",
        f"{shown(text)} 不是有效的引用,请写成 Patient/123、urn:uuid:…、#内含资源 或完整网址。",
        ".reference",
    )
