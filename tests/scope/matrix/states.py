"""The two axes of a patient: by what the rival has come to a ground, and what the patient said of it.

Each state says what it makes true (`Ground`, `Rule`) and what has to be done for it; `writing.py` does it, by the roads people take.
A is the institution where everybody is registered and most is written; B is its rival, which asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.access.consents import consent
from tests.scope.matrix.oracle import CARE, EMERGENCY, EVERY_KIND, HIV, PSYCHIATRIC, RUNNING, Ground, Rule

Json = dict[str, Any]
A, B = "aside", "beside"
LABELS = {1: "PSY", 2: "HIV", 4: "GDIS", 8: "SEX", 16: "SDV"}
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class GroundState:
    """road: how it is made; grounds: of B for the record itself; elsewhere: of B for another record, linked: which is of the same person;
    there: what was said about that other record"""

    name: str
    road: str = ""
    grounds: tuple[Ground, ...] = ()
    elsewhere: tuple[Ground, ...] = ()
    linked: bool = False
    there: tuple[Rule, ...] = ()
    consents: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsentState:
    """rules: what counts; consents: what was written for it, oldest first (the same `id` again: a new version)"""

    name: str
    rules: tuple[Rule, ...] = ()
    consents: tuple[Json, ...] = ()


def _said(word: str, way: str, *institutions: str, **more: Any) -> Json:
    return {"id": word, **consent("{}", way, *institutions, **more)}


def ground_states(begun: datetime) -> list[GroundState]:
    """`begun`: when the world was made."""
    past, registered = begun - timedelta(hours=1), (Ground(B, "registered"),)
    all_labels = tuple(LABELS.values())
    return [
        GroundState("none"),
        GroundState("registered", "registered", registered),
        GroundState("registered until it was handed over", "handed over"),
        GroundState("encounter", "encounter", (Ground(B, "encounter"),)),
        GroundState("encounter cancelled", "encounter cancelled"),
        GroundState("card shown", "visit", (Ground(B, "visit", until=begun + DAY),)),
        GroundState("card shown, over", "visit over", (Ground(B, "visit", until=past),)),
        GroundState("contract", "contract", (Ground(B, "contract"),)),
        GroundState("consultation", "consultation", (Ground(B, "consultation"),)),
        GroundState("public health", "public-health", (Ground(B, "public-health"),)),
        GroundState("referral", "referral", (Ground(B, "referral", letter=frozenset({"Task/letter-{}", "Observation/mind-{}"})),)),
        GroundState("referral, over", "referral over", (Ground(B, "referral", until=past),)),
        GroundState("consent", "", (Ground(B, "consent"),), consents=(_said("opens", "permit", B),)),
        GroundState("consent for care", "", (Ground(B, "consent", CARE),), consents=(_said("opens", "permit", B, purposes=("TREAT",)),)),
        GroundState(
            "consent to run the institution",
            "",
            (Ground(B, "consent", RUNNING),),
            consents=(_said("opens", "permit", B, purposes=("HOPERAT",)),),
        ),
        GroundState("consent withdrawn", consents=(_said("opens", "permit", B), _said("opens", "permit", B, status="inactive"))),
        GroundState("every kind granted and no ground", consents=(_said("opens", "permit", B, labels=all_labels),)),
        GroundState("emergency", "emergency", (Ground(B, "emergency", purpose=CARE, until=begun + DAY),)),
        GroundState("emergency, all kinds", "emergency all", (Ground(B, "emergency", purpose=CARE, until=begun + DAY, all_kinds=True),)),
        GroundState("emergency, over", "emergency over", (Ground(B, "emergency", purpose=CARE, until=past, all_kinds=True),)),
        GroundState("emergency, unjustified", "emergency unjustified", (Ground(B, "emergency", purpose=CARE, until=past, all_kinds=True),)),
        GroundState("through a link", "linked", elsewhere=registered, linked=True),
        GroundState("link undone", "unlinked", elsewhere=registered),
        GroundState(
            "through a link, refused in the other record",
            "linked",
            elsewhere=registered,
            linked=True,
            there=(Rule(False, B),),
            consents=(_said("there", "deny", B),),
        ),
        GroundState(
            "through a link, granted in the other record",
            "linked",
            elsewhere=registered,
            linked=True,
            there=(Rule(True, B, kinds=HIV),),
            consents=(_said("there", "permit", B, labels=("HIV",)),),
        ),
    ]


def consent_states(begun: datetime) -> list[ConsentState]:
    all_labels = tuple(LABELS.values())
    return [
        ConsentState("nothing said"),
        ConsentState("all refused", (Rule(False),), (_said("said", "deny"),)),
        ConsentState("rival refused", (Rule(False, B),), (_said("said", "deny", B),)),
        ConsentState("rival refused for care", (Rule(False, B, CARE),), (_said("said", "deny", B, purposes=("TREAT",)),)),
        ConsentState("rival refused to run itself", (Rule(False, B, RUNNING),), (_said("said", "deny", B, purposes=("HOPERAT",)),)),
        ConsentState("emergencies refused later", (Rule(False, B, EMERGENCY),), (_said("said", "deny", B, purposes=("ETREAT",)),)),
        ConsentState("one kind refused", (Rule(False, B, kinds=PSYCHIATRIC),), (_said("said", "deny", B, labels=("PSY",)),)),
        ConsentState("others refused", (Rule(False, A),), (_said("said", "deny", A),)),
        ConsentState("one kind granted", (Rule(True, B, kinds=HIV),), (_said("said", "permit", B, labels=("HIV",)),)),
        ConsentState("two kinds granted", (Rule(True, B, kinds=3),), (_said("said", "permit", B, labels=("PSY", "HIV")),)),
        ConsentState("every kind granted", (Rule(True, B, kinds=EVERY_KIND),), (_said("said", "permit", B, labels=all_labels),)),
        ConsentState("one kind granted to all", (Rule(True, kinds=HIV),), (_said("said", "permit", labels=("HIV",)),)),
        ConsentState("granted to others", (Rule(True, A, kinds=EVERY_KIND),), (_said("said", "permit", A, labels=all_labels),)),
        ConsentState(
            "granted to run itself",
            (Rule(True, B, RUNNING, EVERY_KIND),),
            (_said("said", "permit", B, labels=all_labels, purposes=("HOPERAT",)),),
        ),
        ConsentState(
            "granted and one kind refused",
            (Rule(True, B, kinds=EVERY_KIND), Rule(False, B, kinds=PSYCHIATRIC)),
            (_said("said", "permit", B, labels=all_labels), _said("but", "deny", B, labels=("PSY",))),
        ),
        ConsentState(
            "grant withdrawn",
            consents=(_said("said", "permit", B, labels=all_labels), _said("said", "permit", B, labels=all_labels, status="inactive")),
        ),
        ConsentState("refusal withdrawn", consents=(_said("said", "deny", B), _said("said", "deny", B, status="inactive"))),
        ConsentState(
            "grant over",
            (Rule(True, B, kinds=EVERY_KIND, until=begun - DAY),),
            (_said("said", "permit", B, labels=all_labels, provision={"period": {"end": (begun - 3 * DAY).date().isoformat()}}),),
        ),
    ]
