"""What is to be done after a transaction: a queue in PostgreSQL, written in the caller's transaction, carried out by workers.

    await jobs.enqueue(tx, "subscription.deliver", {"id": "…"}, subject="Patient/1")

Each job is carried out at least once, in transactions of its handler's own, and tried again with growing pauses when it fails; see `Kind`
for how often and `complete` for exactly once. docs/decisions/0007-jobs.md tells why the queue is ours.
"""

from yilian.jobs.job import GiveUp, Handler, Job, Kind, NewJob, Payload, Periodic, Stopped, pause
from yilian.jobs.overview import Count, Entry, clear, counts, entry, latest
from yilian.jobs.queue import cancel, complete, enqueue, enqueue_many, note, retry
from yilian.jobs.worker import Worker

__all__ = [
    "Count",
    "Entry",
    "GiveUp",
    "Handler",
    "Job",
    "Kind",
    "NewJob",
    "Payload",
    "Periodic",
    "Stopped",
    "Worker",
    "cancel",
    "clear",
    "complete",
    "counts",
    "enqueue",
    "enqueue_many",
    "entry",
    "latest",
    "note",
    "pause",
    "retry",
]
