"""The whole thread in the browser: up from the township, taken over by the city hospital, and home with a plan."""

from __future__ import annotations

import re

import pypdf
from playwright.sync_api import expect
from pypinyin import lazy_pinyin

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.desk import Desk

NOT_FOUND = r"status of 404"
ILLNESS = "活动后胸闷二周，加重三天，休息可缓解。"
TREATED = "前降支植入支架一枚，术后无不适"
QUESTION = "请评估冠脉病变及介入指征"
FIRST, HOME = "云溪市第一人民医院", "青石镇卫生院"


def test_a_wrong_password_is_refused_in_chinese(at_a_desk: Open) -> None:
    gp = at_a_desk("gp", signed_in=False)
    gp.expects(r"status of 401 .*oauth2/sign-in")
    gp.page.goto("/")
    gp.page.get_by_label("用户名").fill("gp")
    gp.page.get_by_label("密码", exact=True).fill("not it")
    gp.page.get_by_role("button", name="登录").click()
    expect(gp.page.get_by_role("alert")).to_contain_text("用户名或密码不正确")
    assert gp.address.startswith("/sign-in")
    expect(gp.page.get_by_label("密码", exact=True)).to_be_focused()
    gp.page.get_by_label("密码", exact=True).fill("yilian-demo")
    gp.page.keyboard.press("Enter")
    expect(gp.page.get_by_role("heading", level=1)).to_contain_text("今日")
    gp.sees("陈志远", HOME)


def test_a_referral_goes_up_is_taken_over_and_comes_home_with_a_plan(at_a_desk: Open, site: Site) -> None:
    patient = site.facts.people[0]

    gp = at_a_desk("gp")
    find_by_pinyin(gp, patient.name)
    gp.arrives(f"/patients/{patient.id}")
    gp.sees(patient.diagnosis)
    gp.press("转诊")
    gp.arrives(f"/patients/{patient.id}/refer")
    refer_up(gp, patient.name, patient.diagnosis)
    task = gp.address.removeprefix("/referrals/")
    gp.sees("已提交", "院内审批中", ILLNESS, QUESTION)

    head = at_a_desk("head")
    head.page.get_by_role("link", name=re.compile("待我审批")).first.click()
    head.page.get_by_role("table", name="待我审批").get_by_role("link", name=re.compile(patient.name)).click()
    head.settle()
    head.sees(ILLNESS)
    with head.page.expect_response(lambda answer: answer.url.endswith(f"/fhir/Task/{task}/$act")) as taken:
        head.act("approve")
    assert taken.value.status == 200

    coordinator = at_a_desk("coordinator")
    coordinator.go("/worklist/inbox")
    coordinator.page.get_by_role("table").get_by_role("link", name=re.compile(patient.name)).click()
    coordinator.arrives(f"/referrals/{task}")
    coordinator.sees(QUESTION, patient.diagnosis)
    coordinator.act("receive")
    coordinator.sees("已接收")
    coordinator.act("ask")
    coordinator.write("act-question", "近一周做过心电图吗？")
    coordinator.confirm()
    coordinator.sees("待补充资料")

    gp.go("/worklist/answer")
    gp.page.get_by_role("table").get_by_role("link", name=re.compile(patient.name)).click()
    gp.arrives(f"/referrals/{task}")
    gp.sees("近一周做过心电图吗？")
    gp.act("answer")
    gp.write("act-answer", "昨日心电图：窦性心律，V4 至 V6 导联 ST 段压低。")
    gp.confirm()

    coordinator.go(f"/referrals/{task}")
    coordinator.sees("昨日心电图：窦性心律")
    coordinator.act("accept")
    coordinator.choose("act-practitioner", "沈立新", "沈立新")
    coordinator.choose("act-start", "后天", "后天")
    coordinator.choose("act-start", "0930", "09:30", place=1)
    coordinator.confirm()
    coordinator.sees("同意接诊")
    glance = coordinator.page.get_by_label("转诊概况")
    expect(glance).to_contain_text(re.compile(r"接诊安排.*20\d\d-\d\d-\d\d 09:30"))
    expect(glance).to_contain_text("沈立新")

    expert = at_a_desk("expert")
    expert.go(f"/referrals/{task}")
    expert.act("arrive")
    expert.confirm()
    expert.sees("已到诊")
    expert.act("complete")
    expert.choose("act-diagnosis", "冠状动脉粥样硬化性心脏病", "冠状动脉粥样硬化性心脏病")
    expert.write("act-findings", "冠脉造影：前降支中段狭窄 85%")
    expert.write("act-treatment", TREATED)
    expert.write("act-advice", "双抗治疗一年，四周后复查血脂")
    expert.confirm()
    expert.sees("已完成", TREATED)
    opens_slip(expert, "转诊单", "双向转诊(转出)单", patient.name, ILLNESS)
    opens_slip(expert, "回转单", "双向转诊(回转)单", patient.name, TREATED)
    expert.press("下转")
    expert.arrives(rf"/patients/{patient.id}/refer\?down={task}")
    refer_down(expert)
    down = expert.address.removeprefix("/referrals/")
    assert down != task

    gp.go("/worklist/returned")
    gp.page.get_by_role("table").get_by_role("link", name=re.compile(patient.name)).click()
    gp.arrives(f"/referrals/{down}")
    gp.act("accept")
    assert "双抗治疗一年" in gp.field("act-plan-measures").locator("textarea").first.input_value()
    gp.write("act-plan-goals", "低密度脂蛋白低于 1.8 mmol/L")
    gp.confirm()
    gp.sees("同意接诊")

    gp.go(f"/referrals/{task}")
    road = gp.panel("办理过程")
    for step, who, where in (
        ("提交转诊", "陈志远", HOME),
        ("同意转出", "罗国华", HOME),
        ("签收", "周丽娟", FIRST),
        ("请对方补充", "周丽娟", FIRST),
        ("补充回复", "陈志远", HOME),
        ("同意接诊", "周丽娟", FIRST),
        ("患者到诊", "沈立新", FIRST),
        ("完成并回转", "沈立新", FIRST),
    ):
        expect(road.locator("li").filter(has=gp.page.get_by_text(step, exact=True))).to_contain_text(who)
        expect(road.locator("li").filter(has=gp.page.get_by_text(step, exact=True))).to_contain_text(where)
    gp.sees(TREATED, "双抗治疗一年")
    opens_slip(gp, "回转单", "双向转诊(回转)单", patient.name, TREATED)

    stranger = at_a_desk("gp2")
    stranger.expects(NOT_FOUND)
    for address, says in (
        (f"/patients/{patient.id}", "没有查看依据"),
        (f"/referrals/{task}", "没有找到"),
        (f"/referrals/{down}", "没有找到"),
    ):
        stranger.go(address)
        stranger.sees(says)
        stranger.sees_nothing_of(patient.name)
    stranger.go("/patients/nobody")
    stranger.sees("没有查看依据")  # who is there and not to be seen, and who is not there: told alike


