"""The state table, line by line: what it promises other systems, and that everything else follows it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import yilian.store.migrate as migrations
from tests.referral.region import MORNING, Region
from yilian.fhir.definitions import required_codes, type_id
from yilian.referral import codes, rules, states
from yilian.referral.register import Referral, changed
from yilian.referral.states import ACTIONS, BEFORE_ARRIVAL, CLOSED, CONFINED, LIVE, OPEN, PARTS, ROWS, STATES

MIGRATION = (Path(migrations.FOLDER) / "0004_referral.sql").read_text(encoding="utf-8")

E1 = {
    # state            Task           ServiceRequest
    "draft": ("draft", "draft"),
    "in-approval": ("draft", "draft"),
    "submitted": ("requested", "active"),
    "received": ("received", "active"),
    "need-info": ("on-hold", "on-hold"),
    "accepted": ("accepted", "active"),
    "declined": ("rejected", "active"),
    "referred-onward": ("rejected", "revoked"),
    "held": ("accepted", "active"),
    "booked": ("accepted", "active"),
    "deferred": ("accepted", "active"),
    "arrived": ("in-progress", "active"),
    "no-show": ("on-hold", "active"),
    "completed": ("completed", "completed"),
    "cancelled": ("cancelled", "revoked"),
    "in-place": ("on-hold", "on-hold"),
    "against-advice": ("failed", "revoked"),
}
"""Interoperability convention E1, and two states of ours in its spirit."""

CONTRACT = [
    # from, action, to, who: the table of the outside contract, whole
    ("draft", "submit", {"in-approval", "submitted"}, {"referrer"}),
    ("in-approval", "approve", {"in-approval", "submitted"}, {"approver"}),
    ("in-approval", "return", {"draft"}, {"approver"}),
    ("submitted", "receive", {"received"}, {"receiver"}),
    *((start, "accept", {"accepted"}, {"receiver", "house"}) for start in ("submitted", "received")),
    *((start, "decline", {"declined"}, {"receiver"}) for start in ("submitted", "received")),
    *((start, "forward", {"referred-onward"}, {"receiver"}) for start in ("submitted", "received")),
    *((start, "ask", {"need-info"}, {"receiver"}) for start in ("submitted", "received")),
    ("need-info", "answer", {"received"}, {"referrer"}),
    *((start, "hold", {"held"}, {"receiver", "booker"}) for start in ("accepted", "deferred")),
    *((start, "book", {"booked"}, {"receiver", "booker"}) for start in ("accepted", "deferred", "held")),
    *((start, "defer", {"deferred"}, {"receiver", "booker"}) for start in ("accepted", "deferred")),
    ("held", "expire", {"accepted"}, {"house"}),
    ("booked", "arrive", {"arrived"}, {"receiver", "house"}),
    ("booked", "no-show", {"no-show"}, {"receiver", "house"}),
    ("booked", "cancel-booking", {"accepted"}, {"receiver", "booker", "house"}),
    ("accepted", "arrive", {"arrived"}, {"receiver", "house"}),
    ("accepted", "plan", {"accepted"}, {"receiver"}),
    ("arrived", "report", {"arrived"}, {"receiver"}),
    ("arrived", "complete", {"completed"}, {"receiver"}),
    *((start, "cancel", {"cancelled"}, {"referrer", "patient"}) for start in OPEN if start not in CONFINED),
    *((start, "cancel", {"cancelled"}, {"referrer"}) for start in CONFINED),
]

OURS = {
    ("draft", "revise"),
    ("declined", "close"),
    ("declined", "redirect"),
    *((state, "redirect") for state in ("submitted", "received")),
    *((state, "plan") for state in ("held", "booked", "deferred", "arrived")),
    *((state, "arrive") for state in ("held", "deferred", "no-show")),
    *(("no-show", action) for action in ("hold", "book", "defer")),
    ("held", "cancel-booking"),
    ("booked", "book"),
    *(
        (state, "endorse")
        for state in (*(one for one in OPEN if one not in CONFINED), "completed", "declined", "referred-onward", "against-advice")
    ),
    *((state, "stay") for state in (*BEFORE_ARRIVAL, "in-place")),
    ("in-place", "travel"),
    *((state, "leave") for state in (*BEFORE_ARRIVAL, "need-info", "in-place", "arrived")),
    *((state, action) for state in OPEN for action in ("mark", "end")),
    *((state, "green") for state in (*BEFORE_ARRIVAL, "need-info", "in-place")),
}
"""Lines the contract does not name, in its spirit."""


def test_each_state_tells_other_systems_what_the_convention_says() -> None:
    assert {code: (state.task, state.request) for code, state in STATES.items()} == E1
    tasks, requests = (
        required_codes("http://hl7.org/fhir/ValueSet/task-status"),
        required_codes("http://hl7.org/fhir/ValueSet/request-status"),
    )
    assert tasks is not None
    assert requests is not None
    assert {state.task for state in STATES.values()} <= tasks
    assert {state.request for state in STATES.values()} <= requests


def test_the_lines_are_those_of_the_contract() -> None:
    ours = {(start, row.action): (set(row.end), set(row.who)) for row in ROWS for start in row.start}
    named = {(start, action): (end, who) for start, action, end, who in CONTRACT}
    assert {key: ours[key] for key in named} == named
    assert ours.keys() - named.keys() == OURS
    assert len(ours) == sum(len(row.start) for row in ROWS)  # no cell twice


def test_every_open_state_can_be_left_and_somebody_owes_the_next_step() -> None:
    for code in OPEN:
        assert STATES[code].turn in PARTS
        assert states.row(code, "cancel") is not None
        steps = [row for row in states.rows(code) if STATES[code].turn in row.who]
        assert [row for row in steps if row.primary and row.action != "cancel"], code


def test_a_closed_state_leads_nowhere() -> None:
    for code in CLOSED:
        assert {end for row in states.rows(code) for end in row.end} <= {code}
        assert STATES[code].turn == ""


def test_states_actions_and_parts_are_spelled_one_way() -> None:
    for row in ROWS:
        assert {*row.start, *row.end} <= STATES.keys()
        assert row.action in ACTIONS
        assert set(row.who) <= set(PARTS)
        assert row.when in ("", "down", "unsettled", "overdue", "retro", "begun", "marked", "not-green")
        assert not set(row.requires) & {*row.optional, *row.one_of}
    assert all(zh and en for zh, en in ACTIONS.values())


def test_nine_reasons_lead_up_and_seven_down() -> None:
    assert (len(codes.UP_REASONS), len(codes.DOWN_REASONS)) == (9, 7)
    resources = {(one["resourceType"], one["id"]): one for one in codes.definitions()}
    listed = [len(resources["ValueSet", f"referral-{way}-reason"]["compose"]["include"][0]["concept"]) for way in ("up", "down")]
    assert listed == [9, 7]
    assert [concept["display"] for concept in resources["CodeSystem", "referral-state"]["concept"]] == [
        state.zh for state in STATES.values()
    ]


def test_the_numbers_of_types_in_the_migration_are_ours() -> None:
    assert (type_id("ServiceRequest"), type_id("Task")) == (124, 140)
    named = re.findall(r"new\.type(?: = | in \()([\d, ]+)", MIGRATION)
    assert {number for numbers in named for number in numbers.replace(" ", "").split(",")} == {"124", "140"}


async def test_the_database_knows_the_same_road_and_the_same_states(region: Region) -> None:
    async with region.db.reading() as tx:
        roads = {(row["from_state"], row["to_state"]) for row in await tx.fetch("select * from referral_road")}
        live = await tx.fetchval("select pg_get_indexdef('referral_live'::regclass)")
        check = await tx.fetchval("select pg_get_constraintdef(oid) from pg_constraint where conname = 'referral_state_check'")
    assert roads == states.roads()
    assert set(re.findall(r"'([a-z-]+)'::text", live)) == set(LIVE)
    assert set(re.findall(r"'([a-z-]+)'::text", check)) == set(STATES)


def row_in(state: str, direction: str = "up") -> Referral:
    """A referral from institution 1 to 2 in a state, for the pure rules."""
    return Referral(
        task_rid=10, task_id="t", task_ver=1, request_rid=11, request_id="r", request_ver=1, number="1", patient=7, direction=direction,
        specialty="03", priority="routine", state=state, from_org=1, to_org=2, referrer="Practitioner/gp", created_at=MORNING,
        chain=("head",), submitted_at=None if state in CONFINED else MORNING,
    )  # fmt: skip


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("direction", ["up", "down"])
def test_legal_actions_are_the_cells_of_the_table(state: str, direction: str) -> None:
    referral = row_in(state, direction)
    for part in PARTS:
        expected = {row.action for row in ROWS if state in row.start and part in row.who and rules.holds(row, referral, MORNING)}
        legal = rules.legal(referral, frozenset({part}), MORNING)
        assert {one.code for one in legal} == expected
        assert sum(one.primary for one in legal) <= 1
        if STATES[state].turn == part and any(row.primary for row in states.rows(state)):
            assert legal[0].primary


@given(st.lists(st.tuples(st.sampled_from(sorted(ACTIONS)), st.booleans())), st.sampled_from(["up", "down", "lateral"]))
def test_no_sequence_of_actions_leaves_the_table(walk: list[tuple[str, bool]], direction: str) -> None:
    referral = row_in("draft", direction)
    for action, approval in walk:
        row = states.row(referral.state, action)
        if row is None or not rules.holds(row, referral, MORNING):
            continue
        before = referral.state
        state = before if row.end == (before,) else rules.next_state(row, referral, approval_asked=approval)
        assert (before, state) in states.roads()
        assert state in STATES
        referral = changed(referral, state=state)
