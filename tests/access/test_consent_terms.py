"""What a Consent may say, and that everything else is refused in so many words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.access.consents import LABEL, REASON, consent
from yilian.access.consent_terms import Terms, terms_of
from yilian.errors import InvalidResource
from yilian.store.scope import CARE, EMERGENCY, OPERATIONS

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
Json = dict[str, Any]


def read(resource: Json) -> Terms | None:
    return terms_of(resource, NOW, ZONE)


def test_a_permit_names_institutions() -> None:
    found = read(consent("p", "permit", "first", "second"))
    assert found == Terms(True, ("first", "second"), (), 0, NOW, None)
    assert found.gives_ground


def test_a_sensitive_kind_is_granted_by_label_and_gives_no_ground() -> None:
    found = read(consent("p", "permit", "first", labels=("PSY", "HIV"), purposes=("TREAT",)))
    assert found is not None
    assert (found.mask, found.purposes, found.gives_ground) == (3, (CARE,), False)


def test_a_refusal_may_be_of_everybody_and_of_emergencies() -> None:
    found = read(consent("p", "deny", purposes=("ETREAT", "HOPERAT")))
    assert found == Terms(False, (), (OPERATIONS, EMERGENCY), 0, NOW, None)


def test_a_period_ends_with_its_last_day_in_the_zone_of_the_region() -> None:
    found = read(consent("p", "deny", provision={"period": {"start": "2026-11-01", "end": "2026-11-30"}}))
    assert found is not None
    assert found.until == datetime(2026, 11, 30, 16, tzinfo=UTC)


@pytest.mark.parametrize("status", ["draft", "proposed", "rejected", "inactive", "entered-in-error"])
def test_what_is_not_active_says_nothing(status: str) -> None:
    assert read(consent("p", "deny", status=status)) is None


def test_consent_to_a_treatment_is_a_paper_without_a_say_here() -> None:
    treatment = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "treatment"}]}
    paper = consent("p", "permit", "first", scope=treatment)
    with pytest.raises(InvalidResource):
        read(paper)
    del paper["provision"]
    assert read(paper) is None


def excepting(*exceptions: Json) -> Json:
    """A permit for two institutions with exceptions."""
    return consent("p", "permit", "first", "second", provision={"provision": list(exceptions)})


PSY = {"securityLabel": [{"system": LABEL, "code": "PSY"}]}


def test_what_a_permit_does_not_extend_to_is_a_refusal_that_says_the_rest_as_the_permit_does() -> None:
    found = read(excepting({"type": "deny", **PSY}, {"type": "deny", "purpose": [{"system": REASON, "code": "HOPERAT"}]}))
    assert found is not None
    assert found.gives_ground
    assert found.exceptions == (
        Terms(False, ("first", "second"), (), 1, NOW, None),
        Terms(False, ("first", "second"), (OPERATIONS,), 0, NOW, None),
    )
    short = excepting({"type": "deny", "actor": consent("p", "deny", "second")["provision"]["actor"], "period": {"end": "2030"}})
    short["provision"]["period"] = {"end": "2026-11-30"}
    found = read(short)
    assert found is not None
    assert found.exceptions == (Terms(False, ("second",), (), 0, NOW, datetime(2026, 11, 30, 16, tzinfo=UTC)),)


def test_guardians_are_named_and_asked_about_later() -> None:
    found = read(consent("p", "deny", performer=[{"reference": "Patient/p"}, {"reference": "RelatedPerson/mother"}]))
    assert found is not None
    assert found.guardians == ("mother",)


RECIPIENT = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}]}
REFUSED: dict[str, tuple[Json, str]] = {
    "research": (
        consent("p", "deny", scope={"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "research"}]}),
        "Consent.scope",
    ),
    "a research purpose": (consent("p", "permit", "first", purposes=("HRESCH",)), "Consent.provision.purpose[0]"),
    "a doctor who signs for the patient": (consent("p", "deny", performer=[{"reference": "Practitioner/gp"}]), "Consent.performer[0]"),
    "classes": (consent("p", "deny", provision={"class": [{"code": "Observation"}]}), "Consent.provision.class"),
    "codes": (consent("p", "deny", provision={"code": [{"text": "x"}]}), "Consent.provision.code"),
    "single resources": (consent("p", "deny", provision={"data": []}), "Consent.provision.data"),
    "a time of the data": (consent("p", "deny", provision={"dataPeriod": {"start": "2020"}}), "Consent.provision.dataPeriod"),
    "exceptions from a refusal": (consent("p", "deny", provision={"provision": [{"type": "permit"}]}), "Consent.provision.provision"),
    "an exception that permits": (excepting({"type": "permit", **PSY}), "Consent.provision.provision[0].type"),
    "an exception from an exception": (
        excepting({"type": "deny", **PSY, "provision": [{"type": "permit"}]}), "Consent.provision.provision[0].type",
    ),
    "an exception that takes all back": (excepting({"type": "deny"}), "Consent.provision.provision[0]"),
    "an exception about others": (
        excepting({"type": "deny", "actor": consent("p", "deny", "third")["provision"]["actor"]}), "Consent.provision.provision[0].actor",
    ),
    "an exception for another purpose": (
        excepting({"type": "deny", "purpose": [{"system": REASON, "code": "ETREAT"}]}), "Consent.provision.provision[0].purpose",
    ),
    "an extension": (consent("p", "deny", provision={"extension": [{"url": "urn:x"}]}), "Consent.provision.extension"),
    "no type": (consent("p", ""), "Consent.provision.type"),
    "a permit for everybody": (consent("p", "permit"), "Consent.provision.actor"),
    "an unknown label": (
        consent("p", "permit", "first", provision={"securityLabel": [{"system": LABEL, "code": "XXX"}]}),
        "Consent.provision.securityLabel[0]",
    ),
    "a grant for emergencies": (consent("p", "permit", "first", purposes=("ETREAT",)), "Consent.provision.purpose[0]"),
    "a beginning to come": (consent("p", "deny", provision={"period": {"start": "2026-12-01"}}), "Consent.provision.period.start"),
    "no such day": (consent("p", "deny", provision={"period": {"end": "2026-02-30"}}), "Consent.provision.period"),
    "another action": (
        consent("p", "deny", provision={"action": [{"coding": [{"system": "urn:x", "code": "disclose"}]}]}),
        "Consent.provision.action[0]",
    ),
    "a doctor as actor": (
        consent("p", "deny", provision={"actor": [{"role": RECIPIENT, "reference": {"reference": "Practitioner/gp"}}]}),
        "Consent.provision.actor[0].reference",
    ),
    "an actor of another kind": (
        consent("p", "deny", provision={"actor": [{"role": {"text": "x"}, "reference": {"reference": "Organization/first"}}]}),
        "Consent.provision.actor[0].role",
    ),
    "what nobody verified": (consent("p", "deny", verification=[{"verified": False}]), "Consent.verification"),
    "no provision": ({**consent("p", "deny"), "provision": None}, "Consent.provision"),
    "no patient": ({**consent("p", "deny"), "patient": None}, "Consent.patient"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_could_not_be_kept_is_refused_with_its_place(what: str) -> None:
    resource, place = REFUSED[what]
    with pytest.raises(InvalidResource) as refused:
        read(resource)
    assert refused.value.issues[0].expression == place
    assert refused.value.issues[0].zh.endswith("未保存。")
