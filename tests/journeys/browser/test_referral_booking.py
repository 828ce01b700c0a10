"""Booking within a referral in the browser: accepted with a place, did not come, booked again, given back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import Desk
from yilian.fhir import urls

FIRST = "云溪市第一人民医院"
PICTURES = os.environ.get("TEST_PICTURES", "")


def picture(desk: Desk, name: str) -> None:
    if PICTURES:
        desk.page.screenshot(path=Path(PICTURES) / f"{name}.png")


def referred(site: Site, patient: str) -> str:
    """An urgent referral of the township's to the city hospital, on its way: its Task."""
    token = site.yilian("token", "--user", "gp").stdout.strip()
    with httpx.Client(base_url=f"{site.url}/fhir", headers={"authorization": f"Bearer {token}"}) as client:
        found = client.get("/Organization", params={"name": FIRST}).json()["entry"]
        hospital = next(one["resource"]["id"] for one in found if one["resource"]["name"] == FIRST)
        request: dict[str, Any] = {
            "resourceType": "ServiceRequest",
            "subject": {"reference": f"Patient/{patient}"},
            "priority": "stat",
            "category": [{"coding": [{"system": urls.REFERRAL_DIRECTION, "code": "up"}]}],
            "locationCode": [{"coding": [{"system": urls.SPECIALTY, "code": "03.04"}]}],
            "performer": [{"reference": f"Organization/{hospital}"}],
            "reasonCode": [{"coding": [{"system": urls.REFERRAL_REASON, "code": "needs-higher-test"}]}, {"text": "心悸待查"}],
        }
        body = {"resourceType": "Parameters", "parameter": [{"name": "request", "resource": request}]}
        answer = client.post("/ServiceRequest/$refer", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["location"]).rpartition("/")[2]


def test_a_place_is_booked_missed_booked_again_and_given_back(at_a_desk: Open, site: Site) -> None:
    task = referred(site, site.facts.people[-1].id)
    coordinator = at_a_desk("coordinator")
    coordinator.go(f"/referrals/{task}")
    coordinator.act("accept")
    coordinator.settle()
    coordinator.choose("act-slot", "", "余")
    picture(coordinator, "accept-with-place")
    coordinator.confirm()
    coordinator.sees("已预约")
    glance = coordinator.page.get_by_label("转诊概况")
    expect(glance).to_contain_text("接诊安排")
    picture(coordinator, "booked")
    coordinator.act("no-show")
    coordinator.confirm()
    coordinator.sees("未到诊")
    coordinator.go("/worklist/trouble")
    expect(coordinator.page.get_by_role("table")).to_contain_text(site.facts.people[-1].name)
    picture(coordinator, "trouble")
    coordinator.go(f"/referrals/{task}")
    coordinator.act("book")
    coordinator.settle()
    coordinator.choose("act-slot", "", "余")
    coordinator.confirm()
    coordinator.sees("已预约")
    coordinator.act("cancel-booking")
    coordinator.confirm()
    coordinator.sees("同意接诊")