def find_by_pinyin(desk: Desk, name: str) -> None:
    """Type the name without tones into the search box and take the person of that name."""
    desk.page.get_by_label("查找患者").first.fill("".join(lazy_pinyin(name)))
    desk.page.get_by_role("option", name=re.compile(name)).click()


def refer_up(desk: Desk, name: str, diagnosis: str) -> None:
    """Look over what the record has filled in, add what only the doctor knows, and send it to the city hospital."""
    expect(desk.page.get_by_role("heading", name=f"为{name}办理转诊", exact=True)).to_be_visible()
    assert desk.field("direction").get_by_label("上转", exact=True).is_checked()
    assert diagnosis in desk.field("impressions").inner_text()
    assert desk.field("impressions").locator("input:checked").count() >= 1
    assert diagnosis in desk.field("pastHistory").locator("textarea").first.input_value()
    assert desk.field("evidence").locator("input[type=checkbox]").count() >= 1
    desk.choose("specialty", "xxg", "心血管内科")
    desk.field("receiver").get_by_role("radio", name=re.compile(FIRST)).check()
    desk.choose("reasons", "jwz", "急危重症")
    desk.write("presentIllness", ILLNESS)
    desk.write("question", QUESTION)
    desk.field("consent").get_by_label("患者书面同意").check()
    desk.sees(f"填写完整，将提交至{FIRST}")
    desk.press("提交转诊")
    desk.arrives("/referrals/.*")


def refer_down(desk: Desk) -> None:
    """Home to where the patient came from: the form knows it, only reason and consent are the doctor's."""
    assert desk.field("direction").get_by_label("下转", exact=True).is_checked()
    expect(desk.field("receiver").get_by_role("radio", checked=True)).to_have_count(1)
    assert HOME in desk.field("receiver").locator("label", has=desk.page.get_by_role("radio", checked=True)).inner_text()
    assert TREATED in desk.field("treatment").locator("textarea").first.input_value()
    desk.choose("reasons", "", "")
    desk.field("consent").get_by_label("患者书面同意").check()
    desk.press("提交转诊")
    desk.arrives("/referrals/.*")


def opens_slip(desk: Desk, name: str, *texts: str) -> None:
    """The sheet comes as a PDF, is shown, and can be saved; these words are on it."""
    with desk.page.expect_response(lambda answer: "$slip" in answer.url) as made:
        desk.press(name)
    assert made.value.status == 200
    assert made.value.headers["content-type"].startswith("application/pdf")
    dialog = desk.page.get_by_role("dialog")
    expect(dialog.locator("iframe")).to_have_attribute("src", re.compile("^blob:"))
    with desk.page.expect_download() as saved:
        dialog.get_by_role("link", name="保存").click()
    sheet = pypdf.PdfReader(saved.value.path())
    words = "".join("".join(page.extract_text().split()) for page in sheet.pages)
    for text in texts:
        assert "".join(text.split()) in words, f"{text} is not on the {name}"
    dialog.locator(".ant-modal-close").click()
    expect(dialog).to_have_count(0)
