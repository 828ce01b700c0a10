"""`locate` names the very place in the resource, so that a patch can change it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from yilian.fhir.path import PathError, locate
from yilian.fhir.path.expression import place_of
from yilian.fhir.path.items import Item, children, root_item

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "name": [{"family": "张", "given": ["秀", None, "英"], "_given": [None, {"extension": [{"url": "u", "valueString": "q"}]}]}],
    "birthDate": "1950",
    "_birthDate": {"extension": [{"url": "t", "valueTime": "08:30:00"}]},
    "deceasedBoolean": False,
    "contact": [{"name": {"family": "李"}}],
}


@pytest.mark.parametrize(
    ("expression", "path", "type", "value"),
    [
        ("Patient.name", "Patient.name[0]", "HumanName", PATIENT["name"][0]),
        ("Patient.name[0].family", "Patient.name[0].family", "string", "张"),
        ("Patient.name.given[2]", "Patient.name[0].given[2]", "string", "英"),
        ("Patient.name.given[1]", "Patient.name[0].given[1]", "string", None),
        ("Patient.name.given.extension", "Patient.name[0].given[1].extension[0]", "Extension", {"url": "u", "valueString": "q"}),
        ("Patient.birthDate.extension.value", "Patient.birthDate.extension[0].value", "time", "08:30:00"),
        ("Patient.deceased", "Patient.deceased", "boolean", False),
        ("Patient.contact.where(name.family = '李').name", "Patient.contact[0].name", "HumanName", {"family": "李"}),
    ],
)
def test_a_place_is_where_the_element_stands(expression: str, path: str, type: str, value: Any) -> None:
    resource = copy.deepcopy(PATIENT)
    (place,) = locate(expression, resource)
    assert (place.path, place.type, place.value) == (path, type, value)
    if value is not None:
        assert place.container[place.key] == value  # type: ignore[index]
        place.container[place.key] = "changed"  # type: ignore[index,assignment]
        assert resource != PATIENT


def test_nothing_is_located_where_nothing_is() -> None:
    assert locate("Patient.telecom", PATIENT) == []


@pytest.mark.parametrize("expression", ["Patient", "Patient.name.count()", "'a'", "Patient.nme"])
def test_what_is_no_place_in_the_resource_is_refused(expression: str) -> None:
    with pytest.raises(PathError):
        locate(expression, PATIENT)


def test_every_place_is_found_again_by_its_path() -> None:
    def walk(item: Item) -> list[Item]:
        return [found for below in children(item) for found in (below, *walk(below))]

    for item in walk(root_item(PATIENT)):
        place = place_of(item)
        (again,) = locate(place.path, PATIENT)
        assert (again.path, again.type, again.value, again.key) == (place.path, place.type, place.value, place.key)
