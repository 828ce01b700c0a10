"""A printed slip can be checked by its code."""

from __future__ import annotations

import io
import re

import httpx
from pypdf import PdfReader

from tests.http.house import Server
from tests.referral.region import refer_parameters, up


async def test_the_code_on_a_slip_leads_back_to_the_referral(server: Server) -> None:
    gp = await server.as_("gp2")
    made = await gp.post("/fhir/ServiceRequest/$refer", json=refer_parameters(up("p3")))
    assert made.status_code == 201, made.text
    task = next(one["resource"] for one in made.json()["parameter"] if one["name"] == "task")
    printed = await gp.get(f"/fhir/Task/{task['id']}/$slip", params={"kind": "referral", "size": "A4"})
    assert printed.headers["content-type"] == "application/pdf"
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(printed.content)).pages)
    assert "单雄" in text
    code = re.findall(r"[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}", text)[0]
    told = (await gp.get("/fhir/Task/$verify-slip", params={"code": code})).json()["parameter"]
    assert {one["name"]: one.get("valueReference", {}).get("reference") for one in told}["task"] == f"Task/{task['id']}"
    other = await server.as_("gp")
    assert await verify(other, code) == 404
    assert await verify(gp, "AAAA-BBBB-CCCC") == 404


async def verify(client: httpx.AsyncClient, code: str) -> int:
    return (await client.get("/fhir/Task/$verify-slip", params={"code": code})).status_code
