"""$export and $import over HTTP, with the jobs that carry them out."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.http.house import RESIDENT, Server, running
from yilian import app, config
from yilian.exchange import loaders
from yilian.exchange.bulk import records

Json = dict[str, Any]
ASYNC = {"prefer": "respond-async"}
NDJSON = {"content-type": "application/fhir+ndjson", **ASYNC}


@pytest.fixture
async def server(furnished_dsn: str, tmp_path: Path) -> AsyncIterator[Server]:
    async with running(furnished_dsn, bulk_folder=str(tmp_path), import_hosts="127.0.0.1:8123, files.example") as started:
        yield started


def observation(id: str, patient: str, status: str = "final", code: str = "8480-6") -> Json:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": status,
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "note": [{"text": '引号 " 反斜杠 \\ 换行 \n 逗号 , é 🙂'}],
    }


def there(folder: Path) -> list[str]:
    """Every file and folder below it."""
    return [path.name for path in folder.rglob("*")]


async def put(client: httpx.AsyncClient, *resources: Json) -> None:
    for one in resources:
        answer = await client.put(f"/fhir/{one['resourceType']}/{one['id']}", json=one)
        assert answer.status_code in (200, 201), answer.text


async def ended(client: httpx.AsyncClient, kickoff: httpx.Response, *, seconds: float = 60) -> httpx.Response:
    """The first answer of the status that is not 202."""
    assert kickoff.status_code == 202, kickoff.text
    async with asyncio.timeout(seconds):
        while True:
            status = await client.get(kickoff.headers["content-location"])
            if status.status_code != 202:
                return status
            assert int(status.headers["retry-after"]) >= 1
            assert "resources" in status.headers["x-progress"]
            await asyncio.sleep(0.05)


async def manifest(client: httpx.AsyncClient, path: str, **more: Any) -> Json:
    status = await ended(client, await client.get(path, headers=ASYNC, **more))
    assert status.status_code == 200, status.text
    assert status.headers["content-type"] == "application/json"
    found: Json = status.json()
    return found


async def lines(client: httpx.AsyncClient, files: list[Json]) -> list[Json]:
    found = []
    for file in files:
        answer = await client.get(file["url"])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/fhir+ndjson"), answer.text
        own = [json.loads(line) for line in answer.text.split("\n")[:-1]]
        assert len(own) == file["count"]
        found += own
    return found


def names(resources: list[Json]) -> set[str]:
    listed = [f"{one['resourceType']}/{one['id']}" for one in resources]
    assert len(set(listed)) == len(listed), "something came twice"
    return set(listed)


async def test_a_system_gets_every_resource_exactly_as_it_is_stored(server: Server) -> None:
    bench = await server.as_("bench")
    await put(bench, observation("o1", "p1"), observation("o2", "p3"))
    told = await manifest(bench, "/fhir/$export?_outputFormat=application/fhir%2Bndjson")
    assert told["request"].endswith("/fhir/$export?_outputFormat=application/fhir%2Bndjson")
    assert (told["requiresAccessToken"], told["error"], "deleted" in told) == (True, [], False)
    resources = await lines(bench, told["output"])
    assert names(resources) >= {"Patient/p1", "Patient/p3", "Observation/o1", "Observation/o2", "Organization/county"}
    assert len(resources) == await server.value("select count(*) from resource where not deleted")
    stored = await server.value("select body from resource where id = 'o1'")
    one = next(file for file in told["output"] if file["type"] == "Observation")
    assert stored in (await bench.get(one["url"])).text.split("\n")


async def test_files_can_be_fetched_compressed(server: Server) -> None:
    bench = await server.as_("bench")
    told = await manifest(bench, "/fhir/$export", params={"_type": "Organization"})
    url = told["output"][0]["url"]
    plain = await bench.get(url, headers={"accept-encoding": "identity"})
    async with bench.stream("GET", url, headers={"accept-encoding": "gzip", "accept": "application/fhir+ndjson"}) as packed:
        raw = b"".join([piece async for piece in packed.aiter_raw()])
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert int(plain.headers["content-length"]) == len(plain.content)


async def test_others_export_the_patients_they_may_see_and_no_more(server: Server) -> None:
    bench = await server.as_("bench")
    await put(bench, observation("o1", "p1"), observation("o2", "p2"), observation("o3", "p3"))
    here, there = await server.as_("gp"), await server.as_("gp2")
    ours = names(await lines(here, (await manifest(here, "/fhir/Patient/$export"))["output"]))
    theirs = names(await lines(there, (await manifest(there, "/fhir/Patient/$export"))["output"]))
    assert ours == {"Patient/p1", "Patient/p2", "Patient/dead", "Observation/o1", "Observation/o2"}
    assert theirs == {"Patient/p3", "Observation/o3"}
    own = await server.as_(RESIDENT)
    assert names(await lines(own, (await manifest(own, "/fhir/Patient/$export"))["output"])) == {"Patient/p1", "Observation/o1"}
    for who in (here, own):
        assert (await who.get("/fhir/$export", headers=ASYNC)).status_code == 403
    assert (await (await server.as_("admin")).get("/fhir/Patient/$export", headers=ASYNC)).status_code == 403
    assert (await server.nobody().get("/fhir/$export", headers=ASYNC)).status_code == 401


async def test_a_group_gives_its_active_members_as_far_as_one_sees_them(server: Server) -> None:
    bench = await server.as_("bench")
    gp = await server.as_("gp")
    await put(bench, *(observation(f"o-{patient}", patient) for patient in ("p1", "p2", "p3", "dead")))
    members = [{"entity": {"reference": f"Patient/{id}"}, "inactive": id == "p2"} for id in ("p1", "p2", "p3")]
    await put(bench, {"resourceType": "Group", "id": "g", "type": "person", "actual": True, "member": members})
    told = await manifest(bench, "/fhir/Group/g/$export")
    assert names(await lines(bench, told["output"])) == {"Patient/p1", "Observation/o-p1", "Patient/p3", "Observation/o-p3"}
    assert (await gp.get("/fhir/Group/g/$export", headers=ASYNC)).status_code == 404  # it is about others' patients too
    assert (await gp.get("/fhir/Group/none/$export", headers=ASYNC)).status_code == 404

    def asked(*patients: str) -> Json:
        named = [{"name": "patient", "valueReference": {"reference": f"Patient/{id}"}} for id in patients]
        return {"resourceType": "Parameters", "parameter": [*named, {"name": "_type", "valueString": "Observation"}]}

    status = await ended(bench, await bench.post("/fhir/Group/g/$export", json=asked("p3"), headers=ASYNC))
    assert names(await lines(bench, status.json()["output"])) == {"Observation/o-p3"}
    assert (await bench.post("/fhir/Group/g/$export", json=asked("p2"), headers=ASYNC)).status_code == 404
    status = await ended(gp, await gp.post("/fhir/Patient/$export", json=asked("p2", "p1"), headers=ASYNC))
    assert names(await lines(gp, status.json()["output"])) == {"Observation/o-p1", "Observation/o-p2"}
    hidden = await gp.post("/fhir/Patient/$export", json=asked("p3"), headers=ASYNC)
    nowhere = await gp.post("/fhir/Patient/$export", json=asked("p9"), headers=ASYNC)
    assert hidden.status_code == nowhere.status_code == 404
    assert hidden.json()["issue"][0]["diagnostics"].replace("p3", "p9") == nowhere.json()["issue"][0]["diagnostics"]


async def test_since_gives_what_changed_and_what_was_deleted(server: Server) -> None:
    bench = await server.as_("bench")
    await put(bench, observation("old", "p1"), observation("gone", "p1"), observation("changed", "p1"))
    first = await manifest(bench, "/fhir/$export", params={"_type": "Observation"})
    assert names(await lines(bench, first["output"])) == {"Observation/old", "Observation/gone", "Observation/changed"}
    await bench.delete("/fhir/Observation/gone")
    await put(bench, observation("changed", "p1", "amended"), observation("new", "p1"))
    told = await manifest(bench, "/fhir/$export", params={"_type": "Observation", "_since": first["transactionTime"]})
    assert names(await lines(bench, told["output"])) == {"Observation/changed", "Observation/new"}
    (bundle,) = await lines(bench, told["deleted"])
    assert bundle["type"] == "transaction"
    assert bundle["entry"] == [{"request": {"method": "DELETE", "url": "Observation/gone"}}]


async def test_filters_are_searches_and_several_of_a_type_are_alternatives(server: Server) -> None:
    bench = await server.as_("bench")
    await put(
        bench,
        observation("a", "p1"),
        observation("b", "p1", "amended"),
        observation("c", "p1", code="8462-4"),
        observation("d", "p1", "preliminary"),
    )
    asked = [("_type", "Observation,Patient"), ("_typeFilter", "Observation?status=amended,Observation?code=http://loinc.org|8462-4")]
    told = await manifest(bench, "/fhir/$export", params=asked)
    found = names(await lines(bench, told["output"]))
    assert {name for name in found if name.startswith("Obs")} == {"Observation/b", "Observation/c"}
    assert "Patient/p2" in found, "a type without a filter comes whole"
    chained = {"_type": "Observation", "_typeFilter": "Observation?patient.name=李秀英&status=preliminary,final"}
    assert names(await lines(bench, (await manifest(bench, "/fhir/$export", params=chained))["output"])) == {
        "Observation/a",
        "Observation/c",
        "Observation/d",
    }


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("_elements=id", "_elements is not done"),
        ("_typo=Patient", "_typo is not known"),
        ("_type=Patent", "no type that can be exported"),
        ("_type=AuditEvent", "no type that can be exported"),
        ("_outputFormat=application/parquet", "_outputFormat"),
        ("_since=yesterday", "yesterday"),
        ("_since=2026-01-01&_since=2026-01-02", "given twice"),
        ("_type=Observation&_typeFilter=Patient?name=x", "not among the types"),
        ("_typeFilter=Observation?colour=red", "colour"),
        ("_typeFilter=Observation?_include=Observation:subject", "_include"),
        ("_typeFilter=Observation", "is no search"),
        ("patient=Patient/p1", "patient is not known"),
    ],
)
async def test_what_is_not_understood_is_refused(server: Server, query: str, says: str) -> None:
    bench = await server.as_("bench")
    answer = await bench.get(f"/fhir/$export?{query}", headers=ASYNC)
    assert answer.status_code == 400
    assert says in answer.json()["issue"][0]["diagnostics"]
    assert await server.value("select count(*) from bulk") == 0


async def test_it_is_asynchronous_only_and_lenient_handling_tells_what_it_left_out(server: Server) -> None:
    bench = await server.as_("bench")
    assert (await bench.get("/fhir/$export")).status_code == 400
    assert (await bench.get("/fhir/Patient/$export?_type=Organization", headers=ASYNC)).status_code == 400
    kickoff = await bench.get(
        "/fhir/Patient/$export?_type=Patient,Organization&_elements=id", headers={"prefer": "respond-async, handling=lenient"}
    )
    told = (await ended(bench, kickoff)).json()
    assert {file["type"] for file in told["output"]} == {"Patient"}
    (file,) = told["error"]
    said = [one["issue"][0]["diagnostics"] for one in await lines(bench, [file])]
    assert [text.split()[0] for text in said] == ["_elements", "_type=Organization"]


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


# --- $import


def ndjson(*resources: Json | str) -> bytes:
    return "\n".join(one if isinstance(one, str) else json.dumps(one) for one in resources).encode() + b"\n"


async def test_a_sent_file_is_taken_in_and_every_refused_line_is_told(server: Server) -> None:
    bench = await server.as_("bench")
    body = ndjson(
        observation("i1", "p1"), "{broken", observation("i2", "p1", "no-such-status"), observation("i3", "nobody"), observation("i4", "p2")
    )
    status = await ended(bench, await bench.post("/fhir/$import", content=body, headers=NDJSON))
    assert status.status_code == 200
    told = status.json()
    assert [file["count"] for file in told["output"]] == [2]
    (file,) = told["error"]
    refused = await lines(bench, [file])
    assert sorted(one["issue"][0]["diagnostics"].partition(":")[0] for one in refused) == ["line 2", "line 3", "line 4"]
    assert (await bench.get("/fhir/Observation/i4")).status_code == 200
    assert (await bench.get("/fhir/Observation/i2")).status_code == 404
    assert await server.value("select account from audit_event where entities @> '{Observation/i4/_history/1}'") == "bench"
    assert await server.value("select count(*) from load_progress") == 0
    again = await ended(bench, await bench.post("/fhir/$import", content=ndjson(observation("i1", "p1", "amended")), headers=NDJSON))
    assert again.json()["output"][0]["count"] == 1
    assert (await bench.get("/fhir/Observation/i1")).json()["status"] == "amended"


async def test_a_large_file_is_taken_in_by_several_processes(furnished_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    processes = loaders.processes
    monkeypatch.setattr(loaders, "processes", lambda count, opening: begun.append(count) or processes(count, opening))
    async with running(furnished_dsn, bulk_folder=str(tmp_path), import_processes=2) as server:
        bench = await server.as_("bench")
        many = [observation(f"n{number}", "p1") for number in range(4000)]
        many[1234] = observation("n1234", "nobody")
        body = ndjson(*many)
        assert len(body) > 1024 * 1024
        told = (await ended(bench, await bench.post("/fhir/$import", content=body, headers=NDJSON), seconds=300)).json()
        assert [file["count"] for file in told["output"]] == [3999]
        (refused,) = await lines(bench, told["error"])
        assert refused["issue"][0]["diagnostics"].startswith("line 1235:")
        assert await server.value("select count(*) from resource where id ~ '^n[0-9]+$'") == 3999
        assert await server.value("select account from audit_event where entities @> '{Observation/n3999/_history/1}'") == "bench"
        assert await server.value("select count(*) from load_progress") == 0
        assert begun == [2]


async def test_only_systems_of_the_region_import(server: Server) -> None:
    for who in ("gp", "admin", RESIDENT):
        client = await server.as_(who)
        assert (await client.post("/fhir/$import", content=ndjson(observation("x", "p1")), headers=NDJSON)).status_code == 403
    bench = await server.as_("bench")
    assert (await bench.post("/fhir/$import", content=b"", headers=NDJSON)).status_code == 400
    plain = {"content-type": "application/fhir+ndjson"}
    assert (await bench.post("/fhir/$import", content=ndjson(observation("x", "p1")), headers=plain)).status_code == 400
    assert await server.value("select count(*) from bulk") == 0


async def test_a_file_beyond_the_limit_is_refused_and_leaves_nothing(furnished_dsn: str, tmp_path: Path) -> None:
    async with running(furnished_dsn, bulk_folder=str(tmp_path), import_limit_bytes=2000) as small:
        bench = await small.as_("bench")
        body = ndjson(*(observation(f"x{n}", "p1") for n in range(20)))
        assert (await bench.post("/fhir/$import", content=body, headers=NDJSON)).status_code == 413
        assert not there(tmp_path)


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://169.254.169.254/latest/meta-data", 403),
        ("http://127.0.0.1:5432/", 403),
        ("https://files.example.attacker.test/x", 403),
        ("https://files.example@attacker.test/x", 400),
        ("file:///etc/passwd", 400),
        ("ftp://files.example/x", 400),
        ("http://[::1", 400),
        ("https://files.example:99999/x", 400),
        ("https://files.example:8443/x", 403),
    ],
)
async def test_files_are_fetched_from_listed_hosts_only(server: Server, url: str, status: int) -> None:
    bench = await server.as_("bench")
    body = {"inputFormat": "application/fhir+ndjson", "input": [{"type": "Observation", "url": url}]}
    answer = await bench.post("/fhir/$import", json=body, headers=ASYNC)
    assert answer.status_code == status
    assert await server.value("select count(*) from bulk") == 0


@contextmanager
def elsewhere(files: dict[str, bytes], port: int = 0) -> Iterator[int]:
    """Another server with these files; /away leads to the first of them."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = files.get(self.path)
            if self.path == "/away":
                self.send_response(302)
                self.send_header("location", next(iter(files)))
                self.end_headers()
                return
            self.send_response(200 if body is not None else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: object) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        try:
            yield http.server_address[1]
        finally:
            http.shutdown()
            thread.join()


