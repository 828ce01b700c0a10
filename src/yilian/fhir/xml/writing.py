"""The value of a resource → XML, its elements in the order of the standard, whatever their order in JSON was."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any

from lxml import etree

from yilian.errors import NotAcceptable
from yilian.fhir.definitions import Element, structure
from yilian.fhir.xml.names import FHIR


def dump(resource: dict[str, Any], *, pretty: bool = False) -> bytes:
    """UTF-8 XML of a valid resource. Raises NotAcceptable for what XML cannot carry (control characters, an unknown element)."""
    root = etree.Element(f"{{{FHIR}}}{resource['resourceType']}", nsmap={None: FHIR})  # type: ignore[dict-item]
    try:
        _fill(root, resource, resource["resourceType"])
        return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=pretty)
    except (ValueError, KeyError, TypeError, AttributeError, etree.XMLSyntaxError) as error:
        raise NotAcceptable(
            f"This cannot be written as XML ({error}); ask for application/fhir+json.", zh="该内容无法以 XML 表示,请改用 JSON。"
        ) from None


def _fill(node: etree._Element, value: dict[str, Any], kind: str) -> None:
    of = structure(kind)
    resource = of.kind == "resource"
    unknown = value.keys() - _keys(kind)
    if unknown:
        raise ValueError(f"{kind} has no element {sorted(unknown)[0][:60]!r}")
    for key, element in of.elements.items():
        if not resource and (key == "id" or (key == "url" and kind == "Extension")):
            if key in value:
                node.set(key, value[key])
            continue
        for one, about in _each(value.get(key), value.get(f"_{key}"), element):
            _child(node, element, one, about)


def _each(value: Any, about: Any, element: Element) -> Iterator[tuple[Any, Any]]:
    if not element.many:
        if value is not None or about is not None:
            yield value, about
        return
    values, abouts = value or [], about or []
    for place in range(max(len(values), len(abouts))):
        yield values[place] if place < len(values) else None, abouts[place] if place < len(abouts) else None


def _child(parent: etree._Element, element: Element, value: Any, about: Any) -> None:
    if element.type == "xhtml":
        parent.append(etree.fromstring(value, etree.XMLParser(resolve_entities=False, no_network=True)))
        return
    node = etree.SubElement(parent, f"{{{FHIR}}}{element.key}")
    if element.type == "Resource":
        inside = etree.SubElement(node, f"{{{FHIR}}}{value['resourceType']}")
        _fill(inside, value, value["resourceType"])
    elif structure(element.type).kind == "primitive":
        if about is not None:
            _fill(node, about, "Element")
        if value is not None:
            node.set("value", _text(value))
    else:
        _fill(node, value, element.type)


def _text(value: Any) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, (int, Decimal)):
        return str(value)
    raise ValueError(f"a {type(value).__name__} stands where a single value should")


@cache
def _keys(kind: str) -> frozenset[str]:
    """Every key an object of this structure may have in JSON."""
    of = structure(kind)
    keys = {*of.elements, *(f"_{key}" for key in of.elements)}
    return frozenset(keys | {"resourceType"} if of.kind == "resource" else keys)
