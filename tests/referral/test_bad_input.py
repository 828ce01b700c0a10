"""Whatever is sent, nothing but an error of the house comes back, and nothing is stored."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.referral.region import OUTCOME, Region, a_plan, act_parameters, decline_reason, down, refer_parameters, up, version_of
from yilian import referral
from yilian.errors import BadRequest, InvalidResource, YilianError


class _Undo(Exception):
    """Takes back what would have been done."""


JUNK: list[Any] = [
    None, True, 0, -1.5, "", " ", "x", "\u0000", "Patient/p1", "Patient/../p1", "urn:uuid:1", "#x", "http://elsewhere/Patient/p1",
    "超" * 20_000, [], [[]], [None], ["x"], {}, {"x": 1}, {"reference": 5}, {"coding": "x"}, {"coding": [{"code": ["x"]}]}, {"coding": [5]},
    {"text": 3},
    [{"coding": [{"system": 1, "code": {}}]}], {"reference": "Organization/first"}, {"resourceType": "Patient"},
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every node of a JSON value."""
    found = [path] if path else []
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in below:
        found += places(item, (*path, key))
    return found


def spoiled(value: dict[str, Any], place: tuple[Any, ...], junk: Any) -> dict[str, Any]:
    made = copy.deepcopy(value)
    here: Any = made
    for key in place[:-1]:
        here = here[key]
    here[place[-1]] = junk
    return made


STEPS: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    # key of the referral, parameters that are sound for it
    "accept": ("sent", lambda: act_parameters("accept", practitioner="Practitioner/gp", start="2026-11-24", note="x", plan=a_plan())),
    "decline": ("sent", lambda: act_parameters("decline", reason=decline_reason())),
    "forward": ("sent", lambda: act_parameters("forward", to="Organization/liuhe", note="x")),
    "complete": ("here", lambda: act_parameters("complete", attachment="Observation/o", plan=a_plan(), **OUTCOME)),
}


async def outcome(region: Region, run: Callable[[Any], Awaitable[Any]]) -> int:
    """The status of a request that is rolled back in any case, 200 when it would have been done. Errors of others are raised."""
    try:
        async with region.db.transaction() as tx:
            await run(tx)
            raise _Undo
    except _Undo:
        return 200
    except YilianError as error:
        return error.status if error.issues[0].diagnostics else 0


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_a_spoiled_referral_is_refused_in_words(region: Region, data: st.DataObject) -> None:
    await _prepared(region)
    sound = refer_parameters(
        up("p1", note=[{"text": "x"}], supportingInfo=[{"reference": "Observation/o"}]), note="x", consent="oral", submit=True
    )
    place, junk = data.draw(st.sampled_from([(), *places(sound)])), data.draw(st.sampled_from(JUNK))
    value = spoiled(sound, place, junk) if place else sound
    status = await outcome(region, lambda tx: referral.refer(tx, region.scope("gp"), value))
    assert status == 200 if not place else status in (200, 400, 404, 422)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_a_spoiled_step_is_refused_in_words(region: Region, data: st.DataObject) -> None:
    await _prepared(region)
    key, parameters = STEPS[data.draw(st.sampled_from(sorted(STEPS)))]
    task, sound = region.made[key], parameters()
    place, junk = data.draw(st.sampled_from([(), *places(sound)])), data.draw(st.sampled_from(JUNK))
    value = spoiled(sound, place, junk) if place else sound
    status = await outcome(region, lambda tx: referral.act(tx, region.scope("gp"), task["id"], version_of(task), value))
    assert status == 200 if not place else status in (200, 400, 404, 422)


async def _prepared(region: Region) -> None:
    """Down-referrals to gp's township, one just sent and one arrived, and a value to attach; made once for all examples."""
    if region.made:
        return
    await region.write(
        {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "血糖"}, "subject": {"reference": "Patient/p1"}}
    )
    await region.refer("gp", up("p1", priority="stat", specialty="04.03"))  # so that the city hospital sees the patient
    _, region.made["sent"] = await region.refer("expert", down("p1", "qingshi", specialty="02"))
    _, home = await region.refer("expert", down("p1", "qingshi", specialty="21"))
    home = await region.act("gp", home, "accept")
    region.made["here"] = await region.act("gp", home, "arrive")


@pytest.mark.parametrize(
    "parameters",
    [
        {"resourceType": "Bundle"},
        {"resourceType": "Parameters"},
        {"resourceType": "Parameters", "parameter": {}},
        {"resourceType": "Parameters", "parameter": [5]},
        {"resourceType": "Parameters", "parameter": [{"name": "request"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "request", "resource": {"resourceType": "Task"}}]},
        {"resourceType": "Parameters", "parameter": [{"name": "slot", "valueReference": {"reference": "Slot/1"}}]},
    ],
)
async def test_parameters_of_another_shape_are_refused(region: Region, parameters: dict[str, Any]) -> None:
    async with region.db.transaction() as tx:
        with pytest.raises(BadRequest):
            await referral.refer(tx, region.scope("gp"), parameters)


async def test_booking_with_the_referral_is_not_silently_ignored(region: Region) -> None:
    async with region.db.transaction() as tx:
        with pytest.raises(YilianError) as caught:
            await referral.refer(tx, region.scope("gp"), refer_parameters(up("p1"), slot="Slot/1"))
    assert (caught.value.status, caught.value.issues[0].code) == (422, "not-found")


async def test_an_overlong_text_is_refused(region: Region) -> None:
    with pytest.raises(BadRequest, match="attach a document"):
        await region.refer("gp", note="长" * 10_001)


async def test_a_task_that_is_no_referral_cannot_be_moved(region: Region) -> None:
    todo = {"resourceType": "Task", "id": "todo", "status": "requested", "intent": "order", "for": {"reference": "Patient/p1"}}
    await region.write(todo)
    with pytest.raises(BadRequest, match="no referral"):
        await region.act("gp", await region.read("gp", "Task/todo"), "cancel", reason="x")
    with pytest.raises(BadRequest, match="no referral"):
        await region.actions("gp", todo)


async def test_a_plan_for_another_patient_or_without_content_is_refused(region: Region) -> None:
    await _prepared(region)
    for plan in ({**a_plan(), "subject": {"reference": "Patient/p2"}}, {"resourceType": "CarePlan"}, {**a_plan(), "period": "soon"}):
        with pytest.raises(InvalidResource):
            await region.act("gp", region.made["sent"], "accept", plan=plan)
