"""The operations this server has, in one list. The dispatcher and the CapabilityStatement both read it, so they cannot disagree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from yilian.http.answer import Answer
from yilian.http.house import House
from yilian.http.request import Request
from yilian.store.scope import Scope

Handler = Callable[[House, Scope, Request], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Operation:
    """`name` without the $; `level` type: /Task/$x, instance: /Task/{id}/$x; `writes` is called by POST, the others by GET."""

    kind: str
    level: Literal["type", "instance"]
    name: str
    handler: Handler
    writes: bool
    purpose: str
    definition: str


def find(kind: str, level: str, name: str) -> Operation | None:
    return _registry().get((kind, level, name))


def of_type(kind: str) -> list[Operation]:
    return [operation for operation in _registry().values() if operation.kind == kind]


def _registry() -> dict[tuple[str, str, str], Operation]:
    from yilian.http.operations.registry import REGISTRY

    return REGISTRY
