"""Imports: sent or fetched, line by line, by systems of the region alone."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.http.bulk.asking import ASYNC, NDJSON, Json, ended, lines, observation, there
from tests.http.house import RESIDENT, Server, running
from yilian.exchange import loaders


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
