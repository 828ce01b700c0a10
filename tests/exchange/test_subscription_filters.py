"""A filter tells of exactly what the same search would find, and an outbox that nobody listens to costs a write nothing to speak of."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yilian.access.addresses import Allowed
from yilian.db import Database, utc_now
from yilian.errors import YilianError
from yilian.exchange.subscriptions import known, outbox
from yilian.exchange.subscriptions.definition import Definition, search_of
from yilian.exchange.subscriptions.matching import Happened, watches
from yilian.exchange.subscriptions.topics import CANONICAL, catalogue
from yilian.fhir.dates import region_zone
from yilian.store.change import Change
from yilian.store.find import find
from yilian.store.scope import SYSTEM
from yilian.store.write import write

Json = dict[str, Any]
STATUSES = ("final", "preliminary", "amended")
CODES = ("8480-6", "8462-4", "718-7")

observations = st.builds(
    lambda status, code, value, day, patient: {
        "resourceType": "Observation",
        "status": status,
        "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": "血压" if code == "8480-6" else "x"},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": f"2026-11-{day:02}",
        "valueQuantity": {"value": value, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"},
    },
    st.sampled_from(STATUSES),
    st.sampled_from(CODES),
    st.integers(80, 120),
    st.integers(1, 28),
    st.sampled_from(("a", "b")),
)
conditions = st.one_of(
    st.sampled_from(STATUSES).map(lambda status: f"status={status}"),
    st.sampled_from(STATUSES).map(lambda status: f"status:not={status}"),
    st.sampled_from(CODES).map(lambda code: f"code=http://loinc.org|{code}"),
    st.sampled_from(("a", "b", "c")).map(lambda patient: f"patient=Patient/{patient}"),
    st.tuples(st.sampled_from(("ge", "lt", "eq")), st.integers(1, 28)).map(lambda p: f"date={p[0]}2026-11-{p[1]:02}"),
    st.tuples(st.sampled_from(("gt", "le", "")), st.integers(80, 120)).map(lambda p: f"value-quantity={p[0]}{p[1]}"),
    st.sampled_from(("code:text=血压", "value-quantity:missing=false", "component-code:missing=true")),
)
ASKED = 60


async def test_a_filter_tells_of_what_the_same_search_finds(db: Database, record_property: Any) -> None:
    async with db.transaction() as tx:
        await write(tx, SYSTEM, [Change("PUT", "Patient", id, {"resourceType": "Patient", "id": id}) for id in "ab"])
    stored: list[Json] = []
    compared = 0

    @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(observations)
    def make(one: Json) -> None:
        stored.append({**one, "id": f"o{len(stored)}"})

    make()
    async with db.transaction() as tx:
        written = await write(tx, SYSTEM, [Change("PUT", "Observation", one["id"], one) for one in stored])
    resources = [done.resource or {} for done in written]
    asked: list[list[str]] = []

    @settings(max_examples=ASKED, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(conditions, min_size=1, max_size=3))
    def choose(some: list[str]) -> None:
        asked.append(some)

    choose()
    told_some = 0
    for some in asked:
        text = "&".join(some)
        definition = Definition(CANONICAL + "resource-changed", (("Observation", text),), "websocket", "", "", "id-only")
        watch = watches(1, definition, region_zone())["Observation"]
        told = {one["id"] for one in resources if watch.is_met(Happened("create", one, None, db.clock()))}
        async with db.reading() as tx:
            page = await find(tx, SYSTEM, search_of("Observation", text, region_zone()))
        assert told == {match.id for match in page.matches}, text
        told_some += 0 < len(told) < len(resources)
        compared += 1
    assert told_some > ASKED / 4
    record_property("compared", compared)


def test_every_topic_can_be_watched_and_says_what_it_is() -> None:
    for topic in catalogue().values():
        filters = (("Observation", ""),) if topic.is_of_any_type else ()
        each = watches(1, Definition(topic.url, filters, "websocket", "", "", "id-only"), region_zone())
        assert each, topic.id


def test_a_change_is_held_against_what_was_before() -> None:
    now = utc_now()

    def happened(interaction: Any, status: str, before: str = "") -> Happened:
        def task(status: str) -> Json:
            coding = {"system": "https://yilian.example/fhir/CodeSystem/referral-task", "code": "referral"}
            return {"resourceType": "Task", "id": "t", "status": status, "intent": "order", "code": {"coding": [coding]}}

        return Happened(interaction, task(status), json.dumps(task(before)).encode() if before else None, now)

    definition = Definition(CANONICAL + "referral-state", (), "websocket", "", "", "id-only")
    watch = watches(1, definition, region_zone())["Task"]
    assert watch.is_met(happened("create", "requested"))
    assert watch.is_met(happened("update", "accepted", "requested"))
    assert not watch.is_met(happened("update", "accepted", "accepted"))
    assert not watch.is_met(happened("delete", "accepted", "accepted"))


def test_addresses_inside_the_network_are_for_the_administrator_to_allow() -> None:
    public = Allowed.of("")
    for url in (
        "https://10.0.0.1/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://169.254.169.254/latest",
        "https://localhost/x",
        "https://0/x",
        "https://0x7f000001/x",
        "https://2130706433/x",
        "http://example.org/x",
        "ftp://example.org/x",
        "https://a@example.org/x",
        "https://example.org/x y",
        "https://example.org:99999/x",
    ):
        assert public.may_send(url), url
    assert public.may_send("https://example.org/x") == ""
    assert Allowed.of("lis.local:8443, 10.0.0.1").may_send("http://lis.local:8443/x") == ""
    assert Allowed.of("lis.local:8443").may_send("http://lis.local/x")
    assert Allowed.of("10.0.0.1").may_send("https://10.0.0.1/x") == ""


async def test_a_write_that_nobody_listens_to_pays_next_to_nothing(db: Database, record_property: Any) -> None:
    """CPU of the reaction and of knowing, against the write itself, in one run; no wall clock."""
    async with db.reading() as looking:
        await known.keep_fresh(looking)

    async def one(n: int) -> tuple[float, float]:
        async with db.transaction() as tx:
            begun = time.process_time()
            written = await write(tx, SYSTEM, [Change("POST", "Basic", None, {"resourceType": "Basic", "code": {"text": str(n)}})])
            middle = time.process_time()
            for _ in range(100):
                await known.keep_fresh(tx)
                await outbox.follow(tx, SYSTEM, written)
            return middle - begun, (time.process_time() - middle) / 100

    each = [await one(n) for n in range(50)]
    writing, telling = sum(write for write, _ in each), sum(tell for _, tell in each)
    record_property("share", round(telling / writing, 5))
    assert telling < 0.02 * writing


def test_a_filter_that_search_cannot_answer_from_one_resource_is_refused() -> None:
    for text in ("patient.name=x", "_has:Provenance:target:agent=x", "code:in=http://x", "_list=4", "_sort=date", "colour=red"):
        with pytest.raises(YilianError):
            search_of("Observation", text, region_zone())
