"""Who works in the region: about 270 doctors, nurses, technicians and officers, each with a post at an institution.

The people of the demo accounts (`gp`, `head`, `county` …) have their account's name as id, the others `<institution>-<d|n|t><number>`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

from yilian.demo import names, numbers, services
from yilian.demo.institutions import COMMISSION, Institution
from yilian.demo.names import Name
from yilian.fhir import urls

Resource = dict[str, Any]

POSTS = {
    "gp": "全科医生",
    "physician": "医师",
    "head": "科主任",
    "coordinator": "转诊办",
    "consultant": "专家",
    "office": "医联体办公室",
    "regulator": "卫健委",
    "pharmacist": "药师",
    "admin": "系统管理员",
    "data-steward": "主索引管理员",
    "registrar": "挂号登记员",
    "resident": "居民",
}

# The people of the accounts: id -> (name, family, sex, year born, title, posts, institution, department).
CAST: dict[str, tuple[str, str, str, int, str, tuple[str, ...], str, str]] = {
    "gp": ("陈志远", "陈", "male", 1984, "全科主治医师", ("gp",), "qingshi", "02"),
    "gp2": ("何晓燕", "何", "female", 1987, "全科主治医师", ("gp",), "liuhe", "02"),
    "head": ("罗国华", "罗", "male", 1973, "副主任医师", ("head", "gp"), "qingshi", "03"),
    "county": ("杨帆", "杨", "male", 1982, "主治医师", ("physician",), "yunxi-county", "03.04"),
    "coordinator": ("周丽娟", "周", "female", 1985, "主管护师", ("coordinator",), "yunxi-first", ""),
    "expert": ("沈立新", "沈", "male", 1969, "主任医师", ("consultant",), "yunxi-first", "03.04"),
    "office": ("邓敏", "邓", "female", 1979, "主管医师", ("office",), "yunxi-first", ""),
    "regulator": ("吴建平", "吴", "male", 1971, "", ("regulator",), COMMISSION, ""),
    "pharmacist": ("许静", "许", "female", 1983, "主管药师", ("pharmacist",), "yunxi-first", ""),
    "steward": ("范文清", "范", "female", 1986, "主管技师", ("data-steward",), "yunxi-first", ""),
    "admin": ("唐伟", "唐", "male", 1990, "", ("admin",), "", ""),
    "registrar": ("谢春梅", "谢", "female", 1993, "", ("registrar",), "yunxi-county", ""),
    "registrar2": ("马晓东", "马", "male", 1996, "", ("registrar",), "qingshi", ""),
}

_TITLES = {"senior": ("主任医师", "副主任医师"), "middle": ("主治医师",), "junior": ("主治医师", "住院医师")}


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with a post. `department` is a 诊疗科目 code or empty; `title` the professional rank."""

    id: str
    name: Name
    sex: str
    year: int
    title: str
    posts: tuple[str, ...]
    institution: str
    department: str
    number: str

    @property
    def reference(self) -> Resource:
        return {"reference": f"Practitioner/{self.id}", "display": self.name.text}


class Staff:
    """Everyone, to be asked who would have seen a patient."""

    def __init__(self, people: list[Person], places: dict[str, Institution]) -> None:
        self.people = people
        self.by_id = {person.id: person for person in people}
        self.places = places
        self._at: dict[str, list[Person]] = {}
        for person in people:
            self._at.setdefault(person.institution, []).append(person)
        self._found: dict[tuple[str, str], list[Person]] = {}

    def doctors(self, institution: str, department: str = "") -> list[Person]:
        """The doctors of a department; of its parent department, or of the whole institution, where it has none of its own."""
        key = (institution, department)
        if key not in self._found:
            here = [
                person for person in self._at[institution] if person.title.endswith(("医师", "乡村医生")) and "office" not in person.posts
            ]
            exact = [person for person in here if person.department == department]
            near = [person for person in here if person.department[:2] == department[:2]]
            self._found[key] = exact or near or here
        return self._found[key]

    def doctor(self, institution: str, department: str, rng: Random) -> Person:
        return rng.choice(self.doctors(institution, department))

    def with_post(self, institution: str, post: str) -> Person:
        """The first person who holds a post at an institution."""
        return next(person for person in self._at[institution] if post in person.posts)


def people(places: dict[str, Institution], rng: Random, today: date) -> Staff:
    """The people of the accounts first, then every institution's staff in the order of the institutions."""
    out: list[Person] = []
    for id, (text, family, sex, year, title, posts, institution, department) in CAST.items():
        out.append(Person(id, Name(text, family, text[len(family) :]), sex, year, title, posts, institution, department, _number(len(out))))
    for place in places.values():
        _staff(place, out, rng, today)
    return Staff(out, places)


