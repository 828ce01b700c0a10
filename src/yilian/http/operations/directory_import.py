"""Organization/$import-directory and $import-template: lists of institutions, departments, people, equipment and services taken in.

docs/reference/directory.md
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from typing import Any

from yilian.access.policy import require
from yilian.directory import importing, sheets
from yilian.directory.importing import Told
from yilian.errors import BadRequest
from yilian.fhir import urls
from yilian.http.answer import Answer, of_json
from yilian.http.house import House
from yilian.http.operations import Operation
from yilian.http.parameters import Parameter, called_with
from yilian.http.request import Request
from yilian.store.scope import Scope

Json = dict[str, Any]

TAKEN = (Parameter("content", "resource", of="Binary"), Parameter("kind"), Parameter("apply", "boolean"))
XLSX = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def take_in(house: House, asker: Scope, request: Request) -> Answer:
    """POST /Organization/$import-directory with content, kind (of a CSV) and apply: a report row by row; kept only with apply and where no
    row is refused."""
    require(asker, "write", "Organization")
    called = await called_with(request, TAKEN)
    binary: Json | None = called.one("content")
    if binary is None:
        raise BadRequest("content is missing: a Binary with the file.", expression="content", zh="请选择要导入的文件。")
    try:
        content = b64decode(str(binary.get("data", "")), validate=True)
    except (NotBase64, ValueError):
        raise BadRequest("Binary.data is not base64.", expression="content", zh="文件内容无法读取。") from None
    rows = sheets.read(content, called.text("kind"))
    told = await importing.carry_out(house.db, asker, rows, apply=called.flag("apply"))
    kept = called.flag("apply") and all(one.what != "refused" for one in told)
    parts: list[Json] = [{"name": "kept", "valueBoolean": kept}]
    parts += [{"name": "row", "part": _row(one)} for one in told]
    return of_json({"resourceType": "Parameters", "parameter": parts})


async def template(house: House, asker: Scope, request: Request) -> Answer:
    """GET /Organization/$import-template: the workbook to fill in."""
    require(asker, "read", "Organization")
    await called_with(request, ())
    named = (b"content-disposition", b'attachment; filename="directory.xlsx"')
    return Answer(200, sheets.template(), [named], XLSX)


def _row(one: Told) -> list[Json]:
    return [
        {"name": "kind", "valueCode": one.kind},
        {"name": "number", "valuePositiveInt": one.number},
        {"name": "outcome", "valueCode": one.what},
        *({"name": name, "valueString": text} for name, text in (("name", one.name), ("zh", one.zh), ("en", one.en)) if text),
    ]


OURS = urls.BASE + "OperationDefinition/"
OPERATIONS = (
    Operation("Organization", "type", "import-directory", take_in, True, "Take a list into the directory", OURS + "import-directory"),
    Operation("Organization", "type", "import-template", template, False, "An empty list to fill in", OURS + "import-template"),
)
