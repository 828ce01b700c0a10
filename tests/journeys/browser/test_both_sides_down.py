"""Home with a plan: the township takes the patient back, makes the first visit, and the hospital and the patient see it as it happens."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys.browser.both_sides import (
    HOME,
    WAITS_MS,
    does,
    let_in,
    never_loaded_anew,
    opens,
    refers,
    request,
    see,
    see_step,
    takes,
)
from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.screens import complaints, in_order
from tests.journeys.browser.test_aftercare import typed

PATIENT, GENERAL, ENDOCRINE = "resident-0001", "02", "03.07"
TREATED = {"name": "treatment", "valueString": "胰岛素强化降糖，血糖平稳"}
ADVISED = {"name": "advice", "valueString": "基础胰岛素 10 U 睡前，两周复查空腹血糖"}
FOUND = {"name": "diagnosis", "valueCodeableConcept": {"text": "2 型糖尿病"}}


def treated(site: Site) -> str:
    """The patient was up at the hospital, and is well enough to go home: the request of that referral."""
    task = refers(site, "gp", request(PATIENT, ENDOCRINE))
    for action, more in (("accept", ()), ("arrive", ()), ("complete", (FOUND, TREATED, ADVISED))):
        task = does(site, "expert", task, action, *more)
    return str(task["focus"]["reference"])


def test_who_comes_home_is_visited_and_the_hospital_and_the_patient_are_told(at_a_desk: Open, site: Site) -> None:
    wish = request(PATIENT, GENERAL, to="qingshi", priority="routine", direction="down") | {"basedOn": [{"reference": treated(site)}]}
    gp = opens(at_a_desk, "gp", "/worklist/returned")
    phone = opens(at_a_desk, "resident", "/")
    task = refers(site, "expert", wish)
    here, name = f"/referrals/{task['id']}", task["for"]["display"]
    expert = opens(at_a_desk, "expert", "/follow-ups?list=sent")
    desk = opens(at_a_desk, "coordinator", here)
    mine = phone.page.get_by_role("region", name="我的转诊").get_by_role("listitem").filter(has_text=HOME)
    expect(mine).to_contain_text("待接收", timeout=WAITS_MS)

    let_in(gp, name, here).click()
    gp.arrives(here)
    gp.act("accept")
    gp.write("act-plan-goals", "空腹血糖低于 7.0 mmol/L")
    gp.confirm()
    see("同意接诊", gp, desk)
    plan = desk.page.get_by_text("空腹血糖低于 7.0 mmol/L")
    expect(plan.first).to_be_visible(timeout=WAITS_MS)
    expect(mine).to_contain_text("同意接诊", timeout=WAITS_MS)
    takes(gp, "arrive")
    gp.confirm()
    see("已到诊", desk)
    expect(mine).to_contain_text("已到诊", timeout=WAITS_MS)
    mine.get_by_role("link").first.click()
    phone.arrives(here)
    see("已到诊", phone)

    visits = expert.page.get_by_role("table").get_by_role("row").filter(has_text=name)
    gp.page.get_by_role("link", name="转诊后随访").click()
    gp.arrives("/follow-ups")
    gp.page.get_by_role("table").get_by_role("link", name=name).first.click()
    gp.arrives(r"/follow-ups/[^/]+")
    typed(gp, "收缩压", "132")
    typed(gp, "舒张压", "82")
    typed(gp, "空腹血糖", "6.8")
    gp.page.get_by_label("无症状", exact=True).check()
    gp.page.get_by_label("规律", exact=True).check()
    gp.press("保存随访记录")
    gp.sees("已通知")
    expect(visits.filter(has_text="已随访")).to_be_visible(timeout=WAITS_MS)

    gp.page.get_by_role("link", name="下转回来").first.click()
    gp.arrives("/worklist/returned")
    gp.page.get_by_role("table").get_by_role("link", name=name).click()
    gp.arrives(here)
    gp.act("complete")
    gp.choose("act-diagnosis", "2 型糖尿病", "2 型糖尿病")
    gp.write("act-treatment", "继续基础胰岛素，家庭血糖监测")
    gp.write("act-advice", "每月随访，三个月后复查糖化血红蛋白")
    gp.confirm()
    see("已完成", gp, desk, phone)
    see_step("完成并回转", HOME, desk)
    expect(desk.page.get_by_role("region", name="回转内容")).to_contain_text("三个月后复查糖化血红蛋白")
    in_order(complaints(gp) + complaints(desk) + complaints(phone) + complaints(expert))
    never_loaded_anew(gp, desk, phone, expert)
