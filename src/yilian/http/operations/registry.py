"""Every operation, by type, level and name."""

from __future__ import annotations

from yilian.http.operations import (
    Operation,
    access_log,
    attendance,
    booking,
    bridge,
    bulk,
    card,
    desk,
    emergency,
    expunge,
    follow_up,
    handover,
    match,
    meta,
    own_bookings,
    persons,
    rating,
    record,
    referral,
    referral_statistics,
    search_parameter,
    statistics,
    subscriptions,
    terminology,
    validate,
)

ALL: tuple[Operation, ...] = (
    *access_log.OPERATIONS,
    *attendance.OPERATIONS,
    *booking.OPERATIONS,
    *bridge.OPERATIONS,
    *bulk.OPERATIONS,
    *card.OPERATIONS,
    *desk.OPERATIONS,
    *emergency.OPERATIONS,
    *expunge.OPERATIONS,
    *follow_up.OPERATIONS,
    *handover.OPERATIONS,
    *match.OPERATIONS,
    *meta.OPERATIONS,
    *own_bookings.OPERATIONS,
    *persons.OPERATIONS,
    *rating.OPERATIONS,
    *record.OPERATIONS,
    *referral.OPERATIONS,
    *referral_statistics.OPERATIONS,
    *search_parameter.OPERATIONS,
    *statistics.OPERATIONS,
    *subscriptions.OPERATIONS,
    *terminology.OPERATIONS,
    *validate.OPERATIONS,
)

REGISTRY: dict[tuple[str, str, str], Operation] = {(operation.kind, operation.level, operation.name): operation for operation in ALL}
assert len(REGISTRY) == len(ALL), "two operations at one address"
