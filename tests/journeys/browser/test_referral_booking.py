"""A referral that is booked: a place and a bed with the receiver's yes; the patient does not come, is booked again, and it is cancelled."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, expect

from tests.conftest import _command
from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import Desk
from tests.journeys.browser.screens import complaints, in_order
from tests.journeys.browser.test_aftercare import did

BASE = "https://yilian.example/fhir/CodeSystem"
DOCTOR, WARD = "门诊或专家号", "心血管内科病区"
ARRANGED = "接诊安排"
FIRST = "云溪市第一人民医院"
ZONE = ZoneInfo("Asia/Shanghai")

Read = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A free place as the form words it, and how many are left of it."""

    slot: str
    words: str
    doctor: str
    left: int


def referred(site: Site, patient: str) -> str:
    """The Task of an emergency that a township sent up: it goes without approval."""
    request = {
        "resourceType": "ServiceRequest",
        "subject": {"reference": f"Patient/{patient}"},
        "priority": "stat",
        "category": [{"coding": [{"system": f"{BASE}/referral-direction", "code": "up"}]}],
        "locationCode": [{"coding": [{"system": f"{BASE}/clinical-department", "code": "03.04"}]}],
        "performer": [{"reference": "Organization/yunxi-first"}],
        "reasonCode": [{"coding": [{"system": f"{BASE}/referral-reason", "code": "critical-beyond-capability"}]}, {"text": "胸痛半天"}],
    }
    made = did(site, "gp", "ServiceRequest/$refer", None, {"name": "request", "resource": request})
    return str(next(one["resource"]["id"] for one in made["parameter"] if one["name"] == "task"))


