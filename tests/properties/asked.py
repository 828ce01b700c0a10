"""Requests made up from the CapabilityStatement: what the server says it does, asked for in sound, almost sound and absurd ways.

The same seed and the same store give the same requests, so a request that fails is found again by its number.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlsplit

from tests.properties import bodies
from tests.properties.samples import ABSURD, ACCEPTS, CONTENT_TYPES, MODIFIERS, OFTEN, RESULTS, SEGMENTS, STRANGE
from tests.properties.values import Pool, one_of

Json = dict[str, Any]
Pairs = list[tuple[str, str]]

FHIR = "application/fhir+json"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. `search`: the type and conditions of a search of one type that may be held to the oracle."""

    who: str
    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    search: tuple[str, Pairs] | None = None


class Generator:
    """`statement`: GET /metadata. `stored`: resources there are, to take values, ids and bodies from."""

    def __init__(self, statement: Json, stored: list[Json], random: Random) -> None:
        self.random = random
        self.pool = Pool(stored)
        self.bodies: dict[str, list[Json]] = {}
        for one in stored:
            self.bodies.setdefault(one["resourceType"], []).append(one)
        (rest,) = statement["rest"]
        self.kinds: dict[str, Json] = {one["type"]: one for one in rest["resource"]}
        self.operations = [(kind, one["name"]) for kind, row in self.kinds.items() if kind in OFTEN for one in row.get("operation", ())]
        self.operations += [("", one["name"]) for one in rest["operation"]]
        self.links: deque[str] = deque(maxlen=200)

    def seen(self, answer: Json) -> None:
        """Remember what an answer leads to: the next page."""
        self.links += [link["url"] for link in answer.get("link", ()) if link.get("relation") == "next"]

    def one(self) -> Asked:
        ways = ((self._search, 40), (self._paging, 6), (self._read, 8), (self._create, 14), (self._update, 10), (self._patch, 8),
            (self._delete, 3), (self._bundle, 5), (self._operation, 6), (self._odd, 6))  # fmt: skip
        (way,) = self.random.choices([way for way, _ in ways], [weight for _, weight in ways])
        asked: Asked = way()
        return asked

    # --- searches

    def _search(self) -> Asked:
        random, kind = self.random, self._kind()
        plain = random.random() < 0.5
        pairs = [self._condition(kind, sound=plain and random.random() < 0.8) for _ in range(random.choice((1, 1, 1, 2, 2, 3)))]
        if not plain:
            for _ in range(random.choice((0, 0, 1, 1, 2))):
                pairs.append(self._result(kind))
            random.shuffle(pairs)
        text = "&".join(f"{quote(name, safe=':._-')}={quote(value, errors='surrogatepass')}" for name, value in pairs)
        headers = {"accept": "*/*" if plain else random.choice(ACCEPTS)}
        if random.random() < 0.15 and not plain:
            headers["prefer"] = "handling=lenient"
        if plain:
            return Asked("bench", "GET", f"/fhir/{kind}?{text}", headers, search=(kind, pairs))
        who = self._who()
        way = random.random()
        if way < 0.08:
            headers["content-type"] = "application/x-www-form-urlencoded"
            return Asked(who, "POST", f"/fhir/{kind}/_search", headers, text.encode())
        if way < 0.16:
            where = random.choice(
                (
                    "",
                    f"Patient/{self._id('Patient')}/{kind}",
                    f"Patient/{self._id('Patient')}/*",
                    f"Encounter/{self._id('Encounter')}/{kind}",
                    "_history",
                    f"{kind}/_history",
                )
            )
            return Asked(who, "GET", f"/fhir/{where}?{text}", headers)
        return Asked(who, "GET", f"/fhir/{kind}?{text}", headers)

    def _condition(self, kind: str, *, sound: bool = False) -> tuple[str, str]:
        random = self.random
        if sound:
            name, type_ = self._parameter(kind)
            if type_ in ("string", "token") and random.random() < 0.15:
                return f"{name}:{'contains' if type_ == 'string' else 'not'}", self.pool.sound(random, type_)
            return name, self.pool.sound(random, type_)
        if random.random() < 0.04:
            return random.choice(("x", "_", ":", ".", "_has", "_has:", "_has:x:y:z", "code:", "a" * 500, "é")), random.choice(ABSURD)
        name, type_ = self._parameter(kind)
        way = random.random()
        if way < 0.16:
            modifier = random.choice(MODIFIERS.get(type_, ("missing", "exact", "x")))
            value = random.choice(("true", "false", "x")) if modifier == "missing" else self.pool.value(random, type_)
            return f"{name}:{modifier}", value
        if way < 0.26:
            return self._chained(kind, random.choice((1, 1, 1, 2, 3, 9)))
        if way < 0.34:
            return self._pointed_at(kind, random.choice((1, 1, 2, 3)))
        return name, self.pool.value(random, type_)

    def _parameter(self, kind: str, type_: str = "") -> tuple[str, str]:
        known = [(one["name"], one["type"]) for one in self.kinds[kind].get("searchParam", ()) if not type_ or one["type"] == type_]
        return self.random.choice(known) if known else ("_id", "token")

    def _chained(self, kind: str, links: int) -> tuple[str, str]:
        name, _ = self._parameter(kind, "reference")
        to = self.random.choice(OFTEN)
        link = name if self.random.random() < 0.4 else f"{name}:{to}"
        rest, value = self._chained(to, links - 1) if links > 1 else self._last(to)
        return f"{link}.{rest}", value

    def _pointed_at(self, kind: str, links: int) -> tuple[str, str]:
        pointing = [one for one in self.kinds[kind].get("searchRevInclude", ()) if ":" in one] or ["Observation:subject"]
        usual = [one for one in pointing if one.partition(":")[0] in OFTEN] or pointing
        source = self.random.choice(usual)
        rest, value = self._pointed_at(source.partition(":")[0], links - 1) if links > 1 else self._last(source.partition(":")[0])
        return f"_has:{source}:{rest}", value

    def _last(self, kind: str) -> tuple[str, str]:
        if kind not in self.kinds:
            return "_id", "1"
        name, type_ = self._parameter(kind)
        return name, self.pool.value(self.random, type_)

    def _result(self, kind: str) -> tuple[str, str]:
        random = self.random
        if random.random() < 0.35:
            name = random.choice(("_include", "_revinclude", "_include:iterate", "_revinclude:iterate"))
            known = self.kinds[kind].get("searchInclude" if name.startswith("_i") else "searchRevInclude", ["*"])
            return name, random.choice([*known[:40], "*", "x", f"{kind}:x", "Patient:*", "Observation:subject:Patient", ":", "a:b:c:d"])
        name = random.choice(list(RESULTS))
        return name, random.choice(RESULTS[name])

    def _paging(self) -> Asked:
        if not self.links:
            return self._search()
        random, link = self.random, urlsplit(random_link) if (random_link := self.random.choice(list(self.links))) else urlsplit("")
        query = link.query
        if random.random() < 0.5:
            at = random.randrange(len(query) + 1)
            query = random.choice(
                (
                    query[:at] + query[at + 1 :],
                    query[:at] + "A" + query[at:],
                    query + "&_sort=-_id",
                    query.replace("_cursor=", "_cursor=A"),
                    query + "&" + query,
                )
            )
        return Asked(random.choice(("bench", "gp", "resident")) if random.random() < 0.4 else "bench", "GET", f"{link.path}?{query}")

    # --- one resource

    def _read(self) -> Asked:
        random, kind = self.random, self._kind()
        path = f"/fhir/{kind}/{self._id(kind)}"
        path += random.choice(
            (
                "",
                "",
                "",
                "/_history",
                "/_history/1",
                "/_history/2",
                "/_history/0",
                "/_history/x",
                "/_history?_count=1",
                "/_history?_since=2026",
                "?_summary=true",
                "?_elements=id",
                "?x=y",
                "?_format=xml",
            )
        )
        headers = {"accept": random.choice(ACCEPTS)}
        if random.random() < 0.2:
            name = random.choice(("if-none-match", "if-modified-since"))
            headers[name] = random.choice(('W/"1"', '"1"', "*", "x", "Sun, 06 Nov 1994 08:49:37 GMT", "Sat, 99 Foo 9999 99:99:99 GMT", ""))
        return Asked(self._who(), random.choice(("GET", "GET", "GET", "HEAD")), path, headers)

    def _create(self) -> Asked:
        kind, body = self._body()
        headers = {"content-type": self.random.choice(CONTENT_TYPES)}
        if self.random.random() < 0.15:
            headers["if-none-exist"] = "&".join(f"{quote(n)}={quote(v, errors='surrogatepass')}" for n, v in [self._condition(kind)])
        if self.random.random() < 0.1:
            headers["prefer"] = self.random.choice(
                ("return=minimal", "return=OperationOutcome", "return=x", "handling=strict; return=representation", ",;=")
            )
        if self.random.random() < 0.04:
            headers["content-encoding"] = self.random.choice(("gzip", "deflate", "br", "identity"))
        return Asked(self._who(), "POST", f"/fhir/{kind}", headers, bodies.written(self.random, body))

    def _update(self) -> Asked:
        random = self.random
        kind, body = self._body()
        id_ = body.get("id") if isinstance(body.get("id"), str) and random.random() < 0.9 else self._id(kind)
        headers = {"content-type": random.choice(CONTENT_TYPES)} | self._match()
        path = f"/fhir/{kind}/{quote(str(id_)[:90], safe='', errors='surrogatepass')}"
        if random.random() < 0.2:
            name, value = self._condition(kind)
            path = f"/fhir/{kind}?{quote(name)}={quote(value, errors='surrogatepass')}"
        return Asked(self._who(), "PUT", path, headers, bodies.written(random, body))

    def _patch(self) -> Asked:
        random, kind = self.random, self._kind()
        if random.random() < 0.6:
            there = one_body(random, self.bodies.get(kind))
            id_, content, type_ = (there or {}).get("id", self._id(kind)), bodies.json_patch(random, there), "application/json-patch+json"
        else:
            id_, content, type_ = self._id(kind), bodies.path_patch(random), FHIR
        headers = {"content-type": type_ if random.random() < 0.95 else random.choice(CONTENT_TYPES)} | self._match()
        return Asked(self._who(), "PATCH", f"/fhir/{kind}/{id_}", headers, bodies.written(random, content))

    def _delete(self) -> Asked:
        kind = self._kind()
        path = f"/fhir/{kind}/{self._id(kind)}"
        if self.random.random() < 0.3:
            name, value = self._condition(kind)
            path = f"/fhir/{kind}?{quote(name)}={quote(value, errors='surrogatepass')}"
        return Asked(self._who(), "DELETE", path, self._match())

    def _match(self) -> dict[str, str]:
        if self.random.random() < 0.8:
            return {}
        return {
            self.random.choice(("if-match", "if-none-match")): self.random.choice(
                ('W/"1"', '"2"', "*", "3", 'W/"x"', 'W/"-1"', 'W/"99999999999999999999"', "")
            )
        }

    # --- several, operations, and what is nothing

    def _bundle(self) -> Asked:
        random = self.random
        entries: list[Any] = []
        for number in range(random.choice((0, 1, 2, 3, 8))):
            kind, body = self._body()
            method = random.choice(("POST", "POST", "PUT", "GET", "DELETE", "PATCH", "HEAD", "x"))
            url = {"POST": kind, "GET": f"{kind}?{'='.join(self._condition(kind))}"}.get(method, f"{kind}/{body.get('id', 'x')}")
            entry: Json = {
                "fullUrl": f"urn:uuid:0b8b6b1e-52a5-4fd6-a6fd-ab8b5c4b{number:04}",
                "request": {
                    "method": method,
                    "url": url
                    if random.random() < 0.9
                    else random.choice(("", "/", "Patient/../x", "http://x/Patient/1", "Patient?x", "$export", "_history")),
                },
            }
            if method in ("POST", "PUT", "PATCH", "x"):
                entry["resource"] = body
            if random.random() < 0.2:
                entry["request"][random.choice(("ifMatch", "ifNoneExist", "ifNoneMatch", "ifModifiedSince"))] = random.choice(
                    ('W/"1"', "identifier=x|y", "x", "", 7)
                )
            entries.append(entry)
        bundle: Json = {
            "resourceType": "Bundle",
            "type": random.choice(("transaction", "batch", "transaction", "batch", "collection", "x")),
            "entry": entries,
        }
        if random.random() < 0.2:
            bundle = bodies.changed(random, bundle, 1)
        return Asked(self._who(), "POST", "/fhir", {"content-type": FHIR}, bodies.written(random, bundle))

    def _operation(self) -> Asked:
        random = self.random
        kind, name = random.choice(self.operations)
        if name in ("export", "import") and random.random() < 0.9:
            kind, name = "Patient", "everything"
        level = random.choice(("type", "instance", "instance")) if kind else "system"
        path = "/fhir" + (f"/{kind}" if kind else "") + (f"/{self._id(kind)}" if level == "instance" else "") + f"/${name}"
        names = (
            "url",
            "code",
            "system",
            "filter",
            "count",
            "max",
            "_count",
            "_since",
            "_type",
            "start",
            "end",
            "action",
            "reason",
            "display",
            "date",
            "valueSet",
            "coding",
            "codeA",
            "codeB",
            "target",
            "x",
            "mode",
            "profile",
            "resource",
            "meta",
            "_cursor",
            "since",
            "patient",
        )
        kinds = ("token", "date", "uri", "reference")
        if random.random() < 0.5:
            asked = "&".join(
                f"{random.choice(names)}={quote(self.pool.value(random, random.choice(kinds)), errors='surrogatepass')}"
                for _ in range(random.randint(0, 3))
            )
            return Asked(self._who(), random.choice(("GET", "GET", "POST")), f"{path}?{asked}")
        keys = (
            "valueCode",
            "valueString",
            "valueUri",
            "valueInteger",
            "valueBoolean",
            "valueReference",
            "valueCoding",
            "valueCodeableConcept",
            "valueMeta",
            "resource",
            "part",
            "x",
        )
        sent = {
            "resourceType": "Parameters",
            "parameter": [
                {"name": random.choice(names), random.choice(keys): random.choice((*STRANGE, *self.pool.codes[:20]))}
                for _ in range(random.randint(0, 4))
            ],
        }
        if random.random() < 0.1:
            sent = bodies.changed(random, sent, 2)
        return Asked(self._who(), "POST", path, {"content-type": FHIR}, bodies.written(random, sent))

    def _odd(self) -> Asked:
        random = self.random
        path = "/fhir/" + "/".join(random.choice(SEGMENTS) for _ in range(random.randint(0, 5)))
        if random.random() < 0.3:
            path += "?" + random.choice(
                ("&", "=", "a", "a=%", "a=%zz", "%ff=1", "a=%00", "&" * 600, "a=b;c=d", "_format=xml&_format=json", "x=" + "y" * 9000)
            )
        headers = {"content-type": random.choice(CONTENT_TYPES), "accept": random.choice(ACCEPTS)}
        if random.random() < 0.1:
            headers["authorization"] = random.choice(
                ("", "Bearer", "Bearer x", "Bearer a.b.c", "Basic x", "Bearer " + "x" * 9000, "bearer eyJhbGciOiJub25lIn0.e30.")
            )
        if random.random() < 0.1:
            headers[
                random.choice(("x-forwarded-for", "host", "x-request-id", "content-length", "accept-encoding", "x-forwarded-proto"))
            ] = random.choice(("", "x", "é".encode().decode("latin-1"), "1" * 300, "gzip"))
        method = random.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "get", "X", "PROPFIND"))
        content = random.choice(
            (
                b"",
                b"{}",
                b'{"resourceType":"Parameters"}',
                b"[" * 3000,
                b'{"a":' * 3000,
                b"null",
                b"<Patient xmlns='http://hl7.org/fhir'/>",
                b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
                b"\x1f\x8b\x08\x00",
            )
        )
        return Asked(self._who(), method, path, headers, content)

    def _who(self) -> str:
        return self.random.choices(("bench", "gp", "resident", "admin", "nobody"), (50, 35, 7, 6, 2))[0]

    def _kind(self) -> str:
        return self.random.choice(OFTEN if self.random.random() < 0.6 else list(self.kinds))

    def _id(self, kind: str) -> str:
        return (
            one_of(self.random, self.pool.ids.get(kind, ()), "p1")
            if self.random.random() < 0.9
            else self.random.choice(("nobody", "x" * 64, "x" * 65, "a.b-c", "_", "0"))
        )

    def _body(self) -> tuple[str, Json]:
        """A type and a body: a stored resource as it is or changed, or the barest of a type nobody has stored."""
        random = self.random
        kind = random.choice([one for one in self.bodies if one in OFTEN] or list(self.bodies)) if random.random() < 0.7 else self._kind()
        there = one_body(random, self.bodies.get(kind))
        body = there if there is not None else {"resourceType": kind}
        return kind, body if random.random() < 0.3 else bodies.changed(random, body, random.choice((1, 1, 1, 1, 2, 3)))


def one_body(random: Random, some: list[Json] | None) -> Json | None:
    return random.choice(some) if some else None
