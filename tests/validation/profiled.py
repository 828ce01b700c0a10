"""Profiles as the tests write them, and a resource held against them without a database."""

from __future__ import annotations

from typing import Any

from yilian.errors import Issue
from yilian.fhir.path.items import root_item
from yilian.validation import extensions, issues, profiles, shipped
from yilian.validation.book import Book
from yilian.validation.conformance import Run

Json = dict[str, Any]
CORE = "http://hl7.org/fhir/StructureDefinition/"
OWN = "https://hospital.example/"


def definition(key: str, *elements: tuple[str, Json], kind: str = "Observation", base: str = "", **more: Any) -> Json:
    """A profile with a differential of (element id, what is asked of it)."""
    listed = [{"id": id, "path": ".".join(step.partition(":")[0] for step in id.split(".")), **what} for id, what in elements]
    return {
        "resourceType": "StructureDefinition",
        "url": OWN + key,
        "name": "Own",
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": kind,
        "baseDefinition": base or CORE + kind,
        "derivation": "constraint",
        "differential": {"element": [{"id": kind, "path": kind}, *listed]},
        **more,
    }


def book_of(*definitions: Json, members: dict[tuple[str, str, str], bool | None] | None = None) -> Book:
    """What a process knows: these, what the house ships, and which codes are members; of others nothing is known."""
    book = Book("", 0)
    for one in (*profiles.definitions(), *definitions):
        book.definitions[one["url"]] = one
    book.answers.update(members or {})
    return book


def hold(book: Book, resource: Json, profile: str, *, also_extensions: bool = False) -> list[Issue]:
    """What a profile says of a resource; a name without a scheme is one of the tests' own."""
    root = root_item(resource)
    canonical = profile if ":" in profile else OWN + profile
    for _ in range(30):
        run = Run(book, root)
        run.check(root, canonical)
        if also_extensions:
            extensions.check(run)
        if not run.wanted:
            return list(run.issues)
        for key in run.wanted:
            if key[0] == "definition":
                book.definitions[key[1]] = shipped.definition(key[1].partition("|")[0])
            else:
                book.answers[key[1], key[2], key[3]] = None
    raise AssertionError("it never comes to an end")


def errors(found: list[Issue]) -> list[tuple[str, str]]:
    """(place, code) of each error, sorted."""
    return sorted((one.expression, one.code) for one in found if one.severity == "error")


def sound(resource: Json) -> Json:
    assert issues(resource) == []
    return resource
