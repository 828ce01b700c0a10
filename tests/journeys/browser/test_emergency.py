"""A resident says who may look; a doctor without a ground opens the record in an emergency; the privacy officer reviews it."""

from __future__ import annotations

from tests.journeys.browser.conftest import Open
from tests.journeys.browser.desk import PHONE

WHO = """async () => {
  const token = JSON.parse(sessionStorage.getItem('yilian.token')).access;
  const answer = await fetch('/oauth2/userinfo', { headers: { Authorization: `Bearer ${token}` } });
  return (await answer.json()).patient;
}"""


def test_consent_emergency_and_review(at_a_desk: Open) -> None:
    resident = at_a_desk("resident2", size=PHONE)
    resident.go("/consents")
    page = resident.page
    assert page.get_by_text("已撤回").count() == 1
    page.get_by_role("button", name="新增授权").click()
    page.get_by_text("拒绝查看").click()
    page.get_by_role("combobox").click()
    page.keyboard.type("云溪市中医")
    page.get_by_title("云溪市中医医院").click()
    page.get_by_role("button", name="确认授权").click()
    page.get_by_text("拒绝 云溪市中医医院 查看其他机构写的记录").wait_for()
    page.get_by_role("button", name="撤回").click()
    page.get_by_role("tooltip").get_by_role("button", name="撤回").click()
    page.get_by_text("已撤回").nth(1).wait_for()
    about = str(page.evaluate(WHO)).removeprefix("Patient/")

    doctor = at_a_desk("emergency")
    doctor.expects("404")
    doctor.go(f"/patients/{about}")
    doctor.page.get_by_text("没有查看依据").wait_for()
    doctor.page.get_by_role("button", name="紧急查阅").click()
    doctor.page.get_by_role("button", name="我已知悉").click()
    doctor.page.get_by_text("请用至少 10 个字说明情况").wait_for()
    doctor.page.get_by_text("昏迷或无法表达").click()
    doctor.page.get_by_label("情况说明").fill("患者昏迷送入抢救室,家属未到,急需既往病史")
    doctor.page.get_by_role("button", name="我已知悉").click()
    doctor.page.get_by_text("紧急查阅中").wait_for()
    assert doctor.page.get_by_text("广泛性焦虑障碍").count() == 0, "sensitive kinds were not asked for"

    officer = at_a_desk("privacy")
    officer.go("/emergency-review")
    officer.page.get_by_role("button", name="复核").click()
    officer.page.get_by_role("dialog").get_by_text("不合理", exact=True).click()
    officer.page.get_by_label("复核意见").fill("当日无该患者急诊就诊记录")
    officer.page.get_by_role("button", name="提交复核").click()
    officer.page.get_by_text("没有紧急查阅记录").wait_for()

    doctor.go(f"/patients/{about}")
    doctor.page.get_by_text("没有查看依据").wait_for()
