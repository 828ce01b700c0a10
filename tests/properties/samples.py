"""What requests are made up of: values, texts, headers, paths and pieces of JSON, sound ones and absurd ones."""

from __future__ import annotations

from typing import Any

# fmt: off
MODIFIERS = {
    "token": ("not", "missing", "text", "in", "not-in", "above", "below", "of-type", "exact"),
    "string": ("exact", "contains", "missing", "text"),
    "reference": ("missing", "identifier", "Patient", "Practitioner", "Nothing", "above", "below"),
    "uri": ("above", "below", "missing"),
}
OFTEN = (
    "Patient", "Observation", "Encounter", "Condition", "Organization", "Practitioner", "ServiceRequest", "Task", "MedicationRequest",
    "ValueSet",
)
RESULTS = {
    "_sort": (
        "_id", "-_lastUpdated", "date", "-date", "birthdate", "name,-_id", "x", "--date", "_score", "code", "value-quantity", ",", "-",
    ),
    "_count": ("0", "1", "2", "50", "1000", "100000", "-1", "x", "1.5", "9" * 30, ""),
    "_total": ("none", "estimate", "accurate", "x"),
    "_summary": ("true", "text", "data", "count", "false", "x"),
    "_elements": ("id", "status,code", "name.family", "x", "", "id,,id", "resourceType"),
    "_contained": ("true", "false", "both", "x"),
    "_type": ("Patient,Observation", "Patient", "Nothing", "", "AuditEvent"),
    "_format": ("json", "xml", "application/fhir+xml", "ttl", "application/fhir json", ""),
    "_pretty": ("true", "x"),
    "_since": ("2026", "2026-01-01T00:00:00Z", "x", "9999-12-31", "0001-01-01"),
    "_at": ("2026", "gt2026", "x"),
    "_list": ("1", "$current-problems", "x/y", ""),
    "_cursor": ("", "x", "AAAA", "e30", "W10", "bnVsbA", "WzFd", "9" * 3000),
    "_filter": ("name eq x",),
    "_query": ("x",),
    "_text": ("x",),
    "_content": ("x",),
}
CONTENT_TYPES = ("application/fhir+json",) * 90 + (
    "application/json", "application/fhir+xml", "text/plain", "", "application/fhir+json; charset=gbk", "application/json-patch+json",
    "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "x", "*/*", "application/fhir+json;charset=UTF-8",
)
ACCEPTS = ("*/*",) * 60 + (
    "application/fhir+json", "application/fhir+xml", "text/html", "application/xml;q=0.9, */*;q=0.1", ";;;",
    "application/fhir+json;q=x", "x" * 3000, "application/pdf", "text/event-stream", ",",
)
SEGMENTS = (
    "Patient", "Observation", "p1", "_history", "1", "0", "-1", "99999999999999999999", "_search", "metadata", "$everything", "$act",
    "$export", "$meta", "$validate", "Task", "x" * 80, "x" * 5000, "%00", "%ff", "..", ".", "", "é", "%2F", "%252F", "*", "Nothing",
    "patient", "$", "%24meta", "bulk", "$export-poll-status", "ViewDefinition", "AuditEvent", "Parameters",
)
ABSURD = (
    "", "|", "||", "a|", "|a", "a|b|c|d", ",", ",,", "\\", "\\,", "\\|", "$", "a$b$c$d", "$$", "%", "_", "*", "null", "true", "TRUE",
    "-", "--", "+1", ".", "..", "gt", "ap", "eq1e400", "1e-400", "1e999999", "-1e999999999", "NaN", "Infinity", "9" * 400,
    "0." + "0" * 400 + "1", "٣", "１２", "0x10", "1_000", "2020-02-30", "0000-01-01", "9999-12-31T24:00:00Z", "99999", "2020-13",
    "2020-01-01T25:00:00", "2020-01-01T00:00:60Z", "2020-01-01T00:00:00+99:99", "sa2020", "T10:00", "Patient/", "/Patient/1",
    "Patient/p1/_history/9", "Patient/p1/_history/99999999999999999999", "Nothing/1", "http://[", "http://x/Patient/1", "urn:uuid:x",
    "#x", "Patient?identifier=x", "'; drop table resource; --", "\u202e\u0000", "\ud7ff\ue000", "\U0010ffff", "a\u0300" * 200,
    "ﷺ" * 300, "ß" * 1000, "x" * 5000, "张" * 2000, "1|http://unitsofmeasure.org|" + "m" * 500, "1|http://unitsofmeasure.org|10^400m",
    "5||", "1|http://unitsofmeasure.org|m/0", "1|http://unitsofmeasure.org|((((m))))", "90|180|1|km", "-91|0", "0|0|-1|km", "NaN|NaN",
    "1|1|1e400|km", "0|0|40000|km", "90|0|99999|[mi_us]",
)
PREFIXES = (
    "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "", "", "zz",
)
UNITS = (
    "", "|http://unitsofmeasure.org|mmol/L", "|http://unitsofmeasure.org|mg/dL", "||mmHg", "|http://unitsofmeasure.org|/min", "||x",
    "|http://other|y",
)
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**70, -(2**63), 0.1, 1e300, -1e-300, "", " ", "\x00", "a\x00b", "\x1b[2J", "\u202e", "x" * 70_000,
    "张" * 30_000, "0000-00-00", "2023-02-30", "9999-12-31T24:00:00Z", "0001-01-01", "9999-12-31T23:59:59.999999999-14:00",
    "2020-01-01T00:00:00+14:00", "Patient/", "Patient/p3", "Patient/nobody", "#", "#x", "urn:uuid:x", "http://[", "Patient?identifier=",
    "Patient?identifier=x|y", "Patient/p1/_history/0", "Patient/p1/_history/7", "$", "../", "1e400", "999999999999999999999",
    "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>", "<script>", "&#0;", "JVBERi0=", "====", "sha:", [], {}, [None], [[]], [[[]]],
    [1, "a"], {"reference": "Patient/p1"}, {"reference": 7}, {"reference": "#p"}, {"resourceType": "Patient"}, {"resourceType": "X"},
    {"value": 1e300, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    {"value": 1, "system": "http://unitsofmeasure.org", "code": "10^999"}, {"start": "2026", "end": "1900"},
    {"coding": [{"system": "a" * 3000, "code": "b" * 3000}]}, {"extension": [{"url": "x"}]}, {"": ""}, {"id": "x"},
    {"a": {"b": {"c": {}}}},
)
NUMBERS = (
    b"1e999999", b"1e-999999", b"-0", b"0.1000000000000000000000000000000000000000001", b"1" * 5000, b"1E+400",
    b"123456789012345678901234567890.5",
)
PATHS = (
    "/status", "/name/0/family", "/code", "/code/coding/-", "/id", "/meta", "/resourceType", "", "/", "/x/y", "/a~0b", "/~2",
    "/identifier/99", "/name/-1", "/name/00",
)
FHIR_PATHS = (
    "Patient.birthDate", "Observation.status", "Patient.name.first()", "name[0]", "Patient.name.where(family='x').given",
    "Observation.code.coding", "", "1", "%resource", "$this", "Patient.descendants()", "(((", "iif(true, name, name)",
    "Patient.name.repeat(given)",
)
# fmt: on