@pytest.mark.parametrize("form", ["json", "parameters"])
async def test_listed_files_are_fetched_and_taken_in(furnished_dsn: str, tmp_path: Path, form: str) -> None:
    files = {"/a": ndjson(observation("f1", "p1")), "/b": ndjson(observation("f2", "p1"), "{no")}
    with elsewhere(files) as port:
        async with running(furnished_dsn, bulk_folder=str(tmp_path), import_hosts=f"127.0.0.1:{port}") as server:
            bench = await server.as_("bench")
            urls = [f"http://127.0.0.1:{port}{path}" for path in files]
            body: Json = {"inputFormat": "application/fhir+ndjson", "inputSource": "https://files.example", "input": []}
            body["input"] = [{"type": "Observation", "url": url} for url in urls]
            if form == "parameters":
                parts = [
                    {"name": "input", "part": [{"name": "type", "valueCode": "Observation"}, {"name": "url", "valueUrl": url}]}
                    for url in urls
                ]
                body = {
                    "resourceType": "Parameters",
                    "parameter": [{"name": "inputFormat", "valueCode": "application/fhir+ndjson"}, *parts],
                }
            told = (await ended(bench, await bench.post("/fhir/$import", json=body, headers=ASYNC))).json()
            assert [(one["inputUrl"], one["count"]) for one in told["output"]] == [(url, 1) for url in urls]
            assert [(one["inputUrl"], one["count"]) for one in told["error"]] == [(urls[1], 1)]
            away = {"input": [{"type": "Observation", "url": f"http://127.0.0.1:{port}/away"}]}
            kickoff = await bench.post("/fhir/$import", json=away, headers=ASYNC)
            id = kickoff.headers["content-location"].rpartition("/")[2]
            async with asyncio.timeout(30):
                while not (error := await server.value("select error from job where payload ->> 'bulk' = $1", id)):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert "302" in error
            assert (await bench.delete(kickoff.headers["content-location"])).status_code == 202


