"""A Subscription understood: which events, told how, to where. Pure.

What is not understood, or could not be kept to, is refused by its name: a subscription that is never told of anything is worse than none.
Profile: http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, tzinfo
from typing import Any, Literal
from urllib.parse import parse_qsl

from yilian.errors import BadRequest, InvalidResource, Issue, NotSupported, YilianError
from yilian.exchange.subscriptions.topics import ANY, OBSERVED, Topic, catalogue
from yilian.fhir import urls
from yilian.search.match import check
from yilian.search.query import Query, parse

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
PROFILE = BACKPORT + "backport-subscription"
TOPIC, FILTER = BACKPORT + "backport-topic-canonical", BACKPORT + "backport-filter-criteria"
CONTENT, CHANNEL_TYPE = BACKPORT + "backport-payload-content", BACKPORT + "backport-channel-type"
HEARTBEAT, TIMEOUT, MAX_COUNT = BACKPORT + "backport-heartbeat-period", BACKPORT + "backport-timeout", BACKPORT + "backport-max-count"
CHANNELS = urls.BASE + "CodeSystem/subscription-channel"
SSE = "sse"

Channel = Literal["rest-hook", "websocket", "sse"]
Content = Literal["empty", "id-only", "full-resource"]
CONTENTS = ("empty", "id-only", "full-resource")
JSON_TYPES = ("application/fhir+json", "application/json")

LEAST_HEARTBEAT_S = 15
TIMEOUT_S, LONGEST_TIMEOUT_S = 10, 60
COUNT, MOST_COUNT = 20, 200
MOST_FILTERS = 20
HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]{0,4000})")
OUR_HEADERS = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "expect", "host", "keep-alive", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "x-yilian-signature", "x-yilian-subscription"}
)
"""What the sender itself says about the request."""
LOOKS = ("_include", "_revinclude", "_sort", "_count", "_total", "_summary", "_elements", "_cursor", "_contained", "_containedType")


@dataclass(frozen=True, slots=True)
class Definition:
    """What a Subscription asks for.

    topic         canonical URL; "" where R4's own `criteria` say it
    filters       (type, search text); those of one type must all hold
    channel       how; endpoint: to where (rest-hook)
    payload       mime type; "" for R4's notification without a body
    heartbeat_s   0: none; timeout_s: of one attempt; max_count: events in one notification at most
    """

    topic: str
    filters: tuple[tuple[str, str], ...]
    channel: Channel
    endpoint: str
    payload: str
    content: Content
    heartbeat_s: int = 0
    timeout_s: int = TIMEOUT_S
    max_count: int = COUNT

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def of_json(value: dict[str, Any]) -> Definition:
        return Definition(**{**value, "filters": tuple((kind, text) for kind, text in value["filters"])})

    def types(self) -> frozenset[str]:
        """The resource types whose changes may be told."""
        topic = catalogue().get(self.topic)
        if topic is None or topic.is_of_any_type:
            return frozenset(kind for kind, _ in self.filters)
        return frozenset(trigger.type for trigger in topic.triggers)


def understood(resource: dict[str, Any], zone: tzinfo) -> Definition:
    """The definition of a valid Subscription. Raises InvalidResource, which names the element and what is possible."""
    channel = resource.get("channel") or {}
    kind = _channel(channel)
    topic, filters = _criteria(resource, zone)
    payload, content = _payload(channel, bool(topic))
    if kind != "rest-hook" and not payload:
        payload = JSON_TYPES[0]
    return Definition(
        topic,
        filters,
        kind,
        _endpoint(channel, kind),
        payload,
        content,
        _number(channel, HEARTBEAT, "valueUnsignedInt", 0, LEAST_HEARTBEAT_S, 86_400 * 7),
        _number(channel, TIMEOUT, "valueUnsignedInt", TIMEOUT_S, 1, LONGEST_TIMEOUT_S),
        _number(channel, MAX_COUNT, "valuePositiveInt", COUNT, 1, MOST_COUNT),
    )


def headers_of(resource: dict[str, Any]) -> list[tuple[str, str]]:
    """`channel.header` as (name, value). Raises InvalidResource; what is said of a value never repeats it."""
    found: list[tuple[str, str]] = []
    for place, text in enumerate((resource.get("channel") or {}).get("header") or ()):
        match = HEADER.fullmatch(text) if isinstance(text, str) else None
        where = f"channel.header[{place}]"
        if match is None:
            raise _refused("A header is written `Name: value`.", where)
        if match[1].lower() in OUR_HEADERS:
            raise _refused(f"The header {match[1]} is set by the sender of notifications and cannot be chosen.", where)
        if not match[2].isascii():
            raise _refused(f"The header {match[1]} has characters outside of ASCII.", where)
        found.append((match[1], match[2].strip()))
    return found


def ends_of(resource: dict[str, Any]) -> datetime | None:
    """`Subscription.end`, aware."""
    return datetime.fromisoformat(resource["end"]) if resource.get("end") else None


def search_of(kind: str, text: str, zone: tzinfo) -> Query:
    """The search of a filter; "" matches everything of the type.

    Raises BadRequest or NotSupported for what is no search, or cannot be answered from one resource.
    """
    try:
        given = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError as error:
        raise BadRequest(f"{text[:80]!r} cannot be read as a query string.") from error
    for name, _ in given:
        if name.partition(":")[0] in LOOKS:
            raise BadRequest(f"{name[:60]} says how an answer looks; a filter says only what is told.")
    query = parse(kind, given, zone=zone)
    for clause in query.clauses:
        check(clause)
    return query


def _criteria(resource: dict[str, Any], zone: tzinfo) -> tuple[str, tuple[tuple[str, str], ...]]:
    criteria = str(resource.get("criteria") or "").strip()
    named = [one.get("valueUri") or one.get("valueCanonical") or "" for one in _extensions(resource, TOPIC)]
    texts = [(f"criteria.extension[{n}]", one.get("valueString") or "") for n, one in _filters(resource)]
    if named and named[0] != criteria:
        texts.insert(0, ("criteria", criteria))
        criteria = named[0]
    elif not named and "://" not in criteria.partition("?")[0] and not criteria.startswith("urn:"):
        if texts:
            raise _refused("Filters belong to a topic; `criteria` is a search here. Put the topic's canonical URL there.", texts[0][0])
        return "", (_filter("criteria", criteria, None, zone),)
    topic = catalogue().get(criteria.partition("|")[0])
    if topic is None:
        known = ", ".join(catalogue())
        raise _refused(f"There is no topic {criteria[:200]!r}; there are {known}.", "criteria", "not-supported")
    if len(texts) > MOST_FILTERS:
        raise _refused(f"A subscription has at most {MOST_FILTERS} filters.", "criteria")
    filters = tuple(_filter(place, text, topic, zone) for place, text in texts)
    if topic.is_of_any_type and not filters:
        raise _refused("This topic is of any type: name the types in filters, such as Observation?status=final or Patient?.", "criteria")
    return topic.url, filters


def _filter(place: str, text: str, topic: Topic | None, zone: tzinfo) -> tuple[str, str]:
    kind, question, query = text.partition("?")
    types = None if topic is None or topic.is_of_any_type else {trigger.type for trigger in topic.triggers}
    if not question and types is not None and "=" in text and len(types) == 1:
        kind, query = next(iter(types)), text  # the key alone: the topic knows the type
    elif not question and "=" in text:
        raise _refused(f"{text[:80]!r} does not say of which type; write Observation?{text[:60]}.", place)
    if kind not in (types or OBSERVED) or ANY in kind:
        there = f"this topic is about {', '.join(sorted(types))}" if types else "only stored record types can be subscribed to"
        raise _refused(f"{kind[:60]!r} cannot be subscribed to: {there}.", place, "not-supported")
    try:
        search_of(kind, query, zone)
    except YilianError as error:
        raise _refused(str(error), place, "not-supported" if isinstance(error, NotSupported) else "invalid") from error
    return kind, query


def _channel(channel: dict[str, Any]) -> Channel:
    kind = channel.get("type")
    place = "channel.type"
    for one in _extensions(channel.get("_type") or {}, CHANNEL_TYPE):
        coding = one.get("valueCoding") or {}
        if (coding.get("system"), coding.get("code")) != (CHANNELS, SSE):
            raise _refused(f"This channel is not known; {CHANNELS}#{SSE} is, beside rest-hook and websocket.", place, "not-supported")
        return "sse"
    if kind == "rest-hook":
        return "rest-hook"
    if kind == "websocket":
        return "websocket"
    raise _refused(f"The channel {kind!r} is not done here; rest-hook and websocket are.", place, "not-supported")


def _endpoint(channel: dict[str, Any], kind: Channel) -> str:
    endpoint = str(channel.get("endpoint") or "")
    if kind == "rest-hook" and not endpoint:
        raise _refused("A rest-hook needs the address notifications are sent to.", "channel.endpoint", "required")
    if kind != "rest-hook" and endpoint:
        raise _refused("Whoever listens connects here; leave the endpoint out.", "channel.endpoint")
    if kind != "rest-hook" and channel.get("header"):
        raise _refused("Headers are sent by a rest-hook only; leave them out.", "channel.header")
    return endpoint


def _payload(channel: dict[str, Any], has_topic: bool) -> tuple[str, Content]:
    payload = str(channel.get("payload") or "")
    codes: list[Any] = [one.get("valueCode") for one in _extensions(channel.get("_payload") or {}, CONTENT)]
    if payload and payload.partition(";")[0].strip().lower() not in JSON_TYPES:
        raise _refused(f"Notifications come as {JSON_TYPES[0]}, not as {payload[:60]!r}.", "channel.payload", "not-supported")
    if codes and codes[0] not in CONTENTS:
        raise _refused(f"The content is one of {', '.join(CONTENTS)}, not {str(codes[0])[:40]!r}.", "channel.payload", "not-supported")
    if has_topic and not payload:
        payload = JSON_TYPES[0]
    default: Content = "id-only" if payload else "empty"
    return payload.partition(";")[0].strip().lower(), codes[0] if codes else default


def _number(channel: dict[str, Any], url: str, key: str, default: int, least: int, most: int) -> int:
    found = [one.get(key) for one in _extensions(channel, url)]
    if not found:
        return default
    if not isinstance(found[0], int) or not least <= found[0] <= most:
        raise _refused(f"{url.rpartition('/')[2]} is a {key} from {least} to {most}.", "channel.extension")
    return found[0]


def _extensions(element: dict[str, Any], url: str) -> list[dict[str, Any]]:
    return [one for one in element.get("extension") or () if isinstance(one, dict) and one.get("url") == url]


def _filters(resource: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, one in enumerate((resource.get("_criteria") or {}).get("extension") or ()):
        if one.get("url") == FILTER:
            yield number, one


def _refused(text: str, place: str, code: str = "invalid") -> InvalidResource:
    return InvalidResource(text, issues=[Issue("error", code, text, f"Subscription.{place}", "订阅无法受理,请按说明修改。")])


__all__ = ["Definition", "ends_of", "headers_of", "search_of", "understood"]