def reads(site: Site, who: str) -> Read:
    """What somebody is answered; signed in once for all of it."""
    token = site.yilian("token", "--user", who).stdout.strip()

    def read(path: str) -> Any:
        request = urllib.request.Request(f"{site.url}/fhir/{path}", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    return read


def free(read: Read, task: str) -> list[Place]:
    """The places of doctors that are open to this referral, earliest first."""
    now = datetime.now(UTC)
    wanted = {
        "start": now.isoformat(),
        "end": (now + timedelta(days=28)).isoformat(),
        "organization": "Organization/yunxi-first",
        "specialty": "03.04",
        "referral": f"Task/{task}",
        "_count": 200,
    }
    found = []
    for one in [entry["resource"] for entry in read(f"Appointment/$find?{urlencode(wanted)}")["entry"]]:
        left = next(part for part in one["extension"] if part["url"].endswith("/places-free"))
        who = next(part["actor"] for part in one["participant"] if not part["actor"].get("reference", "").startswith("Patient/"))
        start = datetime.fromisoformat(one["start"]).astimezone(ZONE)
        number = next(value for key, value in left.items() if key != "url")
        found.append(Place(one["slot"][0]["reference"], f"{start:%Y-%m-%d %H:%M} {who['display']}", who["display"], number))
    return found


def left(read: Read, task: str, place: Place) -> int:
    return next((one.left for one in free(read, task) if one.slot == place.slot), 0)


def glance(desk: Desk) -> Locator:
    return desk.page.get_by_label("转诊概况")


def chooses(desk: Desk, place: Place) -> None:
    desk.pick(desk.field("act-slot").get_by_role("combobox", name=DOCTOR), "", place.words)


def booked(read: Read, task: str) -> dict[str, Any]:
    """The Appointment and the bed of the referral: the parts of what its Task tells, by name."""
    told = [one for one in read(f"Task/{task}").get("extension", ()) if one["url"].endswith("/referral-booked")]
    return {part["url"]: part["valueReference"] for one in told for part in one["extension"]}


def test_a_referral_is_accepted_with_a_place_and_a_bed_missed_booked_again_and_cancelled(at_a_desk: Open, site: Site) -> None:
    patient = site.facts.people[5]
    task, read = referred(site, patient.id), reads(site, "coordinator")
    first, second, *_ = free(read, task)

    coordinator = at_a_desk("coordinator")
    coordinator.go(f"/referrals/{task}")
    coordinator.act("accept")
    chooses(coordinator, first)
    coordinator.choose("act-bed", "", WARD)
    coordinator.confirm()
    expect(glance(coordinator)).to_contain_text("已预约")
    has = booked(read, task)
    bed = has["bed"]["display"]
    assert bed.startswith(WARD.removesuffix("病区"))
    assert left(read, task, first) == first.left - 1

    gp = at_a_desk("gp")
    gp.go(f"/referrals/{task}")
    for words in ("已预约", ARRANGED, *first.words.split(), first.doctor, bed):
        expect(glance(gp)).to_contain_text(words)
    expect(gp.page.locator('button[data-action="book"], button[data-action="no-show"]')).to_have_count(0)  # the receiver's steps
    in_order(complaints(gp))

    expect(coordinator.page.locator('button[data-action="no-show"]')).to_have_count(0)  # its time is still to come
    with ThreadPoolExecutor(1) as clock:  # and then it comes, while the page is open
        soon = "update referral set missed_from = now() + interval '10 seconds' where missed_from is not null"
        clock.submit(asyncio.run, _command(site.database, soon)).result()
    coordinator.go(f"/referrals/{task}")
    coordinator.act("no-show")
    coordinator.confirm()
    expect(glance(coordinator)).to_contain_text("未到诊")
    expect(glance(coordinator)).to_contain_text("未赴预约")
    expect(glance(coordinator)).not_to_contain_text(bed)
    assert read(has["appointment"]["reference"])["status"] == "noshow"
    assert left(read, task, first) == first.left - 1  # who does not come has used the place
    coordinator.go("/worklist/trouble")
    coordinator.page.get_by_role("table").get_by_role("link", name=patient.name).first.click()
    coordinator.arrives(f"/referrals/{task}")

    coordinator.act("book")
    chooses(coordinator, second)
    coordinator.confirm()
    expect(glance(coordinator)).to_contain_text("已预约")
    gp.go(f"/referrals/{task}")
    expect(glance(gp)).to_contain_text(second.words.rsplit(" ", 1)[0])
    again = booked(read, task)["appointment"]["reference"]
    assert again != has["appointment"]["reference"]
    assert left(read, task, second) == second.left - 1

    gp.act("cancel")
    gp.write("act-reason", "患者已自行就诊")
    gp.confirm()
    expect(glance(gp)).to_contain_text("已取消")
    expect(glance(gp)).not_to_contain_text(ARRANGED)
    assert read(again)["status"] == "cancelled"
    assert booked(read, task) == {}


def test_a_doctor_books_with_the_referral_where_the_receiver_lets_them(at_a_desk: Open, site: Site) -> None:
    patient = site.facts.people[6]
    gp = at_a_desk("gp")
    gp.go(f"/patients/{patient.id}/refer")
    gp.choose("specialty", "nfm", "内分泌")
    gp.field("urgency").get_by_text("急救", exact=True).click()  # goes without approval, so that it is booked at once
    gp.field("receiver").get_by_role("radio", name=re.compile(FIRST)).check()
    box = gp.field("slot").get_by_role("combobox")
    gp.pick(box, "", "余")
    gp.choose("alternatives", "", "医院")
    gp.field("alternatives").get_by_label("自动依次改投").check()
    gp.choose("reasons", "jwz", "急危重症")
    gp.write("presentIllness", "多饮多尿一周，随机血糖 31 mmol/L。")
    gp.field("consent").get_by_label("患者书面同意").check()
    gp.picture("the form with a place and an alternative")
    in_order(complaints(gp))
    gp.press("提交转诊")
    gp.arrives("/referrals/.*")
    for words in ("已预约", ARRANGED):
        expect(glance(gp)).to_contain_text(words)
    task = reads(site, "gp")(f"Task/{gp.address.removeprefix('/referrals/')}")
    named = next(one["extension"] for one in task["extension"] if one["url"].endswith("/referral-alternative"))
    assert [part["url"] for part in named] == ["institution", "automatic"]
    assert named[1]["valueBoolean"] is True