async def test_views_are_exported_as_tables_of_what_the_asker_sees(server: Server) -> None:
    bench, gp = await server.as_("bench"), await server.as_("gp")
    await put(bench, observation("a", "p1"), observation("b", "p3"))
    view = {
        "resourceType": "ViewDefinition",
        "name": "signs",
        "resource": "Observation",
        "select": [{"column": [{"name": "id", "path": "id"}, {"name": "codes", "path": "code.coding.code", "collection": True}]}],
    }

    def asked(format: str) -> Json:
        return {
            "resourceType": "Parameters",
            "parameter": [
                {"name": "viewResource", "resource": view},
                {"name": "viewReference", "valueString": "patients"},
                {"name": "_format", "valueCode": format},
            ],
        }

    status = await ended(gp, await gp.post("/fhir/ViewDefinition/$export", json=asked("csv"), headers=ASYNC))
    assert status.status_code == 200, status.text
    files = {one["type"]: one for one in status.json()["output"]}
    assert set(files) == {"signs", "patients"}
    signs = await gp.get(files["signs"]["url"])
    assert signs.headers["content-type"].startswith("text/csv")
    assert signs.text.splitlines() == ["id,codes", 'a,"[""8480-6""]"']
    seen = [entry["resource"]["id"] for entry in (await gp.get("/fhir/Patient")).json()["entry"]]
    assert files["patients"]["count"] == len(seen)
    assert (await bench.get(files["signs"]["url"])).status_code == 404, "the files are of who asked"
    status = await ended(bench, await bench.post("/fhir/ViewDefinition/$export", json=asked("ndjson"), headers=ASYNC))
    files = {one["type"]: one for one in status.json()["output"]}
    rows = [json.loads(line) for line in (await bench.get(files["signs"]["url"])).text.splitlines()]
    assert sorted(row["id"] for row in rows) == ["a", "b"]
    parquet = await ended(bench, await bench.post("/fhir/ViewDefinition/$export", json=asked("parquet"), headers=ASYNC))
    one = next(one for one in parquet.json()["output"] if one["type"] == "signs")
    assert (await bench.get(one["url"])).content[:4] == b"PAR1"


@pytest.mark.parametrize(
    ("parameter", "status"),
    [
        ([], 400),
        ([{"name": "viewReference", "valueString": "nothing"}], 404),
        ([{"name": "viewReference", "valueString": "patients"}, {"name": "viewReference", "valueString": "patients"}], 400),
        ([{"name": "viewReference", "valueString": "patients"}, {"name": "_format", "valueCode": "pdf"}], 400),
        ([{"name": "viewResource", "resource": {"resourceType": "ViewDefinition"}}], 422),
    ],
)
async def test_an_export_of_views_that_cannot_be_is_refused_at_once(server: Server, parameter: list[Json], status: int) -> None:
    gp = await server.as_("gp")
    body = {"resourceType": "Parameters", "parameter": parameter}
    assert (await gp.post("/fhir/ViewDefinition/$export", json=body, headers=ASYNC)).status_code == status
    admin = await server.as_("admin")
    named = {"resourceType": "Parameters", "parameter": [{"name": "viewReference", "valueString": "patients"}]}
    assert (await admin.post("/fhir/ViewDefinition/$export", json=named, headers=ASYNC)).status_code == 403
