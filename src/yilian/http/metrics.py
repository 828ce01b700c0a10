"""/metrics: how many requests, how long they took. Prometheus text format, by the kept client library."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response

REQUESTS = Counter("yilian_http_requests_total", "Requests under /fhir", ["method", "status"])
SECONDS = Histogram(
    "yilian_http_request_seconds", "Duration of requests under /fhir", buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
)

_counters: dict[tuple[str, int], Counter] = {}


def observe(method: str, status: int, seconds: float) -> None:
    """Count one request. Methods that are not FHIR's are counted together, so that nobody can fill the memory with names."""
    if method not in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"):
        method = "other"
    counter = _counters.get((method, status))
    if counter is None:
        counter = _counters[(method, status)] = REQUESTS.labels(method, str(status))
    counter.inc()
    SECONDS.observe(seconds)


async def metrics(request: Request) -> Response:
    return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})
