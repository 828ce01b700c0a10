"""docs/reference/health-card.md and desk.md say what the code does."""

from __future__ import annotations

from tests.http.page import code, sections
from yilian import policy
from yilian.access.policy import policy as posts
from yilian.identity import card_code, visits
from yilian.identity.card_code import REASONS


def test_every_refusal_is_listed_with_its_status() -> None:
    rows = [row for row in sections("health-card")["For the desk"].rows() if row[0].startswith("`card-")]
    assert {(code(row[0])[0], int(row[1])) for row in rows} == {(f"card-{reason}", told[0]) for reason, told in REASONS.items()}


def test_the_policies_are_listed_with_their_defaults() -> None:
    rows = sections("health-card")["What stands in a code"].rows(1)
    said = {code(row[0])[0]: row[1].strip("`") for row in rows}
    assert said == {name: str(one.value) for name, one in policy.defaults().items() if name.startswith("card.")}
    assert policy.defaults()["card.algorithm"].value in card_code.ALGORITHMS


def test_kinds_and_states_of_a_visit_are_those_of_the_server() -> None:
    rows = sections("desk")["Operations"].rows()
    said = next(row[1] for row in rows if "$register-visit" in row[0])
    assert f"({', '.join(visits.KINDS)})" in said
    assert f"({', '.join(visits.STATES)})" in said


def test_a_registrar_may_what_the_page_says() -> None:
    registrar = posts().roles["registrar"]
    assert registrar.scans
    assert registrar.matches
    assert registrar.reads is not None
    directory = posts().families["directory"] | posts().families["definitions"]
    assert registrar.reads - directory == {"Patient", "RelatedPerson", "Encounter", "Provenance", "Appointment", "Schedule"}
    assert registrar.writes == {"Patient", "RelatedPerson", "Encounter", "Provenance", "Appointment"}
    assert [code for code, role in posts().roles.items() if role.scans] == ["registrar"]
