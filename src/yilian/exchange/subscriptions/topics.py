"""The topics one can subscribe to: `topics.toml` as values, and as R4 tells of them.

In R4 a SubscriptionTopic is a Basic with extensions for the elements of R5, as the backport has it:
http://hl7.org/fhir/uv/subscriptions-backport/components.html#subscription-topics-in-fhir-r4
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from yilian.fhir import urls
from yilian.fhir.definitions import RESOURCE_TYPES

FILE = Path(__file__).with_name("topics.toml")
CANONICAL = urls.BASE + "SubscriptionTopic/"
CODE_SYSTEM, CODE = "http://hl7.org/fhir/fhir-types", "SubscriptionTopic"
ID_PREFIX = "topic-"
OF_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic."
ANY = "*"
NOT_OBSERVED = frozenset({"AuditEvent", "Parameters", "Subscription"})
"""The trail is not told of, Parameters are never stored, and what is told of a Subscription would cause the next telling."""
OBSERVED = frozenset(RESOURCE_TYPES) - NOT_OBSERVED


@dataclass(frozen=True, slots=True)
class Trigger:
    """See `topics.toml` for each field; searches as text."""

    type: str
    on: frozenset[str]
    current: str = ""
    previous: str = ""
    new: bool = False
    gone: bool = False
    changes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """One entry of the catalogue."""

    id: str
    title: str
    zh: str
    triggers: tuple[Trigger, ...]

    @property
    def url(self) -> str:
        return CANONICAL + self.id

    @property
    def is_of_any_type(self) -> bool:
        return any(trigger.type == ANY for trigger in self.triggers)


@cache
def catalogue() -> Mapping[str, Topic]:
    """All topics by canonical URL."""
    found = {}
    for id, entry in tomllib.loads(FILE.read_text(encoding="utf-8")).items():
        triggers = tuple(
            Trigger(
                one["type"],
                frozenset(one["on"]),
                one.get("current", ""),
                one.get("previous", ""),
                one.get("new", False),
                one.get("gone", False),
                tuple(one.get("changes", ())),
            )
            for one in entry["triggers"]
        )
        topic = Topic(id, entry["title"], entry["zh"], triggers)
        found[topic.url] = topic
    return found


def resource(topic: Topic) -> dict[str, Any]:
    """The topic as a Basic."""
    said = [("url", "valueUri", topic.url), ("title", "valueString", topic.title), ("description", "valueMarkdown", topic.zh)]
    return {
        "resourceType": "Basic",
        "id": ID_PREFIX + topic.id,
        "extension": [
            *({"url": OF_R5 + name, key: value} for name, key, value in said),
            *({"url": OF_R5 + "resourceTrigger", "extension": _trigger(one)} for one in topic.triggers),
        ],
        "modifierExtension": [{"url": OF_R5 + "status", "valueCode": "active"}],
        "code": {"coding": [{"system": CODE_SYSTEM, "code": CODE}]},
    }


def _trigger(one: Trigger) -> list[dict[str, Any]]:
    kind = "Resource" if one.type == ANY else one.type
    found: list[dict[str, Any]] = [{"url": "resource", "valueUri": f"http://hl7.org/fhir/StructureDefinition/{kind}"}]
    found += [{"url": "supportedInteraction", "valueCode": name} for name in sorted(one.on)]
    criteria: list[dict[str, Any]] = []
    if one.previous:
        criteria += [
            {"url": "previous", "valueString": one.previous},
            {"url": "resultForCreate", "valueCode": "test-passes" if one.new else "test-fails"},
        ]
    if one.current:
        criteria.append({"url": "current", "valueString": one.current})
        if "delete" in one.on:
            criteria.append({"url": "resultForDelete", "valueCode": "test-passes" if one.gone else "test-fails"})
    if criteria:
        found.append({"url": "queryCriteria", "extension": [*criteria, {"url": "requireBoth", "valueBoolean": True}]})
    if one.changes:
        text = " or ".join(f"(%previous.{name} | %current.{name}).count() > 1" for name in one.changes)
        found.append({"url": "fhirPathCriteria", "valueString": f"%previous.empty() or {text}"})
    return found
