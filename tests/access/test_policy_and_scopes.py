"""How far each post sees, what it may write, and what a SMART scope leaves of that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.access.conftest import House, encounter, organization, patient
from tests.access.journey import bearer, tokens_of
from yilian.access import accounts, clients, policy, smart
from yilian.access.accounts import Post
from yilian.access.policy import joint, may, require
from yilian.access.smart import clauses, granted, rights
from yilian.access.tokens import issue_for_user
from yilian.errors import BadRequest, Forbidden, NotFound
from yilian.fhir.compartments import PATIENT_TYPES, SHARED_TYPES
from yilian.fhir.definitions import RESOURCE_TYPES
from yilian.store import read
from yilian.store.scope import SYSTEM, Scope
from yilian.store.write import Change, write


async def scope_of(house: House, user: str) -> Scope:
    async with house.db.transaction() as tx:
        token = await issue_for_user(tx, user)
    return await house.verifier.scope_of(bearer(token))


def test_every_resource_type_stands_in_exactly_one_family() -> None:
    listed = [kind for types in policy.policy().families.values() for kind in types]
    assert sorted(listed) == sorted(RESOURCE_TYPES)


def test_every_role_of_the_demo_region_has_its_line() -> None:
    roles = policy.policy().roles
    clinical = {"gp", "physician", "head", "coordinator", "consultant", "pharmacist"}
    approving = {"medical-affairs", "president"}
    assert set(roles) == clinical | approving | {
        "registrar",
        "data-steward",
        "office",
        "regulator",
        "admin",
        "security",
        "privacy",
        "resident",
    }
    assert roles["privacy"].reviews
    assert not roles["privacy"].writes
    assert {code: role.reach for code, role in roles.items() if role.reach != "grounds"} == {
        "admin": "nothing",
        "data-steward": "nothing",
        "privacy": "nothing",
        "regulator": "nothing",
        "resident": "self",
        "security": "nothing",
    }
    for role in roles.values():
        assert role.zh
        if role.reach == "nothing":
            about = role.writes & PATIENT_TYPES
            assert about <= {"Person"} if role.links else not about, "who sees no patients writes nothing about them but who is who"


def test_no_role_writes_the_trail() -> None:
    assert all("AuditEvent" not in role.writes for role in policy.policy().roles.values())


def test_posts_are_added_up_within_what_can_be_held_together() -> None:
    both = joint(["pharmacist", "coordinator"])
    assert both.reach == "grounds"
    assert {"MedicationRequest", "Task", "Patient"} <= both.writes
    for forbidden in (["gp", "admin"], ["regulator", "physician"], ["resident", "gp"], ["admin", "security"], ["privacy", "admin"]):
        with pytest.raises(BadRequest):
            joint(forbidden)
    assert joint([]).reach == "nothing"


def test_who_may_read_all_types_still_does_with_a_post_that_may_not() -> None:
    assert joint(["registrar"]).reads == policy.policy().roles["registrar"].reads
    assert joint(["registrar", "gp"]).reads is None
    assert "Observation" not in (joint(["registrar"]).reads or ())


EXPECTED: list[tuple[str, str, str, str]] = [
    ("gp", "grounds", "Organization/qingshi", "TREAT"),
    ("gp2", "grounds", "Organization/liuhe", "TREAT"),
    ("expert", "grounds", "Organization/first", "TREAT"),
    ("admin", "nothing", "", "HSYSADMIN"),
    ("regulator", "nothing", "", "PUBHLTH"),
    ("resident", "self", "", "PATRQT"),
]


async def test_each_post_reaches_as_far_as_the_table_says(people: House) -> None:
    for user, reach, institution, purpose in EXPECTED:
        scope = await scope_of(people, user)
        assert (scope.reach, scope.institution, scope.purpose) == (reach, institution, purpose)
        assert bool(scope.patient_rid) == (reach == "self")
        assert bool(scope.institution_rid) == bool(institution)


async def test_who_can_read_which_patient(people: House) -> None:
    expected = {
        "gp": (True, False),
        "gp2": (False, True),
        "expert": (False, False),
        "admin": (False, False),
        "regulator": (False, False),
        "resident": (True, False),
    }
    for user, (here, there) in expected.items():
        scope = await scope_of(people, user)
        async with people.db.reading() as tx:
            for id, may_read in (("here", here), ("there", there)):
                if may_read:
                    assert (await read.by_id(tx, scope, "Patient", id)).id == id
                else:
                    with pytest.raises(NotFound):
                        await read.by_id(tx, scope, "Patient", id)
            assert (await read.by_id(tx, scope, "Organization", "first")).id == "first", "the directory is open to all who are signed in"


async def test_each_post_writes_the_families_of_its_line(people: House) -> None:
    observation = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": "Patient/here"}}
    cases: list[tuple[str, dict[str, Any], bool]] = [
        ("gp", observation, True),
        ("gp", organization("mine"), False),
        ("gp", {"resourceType": "ValueSet", "status": "active"}, False),
        ("admin", organization("new-one", "township"), True),
        ("admin", observation, False),
        ("regulator", organization("mine"), False),
        ("resident", observation, False),
        ("resident", patient("here", "qingshi"), False),
    ]
    for user, resource, allowed in cases:
        scope = await scope_of(people, user)
        change = Change("PUT" if "id" in resource else "POST", resource["resourceType"], resource.get("id"), resource)
        async with people.db.transaction() as tx:
            if allowed:
                assert len(await write(tx, scope, [change])) == 1
            else:
                with pytest.raises(Forbidden):
                    await write(tx, scope, [change])


async def test_who_has_two_posts_speaks_for_the_institution_of_the_session(people: House) -> None:
    async with people.db.transaction() as tx:
        posts = [Post("gp", "Organization/liuhe"), Post("head", "Organization/qingshi"), Post("coordinator", "Organization/liuhe")]
        await accounts.add(tx, "two", "x", display="two", agent="Practitioner/two", posts=posts)
    scope = await scope_of(people, "two")
    assert (scope.institution, scope.roles) == ("Organization/liuhe", frozenset({"gp", "coordinator"}))


async def test_a_village_doctor_and_a_ward_doctor_speak_for_the_institution_above(people: House) -> None:
    async with people.db.transaction() as tx:
        await accounts.add(tx, "v", "x", display="v", agent="Practitioner/v", posts=[Post("gp", "Organization/qingshi-v01")])
        await accounts.add(tx, "w", "x", display="w", agent="Practitioner/w", posts=[Post("physician", "Organization/first-cardiology")])
        await accounts.add(tx, "n", "x", display="n", agent="Practitioner/n", posts=[Post("gp", "Organization/not-there")])
    assert (await scope_of(people, "v")).institution == "Organization/qingshi"
    assert (await scope_of(people, "w")).institution == "Organization/first"
    lost = await scope_of(people, "n")
    assert (lost.reach, lost.institution_rid) == ("nothing", 0), "an institution that is not there has no patients"


async def test_a_resident_whose_record_is_not_there_sees_nobodys(people: House) -> None:
    async with people.db.transaction() as tx:
        await accounts.add(tx, "r", "x", display="r", agent="Patient/gone", posts=[Post("resident")], patient="Patient/gone")
    assert (await scope_of(people, "r")).reach == "nothing"


# --- SMART scopes


@pytest.mark.parametrize(
    ("asked", "registered", "expected"),
    [
        (None, "user/*.*", "user/*.*"),
        ("", "user/*.*", "user/*.*"),
        ("user/*.read", "user/*.*", "user/*.read"),
        ("user/Observation.rs user/Task.cud", "user/*.*", "user/Observation.rs user/Task.cud"),
        ("user/*.*", "user/*.read", None),
        ("user/*.read", "user/Observation.read", None),
        ("system/*.read", "user/*.*", None),
        ("user/Observation.r user/Observation.s", "user/*.*", "user/Observation.r user/Observation.s"),
        ("user/Observation.r", "user/Observation.s", None),
        ("user/Observation.rs", "user/Observation.r", None),
        ("user/Observation.sr user/Observation. user/Observation.rr", "user/*.*", None),
        ("user/Observation.rs?category=laboratory", "user/*.*", "user/Observation.rs?category=laboratory"),
        ("user/Observation.rs", "user/Observation.rs?category=laboratory", None),
        ("user/Observation.r?category=laboratory&status=final", "user/*.rs", "user/Observation.r?category=laboratory&status=final"),
        (
            "user/Observation.r?status=final&category=laboratory",
            "user/Observation.rs?category=laboratory",
            "user/Observation.r?status=final&category=laboratory",
        ),
        ("user/Observation.rs?category=vital-signs", "user/Observation.rs?category=laboratory", None),
        ("user/Observation.rs?code:in=x user/Observation.rs?nonsense=1 user/Observation.rs?category", "user/*.*", None),
        ("user/Observation.rs?patient=Patient/1 user/Patient.rs?identifier=x|1 user/Patient.rs?telecom=1", "user/*.*", None),
        ("user/*.rs?category=laboratory", "user/*.*", None),
        ("user/Observation.rs?category=a'b user/Observation.rs?category=%22 user/Observation.rs?category=(a)", "user/*.*", None),
        ("user/Observation.rs?category=", "user/Observation.rs?category=", None),
        ("user/Banana.read openid", "openid user/*.*", "openid"),
        ("openid openid", "openid", "openid"),
        ("offline_access user/*.*", "user/*.*", "user/*.*"),
    ],
)
def test_an_application_is_granted_what_it_is_registered_for_and_asks(asked: str | None, registered: str, expected: str | None) -> None:
    assert granted(asked, registered) == expected


def test_scopes_add_up_to_types() -> None:
    everything = rights("user/*.*", "user")
    assert everything is not None
    assert everything.plain()
    assert (everything.reads.types, everything.writes.types) == (None, None)
    some = rights("user/Observation.read user/Task.*", "user")
    assert some is not None
    assert some.plain()
    assert (some.reads.types, some.writes.types) == (frozenset({"Observation", "Task"}), frozenset({"Task"}))
    assert rights("openid", "user") is None
    assert rights("system/*.*", "user") is None
    assert [clause.kind for clause in clauses("user/Patient.read nonsense user/.read user/*.")] == ["Patient"]
    assert smart.both(None, frozenset({"a"})) == smart.both(frozenset({"a", "b"}), frozenset({"a"})) == frozenset({"a"})


def test_letters_and_parts_add_up() -> None:
    found = rights("user/Observation.r user/Observation.s?category=laboratory user/Observation.s?code=1 user/Task.c user/*.d", "user")
    assert found is not None
    assert not found.plain()
    assert found.r.types == frozenset({"Observation"})
    assert found.s.types == frozenset()
    assert [part.type for part in found.s.parts] == ["Observation", "Observation"]
    assert found.reads == found.s, "what may be read and searched alike"
    assert (found.c.types, found.u.types, found.d.types) == (frozenset({"Task"}), frozenset(), None)
    assert found.writes.types == frozenset()
    whole = rights("user/Observation.rs user/Observation.rs?category=laboratory", "user")
    assert whole is not None
    assert whole.plain(), "who has all of a type needs no part of it"
    narrowed = rights("user/Observation.rs?category=laboratory user/Patient.rs", "user")
    assert narrowed is not None
    here = narrowed.within(frozenset({"Patient"}), frozenset())
    assert here.r.parts == () and here.r.types == frozenset({"Patient"}), "a post that may not read a type reads no part of it"  # noqa: PT018


async def test_a_narrow_scope_narrows_what_a_doctor_sees_and_writes(people: House) -> None:
    async with people.browser() as browser:
        got = await tokens_of(browser, "gp", scope="user/Observation.read user/Task.*")
    scope = await people.verifier.scope_of(bearer(got["access_token"]))
    assert scope.reads == frozenset({"Observation", "Task"})
    assert scope.writes == frozenset({"Task"})
    require(scope, "read", "Observation")
    for action, kind in (("read", "Patient"), ("write", "Observation")):
        assert not may(scope, action, kind)  # type: ignore[arg-type]
        with pytest.raises(Forbidden):
            require(scope, action, kind)  # type: ignore[arg-type]
    assert scope.condition("r", ("Patient", "Encounter")) == "false"
    assert "r.type in" in scope.condition("r", ("Patient", "Observation"))


async def test_an_application_of_a_person_may_never_more_than_the_person(people: House) -> None:
    async with people.browser() as browser:
        got = await tokens_of(browser, "gp", scope="user/*.*")
    scope = await people.verifier.scope_of(bearer(got["access_token"]))
    assert not may(scope, "write", "Organization")
    assert may(scope, "write", "Observation")


async def test_with_patient_scopes_only_ones_own_record_is_seen(people: House) -> None:
    async with people.db.transaction() as tx:
        posts = [Post("gp", "Organization/qingshi")]
        await accounts.add(tx, "ill", "yilian-demo", display="ill", agent="Practitioner/ill", posts=posts, patient="Patient/there")
    async with people.browser() as browser:
        own = await people.verifier.scope_of(bearer((await tokens_of(browser, "ill", scope="patient/*.read"))["access_token"]))
        assert (own.reach, own.may_write) == ("self", False)
        assert own.patient_rid == await people.value("select rid from resource where id = 'there' and patient = rid")
        none = await people.verifier.scope_of(bearer((await tokens_of(browser, "gp", scope="patient/*.read"))["access_token"]))
        assert none.reach == "nothing", "gp has no record of their own"


async def test_a_token_without_any_scope_about_data_may_nothing(people: House) -> None:
    async with people.browser() as browser:
        got = await tokens_of(browser, "gp", scope="openid fhirUser")
    scope = await people.verifier.scope_of(bearer(got["access_token"]))
    assert scope.condition("r", ("Patient",)) == "false"
    for kind in ("Patient", "Organization"):
        assert not may(scope, "read", kind)
        assert not may(scope, "write", kind)


async def test_the_platform_itself_may_everything() -> None:
    for kind in ("Patient", "Organization", "AuditEvent", "ValueSet"):
        assert may(SYSTEM, "read", kind)
        assert may(SYSTEM, "write", kind)
    assert SHARED_TYPES.isdisjoint(PATIENT_TYPES)


async def test_a_system_that_may_only_read_some_types_sees_no_others(people: House) -> None:
    await people.put(encounter("e", "here", "qingshi"))
    async with people.db.transaction() as tx:
        await clients.add(tx, "lab", name="lab", secret="s", scope="system/Observation.read", grant_types=["client_credentials"])
    async with people.browser() as browser:
        form = {"grant_type": "client_credentials", "client_id": "lab", "client_secret": "s"}
        scope = await people.verifier.scope_of(bearer((await browser.post("/oauth2/token", data=form)).json()["access_token"]))
    assert scope.reach == "everything"
    assert not may(scope, "read", "Encounter")
    assert scope.condition("r", ("Encounter",)) == "false"
