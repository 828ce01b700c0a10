"""XML → the value its JSON would be.

Strict where the standard is: elements known, in their order and in the right namespace, no text between them. What a value may be is for
validation to say, with the same words as for JSON. Document types, entities and anything fetched from outside are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from decimal import Decimal
from functools import cache
from typing import Any

from lxml import etree

from yilian.errors import BadRequest
from yilian.fhir.definitions import Element, is_resource_type, structure
from yilian.fhir.json import DEEPEST
from yilian.fhir.xml.names import DIV, FHIR

_INTEGER = re.compile(r"-?(0|[1-9]\d{0,18})", re.ASCII)
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d{1,4})?", re.ASCII)
_WHOLE = frozenset({"integer", "positiveInt", "unsignedInt"})
_SCHEMA_HINT = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"


def parse(data: bytes) -> dict[str, Any]:
    """One resource. Numbers keep their digits, narrative its markup.

    Raises BadRequest for what is not well-formed UTF-8 XML, has a document type, is no resource of R4, or has elements or attributes that
    R4 does not have there; the message names the place.
    """
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise _refused("A document type or entity has no place in FHIR XML.", zh="XML 中不允许 DOCTYPE 或实体。")
    try:
        root = etree.fromstring(data, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _refused(f"The body is not well-formed XML: {error}", zh="内容不是合法的 XML,请检查后重新提交。") from None
    information: Any = root.getroottree().docinfo
    if information.doctype or (information.encoding or "UTF-8").upper() not in ("UTF-8", "US-ASCII", "ASCII"):
        raise _refused("FHIR XML is UTF-8 and has no document type.", zh="XML 应为 UTF-8 编码且不含 DOCTYPE。")
    if _SCHEMA_HINT in root.attrib:
        del root.attrib[_SCHEMA_HINT]
    return _resource(root, _name(root, ""), 1)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def _resource(node: etree._Element, place: str, depth: int) -> dict[str, Any]:
    kind = _name(node, place)
    if not is_resource_type(kind):
        raise _refused(f"{kind[:60]!r} is not a resource type of FHIR R4.", place)
    if node.attrib:
        raise _refused(f"{place}: the root of a resource has no attributes; its id is an element.", place)
    return {"resourceType": kind, **_children(node, kind, place, depth)}


def _object(node: etree._Element, kind: str, place: str, depth: int) -> dict[str, Any]:
    """A complex element: its id, an extension's url, its children."""
    found: dict[str, Any] = {}
    for name, value in node.attrib.items():
        if name != "id" and not (name == "url" and kind == "Extension"):
            raise _refused(f"{place}: there is no attribute {str(name)[:60]!r} here.", place)
        found[str(name)] = str(value)
    found.update(_children(node, kind, place, depth))
    if not found:
        raise _refused(f"{place}: an element is not empty.", place)
    return found


def _children(node: etree._Element, kind: str, place: str, depth: int) -> dict[str, Any]:
    if depth > DEEPEST:
        raise BadRequest(f"The body nests deeper than {DEEPEST} levels.", code="too-costly", zh=f"内容嵌套超过 {DEEPEST} 层,无法处理。")
    known = _order(kind)
    found: dict[str, Any] = {}
    last, last_name = -1, ""
    for child in _elements(node, place):
        if child.tag == DIV and "div" in known:
            name = "div"
        else:
            name = _name(child, place)
        here = f"{place}.{name}"
        if name not in known:
            raise _refused(f"{here}: {kind} has no element {name[:60]!r}.", here)
        turn, element = known[name]
        if turn < last:
            raise _refused(f"{here}: comes after {last_name!r}, but R4 has it before.", here)
        if turn == last and not element.many:
            raise _refused(f"{here}: there may be only one.", here)
        last, last_name = turn, name
        _take(child, element, found, here, depth)
    return found


