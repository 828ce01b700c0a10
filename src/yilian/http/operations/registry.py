"""Every operation, by type, level and name."""

from __future__ import annotations

from yilian.http.operations import Operation, record, referral, terminology

ALL: tuple[Operation, ...] = (*record.OPERATIONS, *referral.OPERATIONS, *terminology.OPERATIONS)

REGISTRY: dict[tuple[str, str, str], Operation] = {(operation.kind, operation.level, operation.name): operation for operation in ALL}
assert len(REGISTRY) == len(ALL), "two operations at one address"
