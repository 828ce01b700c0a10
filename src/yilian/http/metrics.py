"""/metrics: how many requests, how long they took; how the job queue stands. Prometheus text format, by the kept client library."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from yilian import jobs
from yilian.db import Database
from yilian.errors import YilianError
from yilian.validation import judge

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


class Metrics:
    """The figures of this process, and those of the queue, which are the same from whichever process one asks."""

    def __init__(self, db: Database) -> None:
        self.db = db

    async def answer(self, request: Request) -> Response:
        """What this process counted is answered also when the database is away."""
        text = generate_latest() + generate_latest(_of_profiles())
        try:
            async with self.db.reading() as tx:
                text += generate_latest(_of_jobs(await jobs.counts(tx)))
        except (YilianError, OSError):
            pass
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})


def _of_jobs(counts: list[jobs.Count]) -> CollectorRegistry:
    registry = CollectorRegistry()
    waiting = Gauge("yilian_jobs_waiting", "Jobs that wait for a worker, a time or an earlier job", ["kind"], registry=registry)
    running = Gauge("yilian_jobs_running", "Jobs that are carried out", ["kind"], registry=registry)
    failed = Gauge("yilian_jobs_failed", "Jobs that were given up and wait for somebody to look", ["kind"], registry=registry)
    oldest = Gauge("yilian_jobs_oldest_seconds", "How long the first job that could begin has been waiting", ["kind"], registry=registry)
    for one in counts:
        waiting.labels(one.kind).set(one.waiting)
        running.labels(one.kind).set(one.running)
        failed.labels(one.kind).set(one.failed)
        oldest.labels(one.kind).set(one.oldest_s)
    return registry


def _of_profiles() -> CollectorRegistry:
    registry = CollectorRegistry()
    checks = Gauge("yilian_profile_checks", "Writes held against a profile", ["profile", "outcome"], registry=registry)
    for (profile, became), count in judge.counted.items():
        checks.labels(profile, became).set(count)
    return registry
