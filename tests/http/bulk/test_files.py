"""What becomes of an export: who may fetch its files, when they go, what the trail says."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.http.bulk.asking import ASYNC, ended, lines, manifest, there
from tests.http.house import RESIDENT, Server, running
from yilian import app, config
from yilian.exchange.bulk import records


async def test_only_who_asked_may_look_and_fetch(server: Server) -> None:
    bench, gp, colleague = await server.as_("bench"), await server.as_("gp"), await server.as_("gp-colleague")
    kickoff = await gp.get("/fhir/Patient/$export", headers=ASYNC)
    told = (await ended(gp, kickoff)).json()
    file = told["output"][0]["url"]
    for who in (bench, colleague):
        assert (await who.get(kickoff.headers["content-location"])).status_code == 404
        assert (await who.delete(kickoff.headers["content-location"])).status_code == 404
        assert (await who.get(file)).status_code == 404
    assert (await server.nobody().get(file)).status_code == 401
    assert (await gp.get(file.rpartition("/")[0] + "/..%2F..%2Fsecret")).status_code == 404
    assert (await gp.get(file)).status_code == 200
    await server.value("update post set role = 'regulator' where account = 'gp' returning 1")
    moved = Server(server.dsn, server.application)
    assert (await (await moved.as_("gp")).get(file)).status_code == 404, "a post that sees no records fetches none"


async def test_what_failed_inside_is_told_without_sql_or_paths(server: Server) -> None:
    gp = await server.as_("gp")
    for inside, shown in (("PostgresSyntaxError: select body from resource at /srv/x", False), ("GiveUp: people: too many values", True)):
        kickoff = await gp.get("/fhir/Patient/$export", headers=ASYNC)
        assert (await ended(gp, kickoff)).status_code == 200
        id = kickoff.headers["content-location"].rpartition("/")[2]
        await server.value("update bulk set state = 'accepted', finished = null, expires = null where id = $1 returning 1", id)
        failed = "update job set state = 'failed', error = $2 where payload ->> 'bulk' = $1 returning 1"
        assert await server.value(failed, id, inside) == 1
        status = await gp.get(kickoff.headers["content-location"])
        assert status.status_code == 500
        assert (inside.partition(": ")[2] in status.text) is shown, status.text


async def test_deleting_the_status_throws_everything_away(server: Server, tmp_path: Path) -> None:
    bench = await server.as_("bench")
    kickoff = await bench.get("/fhir/$export", headers=ASYNC)
    told = (await ended(bench, kickoff)).json()
    status = kickoff.headers["content-location"]
    assert (await bench.delete(status)).status_code == 202
    assert (await bench.get(status)).status_code == 404
    assert (await bench.delete(status)).status_code == 404
    assert (await bench.get(told["output"][0]["url"])).status_code == 404
    assert there(tmp_path)
    await cleared(server, tmp_path)
    assert not there(tmp_path)


async def cleared(server: Server, folder: Path) -> None:
    """What the periodic job does."""
    settings = config.Settings(bulk_folder=str(folder))
    database = app.database(settings, server.dsn)
    await database.open()
    try:
        await app.bulk_desk(settings).clear(database, None)  # type: ignore[arg-type]
    finally:
        await database.close()


async def test_files_go_when_their_time_is_over(server: Server, tmp_path: Path) -> None:
    bench = await server.as_("bench")
    kickoff = await bench.get("/fhir/$export?_type=Patient", headers=ASYNC)
    status = await ended(bench, kickoff)
    assert status.headers["expires"].endswith("GMT")
    await cleared(server, tmp_path)
    assert there(tmp_path), "not before"
    await server.value("update bulk set expires = now() - interval '1 second' returning 1")
    assert (await bench.get(status.json()["output"][0]["url"])).status_code == 404
    await cleared(server, tmp_path)
    assert not there(tmp_path)
    assert (await bench.get(kickoff.headers["content-location"])).status_code == 404


async def test_the_trail_tells_each_patient_who_exported_them(server: Server) -> None:
    gp = await server.as_("gp")
    await lines(gp, (await manifest(gp, "/fhir/Patient/$export"))["output"])
    resident = await server.as_(RESIDENT)
    events = (await resident.get("/fhir/AuditEvent?patient=Patient/p1")).json()["entry"]
    assert any('"export"' in json.dumps(event) for event in events)
    rows = await server.value(
        "select array_agg(query order by seq) from audit_event where operation = 'export' and patient is null and account = 'gp'"
    )
    assert [text.partition(" → ")[2] for text in rows] == ["accepted", "Patient 3", "Patient.1.ndjson, 3 lines fetched"]
    assert await server.value("select count(*) from audit_event where operation = 'export' and patient is not null") == 3


async def test_an_export_of_somebody_who_was_disabled_meanwhile_comes_to_nothing(furnished_dsn: str, tmp_path: Path) -> None:
    async with running(furnished_dsn, bulk_folder=str(tmp_path), jobs_at_once=0) as idle:
        gp = await idle.as_("gp")
        bench = await idle.as_("bench")
        kickoff = await gp.get("/fhir/Patient/$export", headers=ASYNC)
        for expected in (202, 202, 202, 429):
            assert (await bench.get("/fhir/$export", headers=ASYNC)).status_code == expected
        await idle.value("update account set disabled = now() where name = 'gp' returning 1")
        await idle.value("delete from job where payload ->> 'bulk' in (select id from bulk where owner = 'bench') returning 1")
    async with running(furnished_dsn, bulk_folder=str(tmp_path)) as working:
        await working.value("update account set disabled = null where name = 'gp' returning 1")
        await working.value("update account set disabled = now() where name = 'gp' returning 1")
        id = kickoff.headers["content-location"].rpartition("/")[2]
        async with asyncio.timeout(30):
            while await working.value("select state from job where payload ->> 'bulk' = $1", id) != "failed":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        database = app.database(config.Settings(), furnished_dsn)
        await database.open()
        async with database.reading() as tx:
            assert (await records.by_id(tx, id)).state == "failed"
        await database.close()
    assert not [name for name in there(tmp_path) if "." in name]


async def test_the_capability_statement_names_them(server: Server) -> None:
    rest = (await server.nobody().get("/fhir/metadata")).json()["rest"][0]
    assert {"export", "import"} <= {operation["name"] for operation in rest["operation"]}
    group = next(one for one in rest["resource"] if one["type"] == "Group")
    assert "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export" in [one["definition"] for one in group["operation"]]
