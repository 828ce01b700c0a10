"""A referral that does not go smoothly: the green channel, unfit to travel, declined and offered on by one press, and a death."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from playwright.sync_api import Locator, expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import PHONE, Desk
from tests.journeys.browser.screens import complaints, in_order
from tests.journeys.browser.test_referral_booking import glance, reads, referred


def proposal(desk: Desk, action: str) -> Locator:
    return desk.page.locator(f'button[data-proposed="{action}"]')


def dies(site: Site, patient: str) -> None:
    """Somebody registers the death."""
    token = site.yilian("token", "--user", "gp").stdout.strip()
    body = [{"op": "add", "path": "/deceasedDateTime", "value": "2026-11-23"}]
    request = urllib.request.Request(
        f"{site.url}/fhir/Patient/{patient}",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json-patch+json"},
        method="PATCH",
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def owner(task: dict[str, Any]) -> str:
    return str(task["owner"]["display"])


def test_a_referral_waits_in_place_is_hurried_on_declined_offered_on_and_ended(at_a_desk: Open, site: Site) -> None:
    patient = site.facts.people[-1]
    task, read = referred(site, patient.id), reads(site, "coordinator")

    gp = at_a_desk("gp")
    gp.go(f"/referrals/{task}")
    gp.act("stay")
    gp.write("act-reason", "休克,暂不宜转运")
    gp.write("act-informed", "长子李强,13:20 电话")
    gp.write("act-expert", "周丽娟,云溪市第一人民医院心内科")
    gp.confirm()
    for words in ("就地救治", "休克,暂不宜转运", "已告知家属:长子李强", "已请专家:周丽娟"):
        expect(glance(gp)).to_contain_text(words.replace(":", "："))
    in_order(complaints(gp))
    gp.picture("in place")
    gp.go("/worklist/in-place")
    expect(gp.page.get_by_role("table")).to_contain_text(patient.name)
    gp.go(f"/referrals/{task}")
    gp.act("travel")
    gp.confirm()
    expect(glance(gp)).to_contain_text("待接收")

    coordinator = at_a_desk("coordinator")
    coordinator.go(f"/referrals/{task}")
    coordinator.act("green")
    coordinator.write("act-reason", "导管室已通知")
    coordinator.confirm()
    expect(glance(coordinator)).to_contain_text("绿色通道已开通")
    in_order(complaints(coordinator))
    coordinator.picture("green channel")
    coordinator.go("/worklist/inbox?green=open")
    expect(coordinator.page.get_by_role("table")).to_contain_text(patient.name)
    expect(coordinator.page.get_by_role("table")).to_contain_text("绿色通道")
    coordinator.picture("inbox")

    coordinator.go(f"/referrals/{task}")
    coordinator.act("decline")
    coordinator.page.get_by_role("radio", name="暂无床位或号源").check()
    coordinator.confirm()
    gp.go(f"/referrals/{task}")
    expect(proposal(gp, "redirect")).to_be_visible()
    gp.picture("proposed")
    proposal(gp, "redirect").click()
    expect(proposal(gp, "redirect")).to_have_count(0)
    gp.settle()
    [following] = [entry["resource"] for entry in reads(site, "gp")(f"Task?patient=Patient/{patient.id}&status=requested")["entry"]]
    assert owner(following) != owner(read(f"Task/{task}"))
    gp.go(f"/referrals/{following['id']}")
    expect(glance(gp)).to_contain_text("改投依据")

    dies(site, patient.id)
    gp.go(f"/referrals/{following['id']}")
    expect(glance(gp)).to_contain_text("患者已死亡")
    expect(proposal(gp, "end")).to_have_count(0)  # it is the receiver's turn; the sender has the button
    in_order(complaints(gp))
    gp.picture("died")
    gp.act("end")
    gp.press("患者已死亡")
    gp.confirm()
    expect(glance(gp)).to_contain_text("已取消")

    resident = at_a_desk("gp", size=PHONE)
    resident.go(f"/referrals/{following['id']}")
    expect(glance(resident)).to_contain_text("改投依据")
    in_order(complaints(resident))
