"""GET /Basic?code=SubscriptionTopic and /Basic/topic-…: what one can subscribe to, for everyone who is signed in.

Topics come with the platform and are not in the store. FHIR R4 has no resource for them; the backport has them as Basic.
"""

from __future__ import annotations

from typing import Any

from yilian.errors import NotFound
from yilian.exchange.subscriptions.topics import CODE, CODE_SYSTEM, ID_PREFIX, catalogue, resource
from yilian.http.answer import Answer, of_json
from yilian.http.bundles import link
from yilian.http.request import Request

ASKED = ([("code", CODE)], [("code", f"{CODE_SYSTEM}|{CODE}")])


def answer(request: Request) -> Answer | None:
    """The answer to a request that is about topics; None when it is about something else."""
    if request.method != "GET":
        return None
    if len(request.segments) == 1 and request.query in ASKED:
        entries: list[dict[str, Any]] = [
            {"fullUrl": f"{request.base}/Basic/{ID_PREFIX}{topic.id}", "resource": resource(topic), "search": {"mode": "match"}}
            for topic in catalogue().values()
        ]
        self_link = {"relation": "self", "url": link(request.base, "Basic", request.query)}
        return of_json({"resourceType": "Bundle", "type": "searchset", "total": len(entries), "link": [self_link], "entry": entries})
    if len(request.segments) == 2 and request.segments[1].startswith(ID_PREFIX):
        for topic in catalogue().values():
            if request.segments[1] == ID_PREFIX + topic.id:
                return of_json(resource(topic))
        raise NotFound(f"There is no topic {request.segments[1][:64]!r}; GET /Basic?code={CODE} lists them.")
    return None
