"""The operations this server has. The dispatcher and the CapabilityStatement both read one list, so they cannot disagree.

Each file here ends with its own `OPERATIONS`; `registry` puts them together.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from yilian.http.answer import Answer
from yilian.http.house import House
from yilian.http.request import Request
from yilian.store.scope import Scope

Handler = Callable[[House, Scope, Request], Awaitable[Answer]]
Level = Literal["system", "type", "instance"]
HL7 = "http://hl7.org/fhir/OperationDefinition/"
WITHOUT = ("", "AuditEvent")
EVERY_TYPE = "Resource"
"""In place of a type: the operation is there for all of them but AuditEvent, which the server writes and nobody labels or removes."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation at one level.

    kind     the resource type, EVERY_TYPE for all, "" at system level
    level    system: /$x, type: /Task/$x, instance: /Task/{id}/$x
    name     without the $
    writes   whether it changes anything: it is then called by POST alone
    methods  GET and POST where an operation that only reads takes a body of Parameters as well
    """

    kind: str
    level: Level
    name: str
    handler: Handler
    writes: bool
    purpose: str
    definition: str
    methods: tuple[str, ...] = ()

    @property
    def called_by(self) -> tuple[str, ...]:
        return self.methods or (("POST",) if self.writes else ("GET",))


def find(kind: str, level: str, name: str) -> Operation | None:
    """The operation at this address, if there is one: that of the type before that of every type."""
    registry = _registry()
    return registry.get((kind, level, name)) or (registry.get((EVERY_TYPE, level, name)) if kind not in WITHOUT else None)


def of_type(kind: str) -> list[Operation]:
    """Those one can call on this type or on its resources; "" for the system's."""
    named = [operation for operation in _registry().values() if operation.kind == kind]
    own = {(operation.level, operation.name) for operation in named}
    if kind not in WITHOUT:
        named += [o for o in _registry().values() if o.kind == EVERY_TYPE and (o.level, o.name) not in own]
    return named


def _registry() -> dict[tuple[str, str, str], Operation]:
    from yilian.http.operations.registry import REGISTRY

    return REGISTRY
