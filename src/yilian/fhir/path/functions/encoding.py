"""encode, decode, escape, unescape. http://hl7.org/fhirpath/#additional-string-functions"""

from __future__ import annotations

import base64
import binascii
import html
import json
from collections.abc import Callable

from yilian.fhir.path.errors import PathExecutionError
from yilian.fhir.path.functions.kinds import Function, Plain, text
from yilian.fhir.path.items import Collection, one
from yilian.fhir.path.scope import Scope

Change = Callable[[str], str]

ENCODINGS: dict[str, tuple[Change, Change]] = {
    "hex": (lambda value: value.encode().hex(), lambda value: bytes.fromhex(value).decode()),
    "base64": (lambda value: base64.b64encode(value.encode()).decode(), lambda value: base64.b64decode(value, validate=True).decode()),
    "urlbase64": (
        lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
        lambda value: base64.b64decode(value, altchars=b"-_", validate=True).decode(),
    ),
}

ESCAPES: dict[str, tuple[Change, Change]] = {
    "html": (lambda value: html.escape(value, quote=True).replace("&#x27;", "&#39;"), html.unescape),
    "json": (lambda value: json.dumps(value, ensure_ascii=False)[1:-1], lambda value: str(json.loads(f'"{_quoted(value)}"', strict=False))),
}


def _quoted(value: str) -> str:
    """Quotation marks that stand alone are let through, as other implementations do."""
    out, escaped = [], False
    for character in value:
        if character == '"' and not escaped:
            out.append("\\")
        escaped = character == "\\" and not escaped
        out.append(character)
    return "".join(out)


def _changed(table: dict[str, tuple[Change, Change]], way: int) -> Callable[[Scope, Collection, Collection], Collection]:
    def of(scope: Scope, items: Collection, form: Collection) -> Collection:
        value, name = text(items), text(form)
        if value is None or name is None:
            return []
        if name not in table:
            raise PathExecutionError(f"{name[:40]!r} is not known here; {', '.join(table)} are.")
        try:
            return one(table[name][way](value))
        except (ValueError, binascii.Error) as error:
            raise PathExecutionError(f"The text is not {name}: {error}.") from None

    return of


FUNCTIONS: dict[str, Function] = {
    "encode": Plain(_changed(ENCODINGS, 0), 1, 1),
    "decode": Plain(_changed(ENCODINGS, 1), 1, 1),
    "escape": Plain(_changed(ESCAPES, 0), 1, 1),
    "unescape": Plain(_changed(ESCAPES, 1), 1, 1),
}
