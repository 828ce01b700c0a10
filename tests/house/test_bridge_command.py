"""`yilian bridge`: messages from files into the region and back, with a report, as a person at a terminal has them."""

from __future__ import annotations

import asyncio
import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.exchange.bridge.test_bridge import AT, BACK, OUT, PERSON
from tests.referral.region import organization, patient
from yilian import app, cli, config
from yilian.access import clients
from yilian.exchange import bridge
from yilian.exchange.bridge.form import BACK_FIELDS, BACK_LABELS, OUT_FIELDS, OUT_LABELS, Message
from yilian.fhir import urls
from yilian.store.change import Change
from yilian.store.scope import SYSTEM
from yilian.store.write import write

SOURCE = "https://other.example/fhir"
APPLY = Message("m-1", SOURCE, "apply", PERSON, "LH001", "FH001", out=OUT)


@pytest.fixture
def dsn(furnished_dsn: str) -> str:
    """The small region; two of its houses have a code, and systems of their own."""
    asyncio.run(_prepare(furnished_dsn))
    return furnished_dsn


async def _prepare(dsn: str) -> None:
    db = app.database(config.Settings(), dsn)
    await db.open()
    try:
        async with db.transaction() as tx:
            houses = []
            for id, name, tier, code in (("liuhe", "柳河镇卫生院", "township", "LH001"), ("first", "云溪市第一人民医院", "city", "FH001")):
                houses.append({**organization(id, name, tier, False), "identifier": [{"system": urls.INSTITUTION_ID, "value": code}]})
            child = patient("p3", "单雄", "male", "2024-05-01", "liuhe")
            child["identifier"] = [{"system": system, "value": value} for system, value in PERSON.numbers]
            await write(tx, SYSTEM, [Change("PUT", one["resourceType"], one["id"], one) for one in (*houses, child)])
            for id in ("liuhe", "first"):
                await clients.add(
                    tx, f"his-{id}", name=id, secret="secret-secret", scope="system/*.*", grant_types=("client_credentials",),
                    institution=f"Organization/{id}",
                )  # fmt: skip
    finally:
        await db.close()


def run(dsn: str, *arguments: str) -> int:
    return cli.main(["bridge", *arguments, "--database-url", dsn])


def put(folder: Path, name: str, *messages: Message) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text("\n".join(json.dumps(bridge.write_message(one, AT)) for one in messages), encoding="utf-8")
    return file


def read(file: Path) -> Message:
    return bridge.read_message(json.loads(file.read_text("utf-8")))


def test_a_referral_goes_through_files_from_application_to_record_and_comes_out_as_it_came_in(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    apply = str(put(tmp_path / "in", "apply.json", APPLY))
    assert run(dsn, "in", apply, "--client", "his-liuhe", "--dry-run") == 0
    assert "仅试运行" in capsys.readouterr().err
    assert run(dsn, "in", apply, "--client", "his-liuhe", "--answers", str(tmp_path / "answers")) == 0
    (line,) = capsys.readouterr().out.splitlines()
    name, step, what, number, _ = line.split("\t")
    assert (name, step, what) == ("apply.json", "apply", "已接收")
    (answer,) = (tmp_path / "answers").iterdir()
    assert answer.name == f"{number}-apply.json"
    assert json.loads(answer.read_text("utf-8"))["entry"][0]["resource"]["response"]["code"] == "ok"
    assert run(dsn, "in", apply, "--client", "his-liuhe") == 0
    assert "此前已接收" in capsys.readouterr().out

    follow = [
        replace(APPLY, id="m-2", step="answer", number=number, out=None),
        replace(APPLY, id="m-3", step="arrival", number="nowhere", out=None),
        replace(APPLY, id="m-4", step="arrival", number=number, out=None),
        replace(APPLY, id="m-5", step="record", number=number, out=None, back=BACK),
    ]
    file = put(tmp_path / "follow", "steps.ndjson", *follow)
    assert run(dsn, "in", str(file.parent), "--client", "his-first") == 1
    told = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(one[0], one[1], one[2]) for one in told] == [
        ("steps.ndjson:1", "answer", "已接收"),
        ("steps.ndjson:2", "arrival", "未通过"),
        ("steps.ndjson:3", "arrival", "已接收"),
        ("steps.ndjson:4", "record", "已接收"),
    ]
    assert told[1][4] == "没有该转诊单号，或您无权查看。".replace("，", ",")

    out = tmp_path / "out"
    assert run(dsn, "out", str(out), "--client", "his-first") == 0
    assert {one.name for one in out.iterdir()} == {f"{number}-{step}.json" for step in bridge.STEPS}
    came, record = read(out / f"{number}-apply.json"), read(out / f"{number}-record.json")
    assert came.out == replace(OUT, doctor=came.out.doctor if came.out else "")
    assert (came.sender, came.receiver, came.person.name) == ("LH001", "FH001", "单雄")
    assert record.back == BACK
    assert run(dsn, "out", str(out), "--client", "his-first") == 1, "the folder is not empty"

    form = tmp_path / "form"
    assert run(dsn, "out", str(form), "--user", "gp2", "--form", "--number", number) == 0
    with (form / "双向转诊单.csv").open(encoding="utf-8-sig", newline="") as text:
        (row,) = csv.DictReader(text)
    assert row["转诊单号"] == number
    assert (row["转诊方向"], row["转入科室"], row["知情同意方式"]) == ("上转", "心血管内科专业", "家属或监护人同意")
    assert (row["诊断结果"], row["下次就诊日期"]) == ("房间隔缺损", "2027-05-20")


def test_who_sees_nothing_of_it_gets_nothing_of_it(dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(put(tmp_path / "in", "apply.json", APPLY))
    assert run(dsn, "in", file, "--client", "his-first") == 1  # an application comes from who refers
    assert "未通过" in capsys.readouterr().out
    assert run(dsn, "in", file, "--client", "his-liuhe") == 0
    number = capsys.readouterr().out.split("\t")[3]
    assert run(dsn, "out", str(tmp_path / "none"), "--user", "expert2", "--number", number) == 1
    assert number in capsys.readouterr().err
    assert run(dsn, "out", str(tmp_path / "all"), "--client", "bench") == 1  # the region is no institution
    (tmp_path / "broken.json").write_text("[1]")
    assert run(dsn, "in", str(tmp_path / "broken.json"), "--client", "his-liuhe") == 1
    assert run(dsn, "in", file, "--client", "nobody") == 1


def test_every_field_of_the_form_has_a_heading_and_the_page_names_it() -> None:
    assert tuple(OUT_LABELS) == OUT_FIELDS
    assert tuple(BACK_LABELS) == BACK_FIELDS
    assert len({*OUT_LABELS.values(), *BACK_LABELS.values()}) == len(OUT_FIELDS) + len(BACK_FIELDS)
    page = (Path(__file__).parents[2] / "docs" / "reference" / "bridge.md").read_text("utf-8")
    for option in ("--client", "--user", "--answers", "--dry-run", "--number", "--step", "--since", "--form"):
        assert f"`{option}`" in page, option