def _take(child: etree._Element, element: Element, found: dict[str, Any], place: str, depth: int) -> None:
    """Puts one child where JSON has it."""
    if element.type == "xhtml":
        found[element.key] = _narrative(child)
        return
    if element.type == "Resource":
        inside = list(_elements(child, place))
        if len(inside) != 1:
            raise _refused(f"{place}: holds one resource.", place)
        value: Any = _resource(inside[0], f"{place}.{_name(inside[0], place)}", depth + 1)
    elif structure(element.type).kind == "primitive":
        value, about = _primitive(child, element.type, place, depth)
        _put(found, element, value, about)
        return
    else:
        value = _object(child, element.type, place, depth + 1)
    if element.many:
        found.setdefault(element.key, []).append(value)
    else:
        found[element.key] = value


def _put(found: dict[str, Any], element: Element, value: Any, about: dict[str, Any] | None) -> None:
    """A primitive and what is said of it: `birthDate` and `_birthDate`; lists of both keep step."""
    key, shadow = element.key, f"_{element.key}"
    if not element.many:
        if value is not None:
            found[key] = value
        if about:
            found[shadow] = about
        return
    place = max(len(found.get(key, ())), len(found.get(shadow, ())))
    for name, one in ((key, value), (shadow, about or None)):
        if one is not None:
            listed = found.setdefault(name, [])
            listed.extend([None] * (place - len(listed)))
            listed.append(one)
        elif name in found:
            found[name].append(None)


def _primitive(node: etree._Element, kind: str, place: str, depth: int) -> tuple[Any, dict[str, Any] | None]:
    about: dict[str, Any] = {}
    text: str | None = None
    for name, value in node.attrib.items():
        if name == "value":
            text = str(value)
        elif name == "id":
            about["id"] = str(value)
        else:
            raise _refused(f"{place}: there is no attribute {str(name)[:60]!r} here.", place)
    about.update(_children(node, "Element", place, depth + 1))
    if text is None and not about:
        raise _refused(f"{place}: has neither a value nor an extension.", place)
    return None if text is None else _typed(text, kind), about or None


def _typed(text: str, kind: str) -> Any:
    """As JSON has it. A text that does not fit its type stays text: validation refuses it with its place."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind in _WHOLE and _INTEGER.fullmatch(text):
        return int(text)
    if kind == "decimal" and _DECIMAL.fullmatch(text):
        return Decimal(text) if "." in text or "e" in text or "E" in text or len(text) > 18 else int(text)
    return text


def _narrative(node: etree._Element) -> str:
    alone = deepcopy(node)
    alone.tail = None
    etree.cleanup_namespaces(alone)
    return etree.tostring(alone, encoding="unicode")


@cache
def _order(kind: str) -> Mapping[str, tuple[int, Element]]:
    """The elements of a structure with their turn; those of one choice share it."""
    turns: dict[str, int] = {}
    found: dict[str, tuple[int, Element]] = {}
    of = structure(kind)
    for key, element in of.elements.items():
        if key == "id" and of.kind != "resource":
            continue  # an attribute there
        if key == "url" and kind == "Extension":
            continue
        found[key] = (turns.setdefault(element.choice or key, len(turns)), element)
    return found


def _elements(node: etree._Element, place: str) -> Iterator[etree._Element]:
    """The children of an element that holds nothing but elements."""
    if node.text and node.text.strip():
        raise _refused(f"{place}: there is text between the elements; FHIR has values in attributes.", place)
    for child in node:
        if not isinstance(child.tag, str):
            raise _refused(f"{place}: entities have no place in FHIR XML.", place)
        if child.tail and child.tail.strip():
            raise _refused(f"{place}: there is text between the elements; FHIR has values in attributes.", place)
        yield child


def _name(node: etree._Element, place: str) -> str:
    name = etree.QName(node)
    if name.namespace != FHIR:
        raise _refused(f"{place or 'The root'}: {name.localname[:60]!r} is not in the namespace {FHIR}.", place)
    return name.localname


def _refused(diagnostics: str, place: str = "", *, zh: str | None = None) -> BadRequest:
    return BadRequest(diagnostics[:500], code="structure", expression=place, zh=zh or "XML 的结构不符合 FHIR R4,请检查后重新提交。")
