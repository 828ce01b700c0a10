"""Records made elsewhere (Synthea): loaded beside the running server, found, read and referred like any other."""

from __future__ import annotations

import gzip
import json
import re
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.browser.conftest import Open, Site
from tests.journeys.browser.screens import in_order, look_over

BUNDLES = 10
TABS = ("summary", "timeline", "laboratory", "medication", "reports", "encounters")
DATA = frozenset(
    "family given prefix suffix text display name title description unit conclusion line city state country valueString data".split()
)
"""Elements whose words are the record's own, in whatever language it was written."""

pytestmark = pytest.mark.shared_data


def words_of(value: Any, key: str = "") -> set[str]:
    """Every word in Latin letters a record brings with it."""
    if isinstance(value, dict):
        return {word for name, inner in value.items() for word in words_of(inner, name)}
    if isinstance(value, list):
        return {word for inner in value for word in words_of(inner, key)}
    if key in DATA and isinstance(value, str):
        return set(re.findall(r"[A-Za-zμ][A-Za-zμ0-9.]*", value)) | set(re.findall(r"[A-Za-zμ]+", value))
    return set()


def test_a_loaded_patient_is_found_read_and_referred(at_a_desk: Open, site: Site, shared_data: Path, tmp_path: Path) -> None:
    with gzip.open(shared_data / "synthea-r4" / "bundles.ndjson.gz", "rt", encoding="utf-8") as file:
        lines = list(islice(file, BUNDLES))
    few = tmp_path / "bundles.ndjson"
    few.write_text("".join(lines), encoding="utf-8")
    loaded = site.yilian("load", str(few), "--institution", "青石镇卫生院")
    assert loaded.returncode == 0, loaded.stderr
    resources = [[entry["resource"] for entry in json.loads(line)["entry"]] for line in lines]
    assert f"{sum(map(len, resources))} resources stored" in loaded.stderr
    assert "0 refused" in loaded.stderr
    site.brought.update(words_of([one for record in resources for one in record if one["resourceType"] in ("Patient", "Condition")]))

    record = resources[1]
    patient = next(one for one in record if one["resourceType"] == "Patient")
    [name] = patient["name"]
    known = frozenset(words_of(record))
    gp = at_a_desk("gp")
    gp.page.get_by_label("查找患者").first.fill(name["family"])
    gp.page.get_by_role("option", name=re.compile(name["family"])).click()
    gp.arrives("/patients/.*")
    gp.sees(name["given"][0], "青石镇卫生院")
    here = gp.address
    gp.go("/patients?q=" + name["given"][0])
    expect(gp.page.get_by_role("table").get_by_role("link", name=re.compile(name["family"]))).to_have_attribute("href", here)

    in_order(look_over(gp, [here, *(f"{here}?tab={tab}" for tab in TABS[1:]), f"{here}/refer"], known))
    assert gp.field("impressions").locator("input:checked").count() >= 1
    assert gp.field("evidence").locator("input[type=checkbox]").count() >= 1
    gp.choose("specialty", "xxg", "心血管内科")
    gp.field("receiver").get_by_role("radio", name=re.compile("云溪市第一人民医院")).check()
    gp.choose("reasons", "jwz", "急危重症")
    gp.write("presentIllness", "胸痛一天，当地无法进一步检查。")
    gp.field("consent").get_by_label("患者书面同意").check()
    gp.press("提交转诊")
    gp.arrives("/referrals/.*")
    gp.sees("已提交", "院内审批中", "胸痛一天")

    head = at_a_desk("head")
    head.go(gp.address)
    head.act("approve")
    coordinator = at_a_desk("coordinator")
    coordinator.go(gp.address)
    coordinator.page.get_by_role("button", name="查看档案").click()
    coordinator.arrives(here)
    coordinator.sees(name["family"])
