"""What a job is: the values, how handlers say what they are, and how long one waits before trying again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yilian.db import Database

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """One attempt at one job, as its handler sees it.

    payload   as it was enqueued
    subject   jobs of one subject run one at a time and in order; None: this one stands alone
    attempt   which attempt this is, from 1
    memo      what an earlier attempt left with `note`, or {}
    worker    who holds the lease; what is written under an old lease is refused
    """

    id: int
    kind: str
    payload: dict[str, Any]
    subject: str | None
    attempt: int
    memo: dict[str, Any]
    worker: str


@dataclass(frozen=True, slots=True)
class NewJob:
    """One job to be enqueued; see `enqueue` for each field. `run_in`: not before so long after the enqueuing."""

    kind: str
    payload: Payload
    run_in: timedelta = timedelta()
    key: str | None = None
    subject: str | None = None
    priority: int = 0


Handler = Callable[["Database", Job], Awaitable[dict[str, Any] | None]]
"""Carries a job out in transactions of its own; what it returns is the result. It may be called again for the same job at any time after it
was begun, so what it does must bear being done twice (or be written together with `complete`)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How jobs of one kind are carried out.

    attempts   how often a job is begun before it is given up and stands as failed
    heavy      takes minutes or much memory; a server may leave such to `yilian work`
    timeout    an attempt that takes longer has failed; None: as long as it takes
    first_pause, longest_pause   before the second attempt, and at most; each pause is twice the one before
    """

    handler: Handler
    attempts: int = 10
    heavy: bool = False
    timeout: timedelta | None = None
    first_pause: timedelta = timedelta(seconds=2)
    longest_pause: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Periodic:
    """A job that is enqueued once in each interval, by whichever worker comes first; not while the one before still waits."""

    name: str
    kind: str
    every: timedelta
    payload: Payload = field(default_factory=dict)


class GiveUp(Exception):
    """Raised by a handler: this can never succeed, do not try again. The text is what an administrator reads."""


class Stopped(Exception):
    """The job is not ours any more: it was cancelled, or the lease ran out and another worker has it. Nothing more may be written."""


def pause(kind: Kind, attempt: int, chance: float) -> timedelta:
    """How long to wait after this failed attempt (from 1). `chance` from 0 to 1 takes off up to half, so that many do not come together."""
    longest: timedelta = min(kind.first_pause * 2 ** min(attempt - 1, 40), kind.longest_pause)
    return longest * (1 - chance / 2)
