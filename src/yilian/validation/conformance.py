"""A resource held against profiles: cardinality, types, fixed values and patterns, slices, bindings, constraints.

Asks nobody while it runs. What it needs to know and does not know yet (a definition, whether a code belongs to a value set) it notes in
`Run.wanted` and takes for unknown; `book` finds it out, and the resource is gone through once more.
http://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from yilian.errors import Issue
from yilian.fhir.path import Outside, PathError, path_of
from yilian.fhir.path.equality import order
from yilian.fhir.path.items import Item, child, system_value
from yilian.fhir.path.types import is_a
from yilian.fhir.references import Contained, Elsewhere, Local, parse
from yilian.validation.faults import ENOUGH, shown
from yilian.validation.slicing import parts_of, type_of_profile
from yilian.validation.snapshot import NOTHING_FIXED, Demand, Kind, Node, Unusable, _structures

if TYPE_CHECKING:
    from yilian.validation.book import Book

DEEPEST = 40
"""Profiles inside profiles."""


class _Elsewhere(PathError):
    """A constraint follows a reference out of the resource."""


class Run:
    """One look at one resource.

    issues   what was found, with `error` and `warning` as the profiles have it, each once
    wanted   what has to be found out first: ("definition", canonical) or ("member", value set, system, code)
    """

    def __init__(self, book: Book, root: Item) -> None:
        self.book = book
        self.root = root
        self.issues: dict[Issue, None] = {}
        self.wanted: set[tuple[str, ...]] = set()
        self.depth = 0
        self.outside = Outside(resolve=self._resolve, member_of=self._member_of, conforms_to=self._conforms_to)

    def add(self, severity: str, code: str, item: Item, diagnostics: str, zh: str, below: str = "") -> None:
        if len(self.issues) > ENOUGH:
            return
        place = path_of(item) + (f".{below}" if below else "")
        self.issues[Issue(severity, code, f"{place}: {diagnostics}", place, zh)] = None

    # --- profiles

    def check(self, item: Item, canonical: str) -> bool:
        """Hold an item against a profile. False where the profile is unknown or cannot be used, which is told as a warning."""
        if (name := type_of_profile(canonical)) in _structures:
            if not is_a(item.type, name):
                self.add("error", "structure", item, f"A {name} is asked for, this is a {item.type}.", f"应为 {name},实际为 {item.type}。")
            return True
        profile = self.book.profile(canonical, self.wanted)
        if profile is None:
            self.add(
                "warning",
                "not-found",
                item,
                f"The profile {canonical} is not known here; it was not checked.",
                f"未知的规范 {canonical},未作检查。",
            )
            return False
        if isinstance(profile, str):
            self.unusable(item, canonical, profile)
            return False
        if self.depth > DEEPEST:
            self.add("error", "too-costly", item, f"More than {DEEPEST} profiles inside one another.", "规范嵌套过深。")
            return True
        if not is_a(item.type, profile.name):
            self.add(
                "error", "structure", item, f"The profile {canonical} is for {profile.name}, this is a {item.type}.",
                f"规范 {canonical} 适用于 {profile.name},此处为 {item.type}。",
            )  # fmt: skip
            return True
        self.depth += 1
        try:
            self.node(profile, item)
        except Unusable as reason:
            self.unusable(item, canonical, str(reason))
            return False
        finally:
            self.depth -= 1
        return True

    def unusable(self, item: Item, canonical: str, reason: str) -> None:
        self.add(
            "warning", "not-supported", item, f"The profile {canonical} cannot be checked here: {reason}.",
            f"规范 {canonical} 无法检查({reason})。",
        )  # fmt: skip

    def conforms(self, item: Item, canonical: str) -> bool:
        """Whether an item meets a profile; nothing is told."""
        before, self.issues = self.issues, {}
        try:
            return self.check(item, canonical) and not any(issue.severity == "error" for issue in self.issues)
        finally:
            self.issues = before

    def quietly(self, node: Node, item: Item) -> bool:
        """Whether an item is as a node has it; nothing is told."""
        before, self.issues = self.issues, {}
        try:
            self.node(node, item)
            return not any(issue.severity == "error" for issue in self.issues)
        finally:
            self.issues = before

    # --- one element

    def node(self, node: Node, item: Item) -> None:
        """What a node asks of an item, and of what is below it."""
        if node.kinds is not None:
            self._kind(node.kinds, item)
        if node.fixed is not NOTHING_FIXED and not _equal(item.value, node.fixed):
            self.add("error", "value", item, f"The value is fixed to {_told(node.fixed)}.", f"此处只能是 {_told(node.fixed)}。")
        if node.pattern is not NOTHING_FIXED and not matches(item.value, node.pattern):
            self.add("error", "value", item, f"The value must contain {_told(node.pattern)}.", f"此处必须包含 {_told(node.pattern)}。")
        if node.longest is not None and isinstance(item.value, str) and len(item.value) > node.longest:
            self.add("error", "too-long", item, f"At most {node.longest} characters are allowed.", f"最多 {node.longest} 个字符。")
        if node.least is not None or node.most is not None:
            self._bounds(node, item)
        for strength, value_set in node.bindings:
            self._binding(strength, value_set, item)
        for demand in node.demands:
            self._demand(demand, item)
        for below in node.children.values():
            self._child(below, item)

    def _child(self, node: Node, parent: Item) -> None:
        items: list[Item] = []
        name = node.plain
        child(parent, name, items)
        self._count(node.min, node.max, len(items), parent, name, "")
        for item in items:
            self.node(node, item)
        if node.slices:
            self._slices(node, items, parent)

    def _count(self, least: int | None, most: int | None, count: int, parent: Item, name: str, part: str) -> None:
        what, what_zh = (f"{name} of the slice {part}", f"{name}(切片 {part})") if part else (name, name)
        if least is not None and count < least:
            self.add(
                "error",
                "required",
                parent,
                f"At least {least} {what} must be given, found {count}.",
                f"{what_zh} 至少 {least} 项,实际 {count} 项。",
                name,
            )
        if most is not None and count > most:
            self.add(
                "error",
                "structure",
                parent,
                f"At most {most} {what} may be given, found {count}.",
                f"{what_zh} 最多 {most} 项,实际 {count} 项。",
                name,
            )

    def _slices(self, node: Node, items: Sequence[Item], parent: Item) -> None:
        slicing, parts = parts_of(node)
        counts = [0] * len(parts)
        last, over = -1, False
        for item in items:
            place = next((place for place, part in enumerate(parts) if part.takes(item, self)), None)
            if place is None:
                over = True
                if slicing.rules == "closed":
                    names = ", ".join(part.node.slice for part in parts)
                    self.add(
                        "error", "structure", item, f"It is none of {names}; others are not allowed here.", f"不属于允许的切片({names})。"
                    )
                continue
            if over and slicing.rules == "openAtEnd":
                self.add(
                    "error",
                    "structure",
                    item,
                    f"Others come after the slice {parts[place].node.slice}, not before.",
                    f"切片 {parts[place].node.slice} 应排在其他项之前。",
                )
            if slicing.ordered and place < last:
                self.add(
                    "error",
                    "structure",
                    item,
                    f"The slice {parts[place].node.slice} comes too late; the slices have an order.",
                    f"切片 {parts[place].node.slice} 的顺序不对。",
                )
            last = max(last, place)
            counts[place] += 1
            self.node(parts[place].node, item)
        for part, count in zip(parts, counts, strict=True):
            self._count(part.node.min, part.node.max, count, parent, node.plain, part.node.slice)

    def _kind(self, kinds: Sequence[Kind], item: Item) -> None:
        fitting = [
            kind for kind in kinds if is_a(item.type, kind.code) or (kind.code in ("BackboneElement", "Element") and "." in item.type)
        ]
        if not fitting:
            codes = ", ".join(kind.code for kind in kinds)
            self.add(
                "error", "structure", item, f"The type must be {codes}, this is {item.type}.", f"类型应为 {codes},实际为 {item.type}。"
            )
            return
        profiles = [profile for kind in fitting for profile in kind.profiles]
        if profiles and all(kind.profiles for kind in fitting):
            if len(profiles) == 1:
                self.check(item, profiles[0])
            elif not any(self.conforms(item, profile) for profile in profiles):
                self.add(
                    "error",
                    "structure",
                    item,
                    f"None of these profiles is met: {', '.join(profiles)}.",
                    f"不符合任何一个规范:{'、'.join(profiles)}。",
                )
        targets = tuple(target for kind in fitting for target in kind.targets)
        if targets and item.type == "Reference" and all(kind.targets for kind in fitting) and not self.leads_to(item, targets):
            listed = ", ".join(target.rpartition("/")[2] for target in targets)
            self.add("error", "value", item, f"The reference must be to {listed}.", f"此处只能引用 {listed}。", "reference")

    def leads_to(self, item: Item, targets: Sequence[str]) -> bool:
        """Whether a reference is to one of these, as far as it tells by itself: by its text, its type or what is contained."""
        kind = self._target_type(item.value)
        if not kind:
            return True
        for target in targets:
            wanted = type_of_profile(target)
            if wanted not in _structures:
                profile = self.book.profile(target, self.wanted)
                if profile is None or isinstance(profile, str):
                    return True
                wanted = profile.name
            if is_a(kind, wanted):
                return True
        return False

    def _target_type(self, value: Any) -> str:
        text = value.get("reference") if isinstance(value, dict) else None
        target = parse(text) if isinstance(text, str) else None
        if isinstance(target, Local | Elsewhere) and target.type:
            return target.type
        if isinstance(target, Contained) and isinstance(self.root.value, dict):
            held = [self.root.value, *(self.root.value.get("contained") or [])]
            return next((one["resourceType"] for one in held if isinstance(one, dict) and one.get("id") == target.id), "")
        said = value.get("type") if isinstance(value, dict) else None
        return said if isinstance(said, str) and said in _structures else ""

    def _bounds(self, node: Node, item: Item) -> None:
        for bound, least in ((node.least, True), (node.most, False)):
            if bound is None:
                continue
            kind, limit = bound
            kind = kind if kind in _structures else kind[:1].lower() + kind[1:]
            here, there = system_value(item), system_value(Item(limit, kind))
            try:
                found = order(here, there) if here is not None and there is not None else None
            except PathError:
                found = None  # a limit of another type than the value
            wrong = found is not None and (found < 0 if least else found > 0)
            if wrong:
                word, word_zh = ("least", "小于") if least else ("most", "大于")
                self.add("error", "value", item, f"At {word} {_told(limit)} is allowed.", f"不得{word_zh} {_told(limit)}。")

    # --- codes

    def _binding(self, strength: str, value_set: str, item: Item) -> None:
        codings = _codings(item)
        if codings is None:
            return
        if not codings:
            if strength == "required":
                self.add("error", "code-invalid", item, f"A code of {value_set} is required.", f"必须填写值集 {value_set} 中的编码。")
            return
        verdicts = [self.member(value_set, system, code) for system, code in codings]
        if True in verdicts:
            return
        said = ", ".join(f"{system}|{code}" if system else code for system, code in codings[:3])
        if None in verdicts:
            self.add(
                "warning",
                "not-found",
                item,
                f"Whether {said} is in {value_set} cannot be told here; it was not checked.",
                f"无法判断 {said} 是否属于值集 {value_set},未作检查。",
            )
        elif strength == "required":
            self.add("error", "code-invalid", item, f"{said} is not in {value_set}.", f"{said} 不属于值集 {value_set}。")
        else:
            self.add(
                "warning",
                "code-invalid",
                item,
                f"{said} is not in {value_set}, which should be used where it has a fitting code.",
                f"{said} 不属于值集 {value_set},有合适编码时应使用该值集。",
            )

    def member(self, value_set: str, system: str | None, code: str) -> bool | None:
        if system is None:
            return False
        key = (value_set, system, code)
        if key not in self.book.answers:
            self.wanted.add(("member", *key))
        return self.book.answers.get(key)

    # --- constraints

    def _demand(self, demand: Demand, item: Item) -> None:
        try:
            answer = demand.expression.truth(item, outside=self.outside)
        except _Elsewhere:
            self.add(
                "warning",
                "not-supported",
                item,
                f"The constraint {demand.key} looks into another resource; it was not checked.",
                f"约束 {demand.key} 涉及其他资源,未作检查。",
            )
            return
        except PathError as error:
            self.add(demand.severity, "invariant", item, f"{demand.human} ({demand.key}): {error}", f"无法满足约束 {demand.key}。")
            return
        if answer is not True and not (answer is None and demand.severity == "warning"):
            zh = f"{demand.zh or demand.human}({demand.key})。"
            self.add(demand.severity, "invariant", item, f"{demand.human} ({demand.key}).", zh)

    def _resolve(self, text: str) -> dict[str, Any] | None:
        raise _Elsewhere("It leads out of the resource.")

    def _member_of(self, value: dict[str, Any] | str, value_set: str) -> bool | None:
        kind = "code" if isinstance(value, str) else ("CodeableConcept" if "coding" in value or "text" in value else "Coding")
        verdicts = [self.member(value_set, system, code) for system, code in _codings(Item(value, kind)) or ()]
        return True if True in verdicts else (None if None in verdicts else False)

    def _conforms_to(self, value: Any, canonical: str) -> bool | None:
        kind = value.get("resourceType") if isinstance(value, dict) else None
        return self.conforms(Item(value, kind), canonical) if isinstance(kind, str) else None


def _codings(item: Item) -> list[tuple[str | None, str]] | None:
    """(system, code) of a value that can be bound; "" where the element has no system, None where one is missing. None: nothing to bind."""
    value = item.value
    if isinstance(value, str):
        return [("", value)]
    if not isinstance(value, dict):
        return None
    if item.type == "CodeableConcept":
        return [(one.get("system"), one["code"]) for one in value.get("coding", ()) if isinstance(one, dict) and "code" in one]
    if item.type == "Coding" or is_a(item.type, "Quantity"):
        return [(value.get("system"), value["code"])] if "code" in value else []
    return None


def _equal(value: Any, fixed: Any) -> bool:
    return bool(_plain(value) == _plain(fixed))


def _plain(value: Any) -> Any:
    """Numbers as they are written: 1.0 is not 1."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Decimal) else (value, type(value) is bool)


def matches(value: Any, pattern: Any) -> bool:
    """Whether a value has all of a pattern: objects may have more, arrays an item for each of the pattern's."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(key in value and matches(value[key], one) for key, one in pattern.items())
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(matches(one, wanted) for one in value) for wanted in pattern)
    return _equal(value, pattern)


def _told(value: Any) -> str:
    """A value of a profile as a message may quote it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_told(one)}" for key, one in list(value.items())[:6]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_told(one) for one in value[:3]) + "]"
    return shown(value) if isinstance(value, str) else str(value)
