"""One check for each structure, compiled once from HL7's definitions: known elements, JSON types, cardinality, choices, extensions.

A compiled check looks each key of an object up in a dict of checks and returns None when all is well; places and messages are made only for
faults. http://hl7.org/fhir/R4/json.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from yilian.fhir.definitions import Element, Structure, structure
from yilian.validation.bindings import bound
from yilian.validation.constraints import surely_sound
from yilian.validation.faults import (
    ENOUGH,
    Check,
    Fault,
    Faults,
    Seen,
    below,
    empty_array,
    empty_object,
    fault,
    name_shown,
    no_value,
    wrong_shape,
)
from yilian.validation.identifier import identifier_fault
from yilian.validation.primitives import PRIMITIVES
from yilian.validation.reference import to_one_of

_compiled: dict[str, Check] = {}
_elements: dict[str, Mapping[str, Check]] = {}


def check_of(name: str) -> Check:
    """The check of a structure by name (`Patient`, `HumanName`, `Patient.contact`); compiled when first asked for."""
    known = _compiled.get(name)
    return known if known is not None else _Compiler(name).check


def element_checks(name: str) -> tuple[Structure, Mapping[str, Check]]:
    """The definition of a structure, and the check of each of its keys."""
    check_of(name)
    return structure(name), _elements[name]


def resource_check(whole: Check, contained: Check) -> None:
    """Tell this module how an element of type Resource is checked, and one of `contained`; `resource.py` does, once."""
    _compiled["Resource"] = whole
    _compiled["#contained"] = contained


class _Compiler:
    """Builds the check of one structure. The check is registered before its elements are compiled, since structures contain themselves."""

    def __init__(self, name: str) -> None:
        self.definition = structure(name)
        self.checks: dict[str, Check] = {}
        _elements[name] = self.checks
        self.choices: dict[str, str] = {}
        self.groups: dict[str, frozenset[str]] = {}
        self.primitive_arrays: dict[str, Check] = {}
        self.primitives: dict[str, str] = {}
        self.check = _compiled[name] = self._object()
        for element in self.definition.elements.values():
            self._add(element)

    def _add(self, element: Element) -> None:
        check: Check
        if element.type in PRIMITIVES:
            self.primitives[element.key] = element.type
            check = bound(element, PRIMITIVES[element.type])
            if element.many:
                self.primitive_arrays[element.key] = check
        else:
            name = "#contained" if element.path == "DomainResource.contained" else element.profile or element.type
            check = bound(element, check_of(name))
            if element.type == "Reference":
                check = to_one_of(element.targets, check)
            elif element.type == "Identifier":
                check = identifier_fault(check)
        if element.many:
            check = _array(check, element.max)
        self.checks[element.key] = check
        if element.choice:
            self.choices[element.key] = element.choice

    def _object(self) -> Check:
        checks, is_resource = self.checks, self.definition.kind == "resource"
        required = tuple(e.key for e in self.definition.elements.values() if e.min and not e.choice)
        wanted = tuple({e.choice: None for e in self.definition.elements.values() if e.min and e.choice})
        exclusive = self._exclusive()
        name, sound = self.definition.name, surely_sound(self.definition.name)
        odd, lenient = self._odd, self._lenient

        def check(value: Any, seen: Seen) -> Faults:
            if type(value) is not dict:
                return wrong_shape(value, "an object", "对象")
            if not value:
                return empty_object()
            faults: list[Fault] = []
            for key, item in value.items():
                known = checks.get(key)
                if known is None:
                    if is_resource and key == "resourceType":
                        continue
                    found = odd(value, key, item, seen)
                else:
                    found = known(item, seen)
                    if found is not None:
                        found = lenient(value, key, item, found, seen)
                if found is not None:
                    faults += found
                    if len(faults) > ENOUGH:
                        return faults
            for key in required:
                if key not in value and "_" + key not in value:
                    faults.append(_missing(key))
            for choice in wanted:
                if not any(k in value or "_" + k in value for k in self.groups[choice]):
                    faults.append(_missing(choice))
            if exclusive is not None:
                exclusive(value, faults)
            if len(value) == 1 and not is_resource and "id" in value:
                return no_value()
            if faults:
                return faults
            if sound is not None and not sound(value):
                seen.suspects.append((name, value))
            return None

        return check

    def _exclusive(self) -> Callable[[dict[str, Any], list[Fault]], None] | None:
        """Refuses two forms of one choice, `valueString` beside `valueQuantity`."""
        members: dict[str, list[str]] = {}
        for element in self.definition.elements.values():
            if element.choice:
                members.setdefault(element.choice, []).append(element.key)
        self.groups = {choice: frozenset(keys) for choice, keys in members.items()}
        several = {key: choice for choice, keys in members.items() if len(keys) > 1 for key in keys}
        if not several:
            return None

        def check(value: dict[str, Any], faults: list[Fault]) -> None:
            seen: dict[str, str] = {}
            for key in value:
                choice = several.get(key)
                if choice is None:
                    if key[:1] != "_" or key[1:] not in several:
                        continue
                    key = key[1:]
                    choice = several[key]
                other = seen.setdefault(choice, key)
                if other != key:
                    faults.append(
                        Fault(
                            "." + choice[:-3],
                            "structure",
                            f"Only one form of {choice} may be given, found {other} and {key}.",
                            f"{choice} 只能有一种形式,不能同时填写 {other} 和 {key}。",
                        )
                    )

        return check

    def _step(self, key: str) -> str:
        choice = self.choices.get(key)
        return "." + (choice[:-3] if choice else key)

    def _lenient(self, value: dict[str, Any], key: str, item: Any, found: list[Fault], seen: Seen) -> Faults:
        """A fault on the way out. Nulls in an array of primitives are right where the array of extensions fills them in."""
        check = self.primitive_arrays.get(key)
        beside = value.get("_" + key)
        if check is None or type(item) is not list or type(beside) is not list or None not in item:
            return below(self._step(key), found)
        faults: list[Fault] = []
        for place, one in enumerate(item):
            if one is None and place < len(beside) and beside[place] is not None:
                continue
            faults += below(f".{key}[{place}]", check(one, seen) or [])
            if len(faults) > ENOUGH:
                break
        return faults or None

    def _odd(self, value: dict[str, Any], key: Any, item: Any, seen: Seen) -> Faults:
        """A key that is no element: the extensions of a primitive (`_birthDate`), or unknown."""
        name = key[1:] if type(key) is str and key[:1] == "_" else ""
        kind = self.primitives.get(name)
        if kind is None:
            return fault(
                "structure",
                f"There is no element {name_shown(key)} here.",
                f"此处没有名为 {name_shown(key)} 的元素。",
                "." + name_shown(key),
            )
        extended = check_of(kind)
        if name not in self.primitive_arrays:
            return self._placed(self._step(name), extended(item, seen))
        if type(item) is not list:
            return below("." + name, wrong_shape(item, "an array", "数组"))
        values = value.get(name)
        plain = values if type(values) is list else []
        if not item or (all(one is None for one in item) and not plain):
            return below("." + name, empty_array())
        faults: list[Fault] = []
        for place, one in enumerate(item):
            if one is not None:
                faults += below(f".{name}[{place}]", extended(one, seen) or [])
            elif place >= len(plain):
                faults += fault(
                    "structure", "Both the value and its extensions are null here.", "此处的值和扩展都为空。", f".{name}[{place}]"
                )
        return faults or None

    @staticmethod
    def _placed(step: str, found: Faults) -> Faults:
        return None if found is None else below(step, found)


def _array(check: Check, most: int | None) -> Check:
    def checked(value: Any, seen: Seen) -> Faults:
        if type(value) is not list:
            return wrong_shape(value, "an array", "数组")
        if not value:
            return empty_array()
        faults: list[Fault] = []
        for place, item in enumerate(value):
            found = check(item, seen)
            if found is not None:
                faults += below(f"[{place}]", found)
                if len(faults) > ENOUGH:
                    return faults
        if most is not None and len(value) > most:
            faults += fault("structure", f"At most {most} may be given, found {len(value)}.", f"最多 {most} 项,实际 {len(value)} 项。")
        return faults or None

    return checked


def _missing(name: str) -> Fault:
    place = "." + name.removesuffix("[x]")
    return Fault(place, "required", f"{name} is required.", f"缺少必填项 {name}。")
