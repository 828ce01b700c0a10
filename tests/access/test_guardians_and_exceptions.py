"""Consents that guardians sign, and permits with exceptions, as they are kept and read by."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.access.consents import LABEL, PAPER, REASON, consent
from tests.identity.conftest import Region, encounter, person, region
from yilian.access.guardians import is_child
from yilian.errors import Forbidden, InvalidResource
from yilian.store.change import Change
from yilian.store.scope import Scope
from yilian.store.write import write

__all__ = ["region"]

Json = dict[str, Any]
ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


def related(id: str, patient: str, code: str, **more: Any) -> Json:
    relationship = [{"coding": [{"system": ROLE, "code": code}]}]
    return {"resourceType": "RelatedPerson", "id": id, "patient": {"reference": f"Patient/{patient}"}, "relationship": relationship, **more}


def signed(who: str, patient: str, *institutions: str) -> Json:
    return {
        **consent(patient, "permit", *institutions, performer=[{"reference": f"RelatedPerson/{who}"}], sourceAttachment=PAPER),
        "id": f"c-{who}",
    }


@pytest.fixture
async def family(region: Region) -> Region:
    """A child, somebody of fifteen, and a grandmother who has a guardian; with those who might sign for them."""
    await region.put(person("child", born="2019-06-01"), person("teen", born="2011-06-01"), person("ward", born="1940-01-01"))
    await region.put(
        related("mother", "child", "MTH"), related("aunt", "child", "AUNT"), related("parted", "child", "FTH", active=False),
        related("father", "teen", "FTH"), related("daughter", "ward", "CHILD"), related("guardian", "ward", "GUARD"),
        related("minder", "teen", "GUARD"),
    )  # fmt: skip
    return region


@pytest.mark.parametrize(("who", "patient"), [("mother", "child"), ("guardian", "ward"), ("minder", "teen")])
async def test_who_may_sign_for_a_patient_opens_the_record(family: Region, who: str, patient: str) -> None:
    assert not any(ground[0] == "first" for ground in await family.grounds(patient))
    await family.put(signed(who, patient, "first"))
    assert ("first", "consent", f"c-{who}", "") in await family.grounds(patient)


@pytest.mark.parametrize(
    ("who", "patient"),
    [("aunt", "child"), ("parted", "child"), ("father", "teen"), ("daughter", "ward"), ("mother", "teen"), ("nobody", "child")],
)
async def test_who_may_not_sign_is_refused_and_nothing_is_kept(family: Region, who: str, patient: str) -> None:
    if who == "nobody":
        with pytest.raises(InvalidResource):
            await family.put(signed(who, patient, "first"))
    else:
        with pytest.raises(InvalidResource) as refused:
            await family.put(signed(who, patient, "first"))
        assert refused.value.issues[0].expression == "Consent.performer[0]"
        assert "监护人" in refused.value.issues[0].zh
    assert await family.value("select count(*) from consent_rule") == 0


async def test_an_account_of_the_patient_signs_for_nobody_and_as_nobody_else(family: Region) -> None:
    own = Scope("self", "child", "Patient/child", "孩子", frozenset({"resident"}), patient_rid=await family.rid("child"), purpose="PATRQT")
    paper = signed("mother", "child", "first")
    del paper["id"]
    async with family.db.transaction() as tx:
        with pytest.raises(Forbidden, match="guardian signs on paper"):
            await write(tx, own, [Change("POST", "Consent", None, paper)])
    assert await family.value("select count(*) from consent_rule") == 0


def test_a_child_is_one_until_the_fourteenth_birthday() -> None:
    assert is_child("2012-11-24", date(2026, 11, 23))
    assert not is_child("2012-11-23", date(2026, 11, 23))
    assert not is_child("2013", date(2026, 11, 23)), "of whom the day is not known"
    assert not is_child(None, date(2026, 11, 23))
    assert is_child("2012-02-29", date(2026, 2, 28))


async def test_a_permit_with_an_exception_grants_the_rest(region: Region) -> None:
    await region.put(person("a"), encounter("e", "a", "liuhe"))
    deny = [
        {"type": "deny", "purpose": [{"system": REASON, "code": "HOPERAT"}]},
        {"type": "deny", "securityLabel": [{"system": LABEL, "code": "PSY"}]},
    ]
    await region.put({**consent("a", "permit", "first", "liuhe", provision={"provision": deny}), "id": "c"})
    rules = await region.rows(
        "select o.id, c.purpose, c.mask, c.permit from consent_rule c join resource o on o.rid = c.institution order by 1, 2 nulls first, 3"
    )
    assert [tuple(row) for row in rules] == [
        ("first", None, 0, True), ("first", None, 1, False), ("first", 2, 0, False),
        ("liuhe", None, 0, True), ("liuhe", None, 1, False), ("liuhe", 2, 0, False),
    ]  # fmt: skip

    async def seen(where: Scope, purpose: str) -> int:
        scope = Scope("grounds", "x", "Practitioner/x", "x", frozenset({"gp"}), where.institution, where.institution_rid, purpose=purpose)
        return int(await region.value(f"select count(*) from resource r where r.id = 'a' and {scope.condition('r', ('Patient',))}"))

    assert [await seen(region.first, "TREAT"), await seen(region.first, "HOPERAT")] == [1, 0]
    assert [await seen(region.liuhe, "TREAT"), await seen(region.liuhe, "HOPERAT")] == [1, 0], "a refusal bars other grounds too"
    await region.put(person("b"))
    await region.link("a", "b")
    assert await region.value("select count(*) from consent_rule where derived_from is not null") == 6
    await region.put({**consent("a", "permit", "first"), "id": "c", "status": "inactive"})
    assert await region.value("select count(*) from consent_rule") == 0
    with pytest.raises(InvalidResource, match="twice"):
        await region.put({**consent("a", "permit", "first", "liuhe", provision={"provision": [deny[0], deny[0]]}), "id": "c"})
