"""What a person granted or refused for one record holds for every record that is linked to it, and for none that no longer is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.access.consents import consent
from tests.identity.conftest import Region, encounter, person
from yilian.errors import NotFound
from yilian.store import read
from yilian.store.scope import Scope


@pytest.fixture
async def two(region: Region) -> Region:
    """a at qingshi, b at liuhe, of one person; the hospital has seen both and written nothing about either."""
    await region.put(person("a"), person("b", at="liuhe"), encounter("ea", "a", "first"), encounter("eb", "b", "first"))
    await region.put(note("na", "a"), note("nb", "b"))
    return region


def note(id: str, patient: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"text": "血压"},
        "subject": {"reference": f"Patient/{patient}"},
    }


async def sees(region: Region, scope: Scope, *ids: str) -> list[str]:
    found = []
    async with region.db.reading() as tx:
        for id in ids:
            try:
                found.append((await read.by_id(tx, scope, "Observation", id)).id)
            except NotFound:
                continue
    return found


async def refuse(region: Region, patient: str, *institutions: str, id: str = "no") -> None:
    await region.put({**consent(patient, "deny", *institutions), "id": id})


async def rules(region: Region) -> list[tuple[str, str, str]]:
    rows = await region.rows(
        "select p.id, s.id as source, coalesce(d.id, '') as derived from consent_rule c join resource p on p.rid = c.patient"
        " join resource s on s.rid = c.source left join resource d on d.rid = c.derived_from order by 1, 2, 3"
    )
    return [tuple(row) for row in rows]


async def test_a_refusal_holds_for_the_records_that_are_linked_later(two: Region) -> None:
    await refuse(two, "a", "first")
    assert await sees(two, two.first, "na", "nb") == ["nb"]
    await two.link("a", "b")
    assert await sees(two, two.first, "na", "nb") == []
    assert await rules(two) == [("a", "no", ""), ("b", "no", "a")]
    assert await sees(two, two.qingshi, "na", "nb") == ["na", "nb"], "it named the hospital alone"
    await two.unlink("a")
    assert await sees(two, two.first, "na", "nb") == ["nb"]
    assert await rules(two) == [("a", "no", "")]


async def test_a_refusal_that_comes_while_linked_holds_for_all_and_ends_for_all(two: Region) -> None:
    await two.link("a", "b")
    assert await sees(two, two.first, "na", "nb") == ["na", "nb"]
    await refuse(two, "b")
    assert await sees(two, two.first, "na", "nb") == []
    assert await rules(two) == [("a", "no", "b"), ("b", "no", "")]
    await two.put({**consent("b", "deny"), "id": "no", "status": "inactive"})
    assert await sees(two, two.first, "na", "nb") == ["na", "nb"]
    assert await rules(two) == []


async def test_of_three_records_each_has_each_rule_once(two: Region) -> None:
    await two.put(person("c", at="first"))
    await refuse(two, "a", "liuhe", id="na1")
    await refuse(two, "b", "liuhe", id="nb1")
    await two.link("a", "b")
    await two.link("b", "c")
    assert await rules(two) == [
        ("a", "na1", ""), ("a", "nb1", "b"), ("b", "na1", "a"), ("b", "nb1", ""), ("c", "na1", "a"), ("c", "nb1", "b"),
    ]  # fmt: skip
    await two.unlink("b")
    assert ("b", "nb1", "") in await rules(two)
    assert not [rule for rule in await rules(two) if rule[0] in "ac" and rule[1] == "nb1"]


async def test_what_is_granted_for_one_purpose_is_for_no_other_in_the_linked_record(two: Region) -> None:
    await two.put(person("far", at="qingshi"))
    await two.put({**consent("a", "permit", "liuhe", purposes=("HOPERAT",)), "id": "yes"})
    await two.link("a", "far")
    derived = await two.rows("select purpose, sensitive from access_ground where kind = 'consent' order by derived_from nulls first")
    assert derived
    assert len({tuple(row) for row in derived}) == 1, "a derived ground is for what it was given for"
    assert derived[0]["purpose"] is not None
