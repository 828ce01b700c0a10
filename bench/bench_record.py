"""The record page of the largest patient made elsewhere, in a real browser: its API calls together, first paint, and JavaScript."""

from __future__ import annotations

import asyncio
import gzip
import statistics
import subprocess
from collections.abc import Iterator
from typing import Any

import asyncpg
from playwright.sync_api import Page, sync_playwright

from bench.ground import ROOT, YILIAN, Ground, Row, environment, shared_data
from yilian.postgres import address_of_running

ROUNDS = 20
CHROMIUM = "/usr/bin/chromium"
TOGETHER = """() => { const calls = performance.getEntriesByType('resource').filter(e => e.name.includes('/fhir/'));
  return [Math.max(...calls.map(e => e.responseEnd)) - Math.min(...calls.map(e => e.startTime)), calls.length]; }"""
PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
SCRIPTS = "() => performance.getEntriesByType('resource').filter(e => e.name.endsWith('.js')).map(e => new URL(e.name).pathname)"


def measure(ground: Ground) -> Iterator[Row]:
    shared = shared_data()
    if shared is None:
        raise RuntimeError("the collected data sets are not here (YILIAN_SHARED_DATA or ../shared/data)")
    data = ground.demo_region()
    with ground.server(data, command="demo") as server:
        file = shared / "synthea-r4" / "bundles.ndjson.gz"
        subprocess.run([*YILIAN, "load", str(file), "--data", str(data)], capture_output=True, env=environment(), check=True)
        dsn = address_of_running(data)
        assert dsn is not None
        patient, size = asyncio.run(_largest(dsn))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            _sign_in(page, server.url)
            scripts = set(page.evaluate(SCRIPTS))
            together, paints, calls = [], [], 0
            for _ in range(ROUNDS + 2):
                page.goto(f"{server.url}/patients/{patient}", wait_until="networkidle")
                took, calls = page.evaluate(TOGETHER)
                together.append(took)
                paints.append(page.evaluate(PAINT))
            browser.close()
    together.sort()
    yield Row(
        f"API calls of the record page together ({calls} calls, {size} resources), p95",
        together[int(ROUNDS * 0.95)],
        "ms",
        300.0,
        "at most",
    )
    yield Row("the same, median", statistics.median(together), "ms")
    yield Row("first contentful paint, median", statistics.median(paints), "ms", 1500.0, "at most")
    packed = sum(len(gzip.compress((ROOT / "web" / "dist" / path.lstrip("/")).read_bytes(), 6)) for path in scripts)
    yield Row("JavaScript of the first page, gzipped", packed / 1024, "KiB", 450.0, "at most")


async def _largest(dsn: str) -> tuple[str, int]:
    connection = await asyncpg.connect(dsn)
    try:
        row: Any = await connection.fetchrow(
            "select p.id, count(*) as size from resource r join resource p on p.rid = r.patient where p.body like '%synthea%'"
            " group by p.id order by size desc limit 1"
        )
    finally:
        await connection.close()
    return row["id"], row["size"]


def _sign_in(page: Page, url: str) -> None:
    page.goto(url)
    page.locator("input").nth(0).fill("gp")
    page.locator("input[type=password]").fill("yilian-demo")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/", timeout=20_000)
    page.wait_for_load_state("networkidle")
