"""Two or three people look at one referral, each at a browser of their own: what one does the others see, and nobody loads a page anew."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Locator, expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import DESKTOP, PHONE, Desk
from tests.journeys.browser.test_aftercare import did

Json = dict[str, Any]
BASE = "https://yilian.example/fhir/CodeSystem"
WAITS_MS = 15_000
"""The machine may be busy; without a call a page of a referral would look again after 20 s."""

HOME, FIRST, COUNTY = "青石镇卫生院", "云溪市第一人民医院", "云溪县人民医院"


def request(patient: str, specialty: str, *, to: str = "yunxi-first", priority: str = "stat", direction: str = "up") -> Json:
    """A referral as the form would write it; an emergency goes without approval."""
    reason = "stable-after-acute" if direction == "down" else "critical-beyond-capability"
    return {
        "resourceType": "ServiceRequest",
        "subject": {"reference": f"Patient/{patient}"},
        "priority": priority,
        "category": [{"coding": [{"system": f"{BASE}/referral-direction", "code": direction}]}],
        "locationCode": [{"coding": [{"system": f"{BASE}/clinical-department", "code": specialty}]}],
        "performer": [{"reference": f"Organization/{to}"}],
        "reasonCode": [{"coding": [{"system": f"{BASE}/referral-reason", "code": reason}]}, {"text": "反复头晕二周"}],
    }


def refers(site: Site, who: str, wish: Json, *more: Json) -> Json:
    """Somebody refers; its Task."""
    made = did(site, who, "ServiceRequest/$refer", None, {"name": "request", "resource": wish}, *more)
    return next(dict(one["resource"]) for one in made["parameter"] if one["name"] == "task")


def does(site: Site, who: str, task: Json, action: str, *more: Json) -> Json:
    """A step beside the browser, for what is not looked at here; the Task after it."""
    return dict(did(site, who, f"Task/{task['id']}/$act", int(task["meta"]["versionId"]), {"name": "action", "valueCode": action}, *more))


def opens(at_a_desk: Open, who: str, address: str) -> Desk:
    """Somebody comes, residents with a phone, opens this page and leaves it open from now on."""
    desk = at_a_desk(who, size=PHONE if who.startswith("resident") else DESKTOP)
    desk.go(address)
    desk.page.evaluate("window.openedOnce = true")
    return desk


def never_loaded_anew(*desks: Desk) -> None:
    for desk in desks:
        assert desk.page.evaluate("window.openedOnce === true"), f"{desk.who} had to load the page anew"


def glance(desk: Desk) -> Locator:
    """What the page of a referral says at its top."""
    return desk.page.get_by_label("转诊概况")


def step(desk: Desk, name: str) -> Locator:
    """A step of the road so far."""
    return desk.page.get_by_role("region", name="办理过程").locator("li").filter(has=desk.page.get_by_text(name, exact=True))


def looks_on(desk: Desk) -> None:
    """Take the hand off the steps: nothing is changed under the pointer of who may be about to press."""
    desk.page.mouse.move(4, 4)


def see(state: str, *desks: Desk) -> None:
    """Each of them is shown this at the top, by itself."""
    for desk in desks:
        looks_on(desk)
        try:
            expect(glance(desk)).to_contain_text(state, timeout=WAITS_MS)
        except AssertionError as gone:
            raise AssertionError(f"{desk.who} at {desk.address} is not shown {state!r}: {glance(desk).inner_text()!r}") from gone


def see_step(name: str, by: str, *desks: Desk) -> None:
    for desk in desks:
        looks_on(desk)
        expect(step(desk, name).last, desk.who).to_contain_text(by, timeout=WAITS_MS)


def takes(desk: Desk, action: str) -> None:
    """Press a step that needs no form, once it is offered: the page shows what others did without being asked to."""
    button = desk.page.locator(f'button[data-action="{action}"]')
    expect(button).to_be_visible(timeout=WAITS_MS)
    button.click()
    desk.settle()


def let_in(desk: Desk, text: str, address: str = "") -> Locator:
    """A list tells that there is something new, and shows it when asked to; the link of the row (to this address)."""
    rows = desk.page.get_by_role("table").get_by_role("link", name=re.compile(text))
    row = rows.and_(desk.page.locator(f'a[href="{address}"]') if address else rows).first
    fresh = desk.page.get_by_role("status").get_by_role("button")
    expect(row.or_(fresh).first).to_be_visible(timeout=WAITS_MS)
    if not row.is_visible():
        fresh.first.click()
    expect(row).to_be_visible(timeout=WAITS_MS)
    return row