def _staff(place: Institution, out: list[Person], rng: Random, today: date) -> None:
    count = {"d": 0, "n": 0, "t": 0}

    def add(kind: str, title: str, posts: tuple[str, ...], department: str, youngest: int, oldest: int) -> None:
        count[kind] += 1
        sex = "female" if kind == "n" or rng.random() < 0.42 else "male"
        year = today.year - rng.randint(youngest, oldest)
        out.append(
            Person(
                f"{place.id}-{kind}{count[kind]:02d}",
                names.name(rng, sex, year),
                sex,
                year,
                title,
                posts,
                place.id,
                department,
                _number(len(out)),
            )
        )

    if place.tier == "village":
        add("d", "乡村医生" if place.kind == "D600" else "全科医师", ("gp",), "02", 34, 58)
        return
    if place.tier == "township":
        if place.id != "qingshi":
            add("d", "副主任医师", ("head", "gp"), "03", 45, 57)
        add("d", "全科主治医师", ("gp",), "02", 32, 48)
        if place.level == "1a" or place.kind == "B100":
            add("d", "全科医师", ("gp",), "02", 27, 36)
        add("d", "中医医师", ("physician",), "50", 30, 52)
        add("d", "公共卫生医师", ("physician",), "01", 26, 45)
        add("n", "护师", ("coordinator",), "", 28, 45)
        add("t", "检验技师", (), "30", 26, 42)
        return
    middle = ("consultant",) if place.tier == "city" else ("physician",)
    for code in services.scope_of(place):
        if code in ("26", "30"):
            continue
        first = rng.choice(_TITLES["senior" if place.tier == "city" or rng.random() < 0.5 else "middle"])
        add("d", first, middle, code, 42, 58)
        if place.id == "yunxi-first" or code in ("03", "03.01", "03.04", "04", "04.01", "05", "05.02", "07", "20", "32"):
            add("d", rng.choice(_TITLES["junior"]), ("physician",), code, 29, 43)
    add("d", "副主任医师", ("head",), "", 46, 57)
    if place.id != "yunxi-first":
        add("n", "主管护师", ("coordinator",), "", 32, 48)
    for _ in range(4 if place.id == "yunxi-first" else 2):
        add("n", rng.choice(("护师", "主管护师")), (), "", 25, 45)
    add("t", "主管技师", (), "30", 28, 50)
    add("t", "药师" if place.tier == "county" else "主管药师", ("pharmacist",), "", 28, 50)


def _number(serial: int) -> str:
    return f"5166{100000000 + serial * 7919:011d}"


def resources(staff: Staff) -> Iterator[Resource]:
    """Practitioner and PractitionerRole of everyone."""
    for person in staff.people:
        yield _practitioner(person)
        yield _role(person, staff.places)


def _practitioner(person: Person) -> Resource:
    out: Resource = {
        "resourceType": "Practitioner",
        "id": person.id,
        "identifier": [{"use": "official", "system": urls.PRACTITIONER_ID, "value": person.number}],
        "active": True,
        "name": person.name.human(),
        "telecom": [{"system": "phone", "value": numbers.mobile(900000 + int(person.number[-9:]) % 99991), "use": "work"}],
        "gender": person.sex,
        "birthDate": f"{person.year}-{1 + person.year * 7 % 12:02d}-{1 + person.year * 13 % 28:02d}",
    }
    if person.title:
        out["qualification"] = [{"code": {"text": person.title}}]
    return out


def position(kind: str, employer: Institution) -> Resource:
    """The extension of a post: its kind, and who employs."""
    return {
        "url": urls.POSITION,
        "extension": [{"url": "kind", "valueCode": kind}, {"url": "employer", "valueReference": employer.reference}],
    }


def _role(person: Person, places: dict[str, Institution]) -> Resource:
    out: Resource = {"resourceType": "PractitionerRole", "id": f"{person.id}-role", "active": True, "practitioner": person.reference}
    place = places.get(person.institution)
    if place is not None:
        out["extension"] = [position("main", place)]
        out["organization"] = place.reference
        out["location"] = [place.place]
    elif person.institution:
        out["organization"] = {"reference": f"Organization/{person.institution}", "display": "云溪市卫生健康委员会"}
    codes = [{"coding": [{"system": urls.ROLE, "code": post, "display": POSTS[post]}], "text": POSTS[post]} for post in person.posts]
    if person.title:
        codes.append({"text": person.title})
    if codes:
        out["code"] = codes
    if person.department:
        out["specialty"] = [services.specialty(person.department)]
        if place is not None and person.department in services.scope_of(place):
            service = services.service_id(place, person.department)
            out["healthcareService"] = [
                {"reference": f"HealthcareService/{service}", "display": f"{place.short}{services.short(person.department)}"}
            ]
    if "coordinator" in person.posts and place is not None:
        out["telecom"] = [{"system": "phone", "value": place.phone, "use": "work", "rank": 1}]
    return out
