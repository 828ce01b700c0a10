"""Who lives in the region: households with shared addresses and surnames, in the age pyramid of an ageing county.

Households are built around a first person. The people whose story is told by a referral (`cases`) come first and so have the lowest
numbers; the rest fills the towns up. Ages are exact on `today`, so a story about a woman of 28 stays one whatever the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from yilian.demo import names, numbers
from yilian.demo.geography import DISTRICTS, TOWN, TOWNS, Town
from yilian.demo.names import OTHER_FAMILIES, Name
from yilian.demo.people import Staff


@dataclass(slots=True)
class Resident:
    """One person and where they belong. `home` is the centre that keeps the health file, `post` the village post near by; "" for none."""

    number: int
    sex: str
    born: date
    name: Name
    role: str  # in the household: 户主 配偶 子 女 孙 孙女 父亲 母亲
    town: str
    village: int  # 101… a village, 1… a neighbourhood
    line: str
    home: str = ""
    post: str = ""
    doctor: str = ""
    phone: str = ""
    identity: str = ""  # 居民身份证号
    file: str = ""  # 居民健康档案编号
    ethnic: str = "01"
    married: str = "10"  # GB/T 2261.2
    insured: str = "390"
    conditions: dict[str, int] = field(default_factory=dict)  # programme -> years since diagnosis
    courses: dict[str, str] = field(default_factory=dict)  # programme -> how it goes, where a story says so
    smoking: str = ""  # never | now | former, where a story says so
    case: str = ""
    died: date | None = None
    household: Household | None = None

    @property
    def id(self) -> str:
        return f"resident-{self.number:04d}"

    def age(self, on: date) -> int:
        """Completed years on a day."""
        return on.year - self.born.year - ((on.month, on.day) < (self.born.month, self.born.day))

    def days(self, on: date) -> int:
        return (on - self.born).days


@dataclass(slots=True)
class Household:
    members: list[Resident] = field(default_factory=list)

    def mother_of(self, child: Resident) -> Resident | None:
        """The woman of the household who is 17 to 44 years older, nearest to 27."""
        grown = [m for m in self.members if m.sex == "female" and 17 <= (child.born - m.born).days / 365.25 <= 44.9]
        return min(grown, key=lambda m: abs((child.born - m.born).days / 365.25 - 27), default=None)


@dataclass(frozen=True, slots=True)
class Seed:
    """A person a story needs: where, sex, age in years, and the illnesses they bring: "programme" or "programme:course" -> years."""

    key: str
    town: str
    sex: str
    age: int
    conditions: dict[str, int]
    alone: bool = False
    smoking: str = ""


# How many residents a town has in the demo, before the rest is spread evenly.
_QUOTA = {"qingshi": 82, "liuhe": 58, "dongmen": 45, "binjiang": 42, "beiyuan": 38}

# First person of a further household: share, youngest, oldest.
_HOUSEHOLDS = ((33, 63, 85), (30, 46, 62), (22, 27, 41), (10, 43, 58), (5, 20, 30))


def households(count: int, seeds: Sequence[Seed], staff: Staff, rng: Random, today: date) -> list[Resident]:
    """`count` residents in the order of their numbers."""
    made: list[Resident] = []
    waiting: list[Resident] = []
    maker = _Maker(rng, today, waiting)
    for seed in seeds:
        first = maker.first(TOWN[seed.town], seed.sex, seed.age)
        first.case, first.smoking = seed.key, seed.smoking
        for name, years in seed.conditions.items():
            illness, _, course = name.partition(":")
            first.conditions[illness] = years
            if course:
                first.courses[illness] = course
        made.append(first)
        if not seed.alone:
            maker.around(first)
    for ethnic, members in OTHER_FAMILIES:
        maker.family(TOWN["yunling" if ethnic == "07" else "binjiang" if ethnic == "05" else "luming"], ethnic, members)
    maker.newborn(TOWN["qingshi"])
    maker.newborn(TOWN["dongmen"])
    quota = _quotas(count)
    for town in TOWNS:
        while sum(1 for r in (*made, *waiting) if r.town == town.id) < quota[town.id]:
            share = rng.choices(_HOUSEHOLDS, [h[0] for h in _HOUSEHOLDS])[0]
            maker.around(maker.first(town, rng.choice(("male", "female")), rng.randint(share[1], share[2]), waiting=True))
    everyone = (made + waiting)[:count]
    kept = set(map(id, everyone))
    for number, resident in enumerate(everyone, 1):
        resident.number = number
        assert resident.household is not None
        resident.household.members = [m for m in resident.household.members if id(m) in kept]
    _register(everyone, staff, rng, today)
    return everyone


def _quotas(count: int) -> dict[str, int]:
    scale = count / 520
    named = {town: max(1, round(size * scale)) for town, size in _QUOTA.items()}
    others = [town.id for town in TOWNS if town.id not in named]
    each = max(1, -(-(count - sum(named.values())) // len(others)))
    return named | dict.fromkeys(others, each)


class _Maker:
    def __init__(self, rng: Random, today: date, waiting: list[Resident]) -> None:
        self.rng, self.today, self.waiting = rng, today, waiting

    def first(self, town: Town, sex: str, age: int, *, waiting: bool = False, family: str = "") -> Resident:
        """The head of a new household at a new address."""
        village, line = self._place(town)
        resident = self._person(sex, age, family, "户主", town, village, line)
        resident.household = Household([resident])
        if waiting:
            self.waiting.append(resident)
        return resident

    def around(self, first: Resident) -> None:
        """Those who live with the first person, as fits their age."""
        rng, age = self.rng, first.age(self.today)
        if age >= 60:
            couple = age < 76 or rng.random() < 0.5
            if couple:
                self._spouse(first)
            else:
                first.married = "30"
            if rng.random() < 0.34:
                self._with_children(first, age - rng.randint(23, 30))
            elif couple and rng.random() < 0.2:
                self._child(first, rng.randint(4, 13), grand=True)
        elif age >= 43:
            self._spouse(first)
            if rng.random() < 0.45:
                self._child(first, age - rng.randint(23, 29))
            if rng.random() < 0.25:
                self._parent(first, age + rng.randint(22, 29))
        elif age >= 25:
            self._spouse(first)
            for _ in range(rng.choice((1, 1, 2))):
                self._child(first, rng.randint(0, max(0, min(15, age - 23))))
            if rng.random() < 0.35:
                self._parent(first, age + rng.randint(23, 30))
        elif age < 18:
            mother = self._add(first, "female", age + rng.randint(23, 31), "母亲", own=False)
            mother.married = "20"
            if rng.random() < 0.7:
                self._add(first, "male", mother.age(self.today) + rng.randint(0, 4), "父亲").married = "20"

    def family(self, town: Town, ethnic: str, members: Sequence[tuple[str, str, int, Name]]) -> None:
        """A household whose names are given (another ethnic group)."""
        first: Resident | None = None
        for role, sex, age, name in members:
            if first is None:
                first = self.first(town, sex, age, waiting=True)
                resident = first
            else:
                resident = self._add(first, sex, age, role)
            resident.name, resident.ethnic = name, ethnic
            resident.married = "20" if age > 25 else "10"

    def newborn(self, town: Town) -> None:
        """A young couple whose child is a few days old and has no identity number yet."""
        mother = self.first(town, "female", self.rng.randint(25, 31), waiting=True)
        self._spouse(mother)
        father = self.waiting[-1]
        child = self._add(father, self.rng.choice(("male", "female")), 0, "女")
        child.role = "子" if child.sex == "male" else "女"
        child.born = self.today - timedelta(days=self.rng.randint(9, 16))

    def _with_children(self, first: Resident, age: int) -> None:
        if age < 22:
            return
        child = self._child(first, age)
        if age >= 26 and self.rng.random() < 0.7:
            spouse = self._add(first, "female" if child.sex == "male" else "male", age + self.rng.randint(-3, 3), "子女配偶", own=False)
            spouse.married = child.married = "20"
            if self.rng.random() < 0.8:
                grandchild = self._child(first, self.rng.randint(0, max(0, min(14, age - 23))), grand=True)
                if child.sex == "female":
                    grandchild.name = names.name(self.rng, grandchild.sex, grandchild.born.year, spouse.name.family)

    def _spouse(self, first: Resident) -> None:
        age = first.age(self.today)
        apart = self.rng.randint(-1, 4) * (-1 if first.sex == "male" else 1)
        other = "female" if first.sex == "male" else "male"
        self._add(first, other, max(21, age + apart), "配偶", own=False).married = "20"
        first.married = "20"

    def _child(self, first: Resident, age: int, *, grand: bool = False) -> Resident:
        sex = self.rng.choice(("male", "female"))
        role = ("孙" if sex == "male" else "孙女") if grand else ("子" if sex == "male" else "女")
        assert first.household is not None
        father = next((m for m in first.household.members if m.sex == "male" and m.role in ("户主", "配偶")), None)
        child = self._add(first, sex, max(0, age), role)
        if father is not None and not grand:
            child.name = names.name(self.rng, sex, child.born.year, father.name.family)
        if age >= 27:
            child.married = self.rng.choice(("20", "20", "10", "40"))
        return child

    def _parent(self, first: Resident, age: int) -> None:
        sex = self.rng.choice(("male", "female"))
        self._add(first, sex, min(age, 92), "父亲" if sex == "male" else "母亲", own=sex == "male").married = self.rng.choice(
            ("20", "30", "30")
        )

    def _add(self, first: Resident, sex: str, age: int, role: str, *, own: bool = True) -> Resident:
        family = first.name.family if own else ""
        resident = self._person(sex, age, family, role, TOWN[first.town], first.village, first.line)
        resident.household, resident.ethnic = first.household, first.ethnic if own else "01"
        assert first.household is not None
        first.household.members.append(resident)
        self.waiting.append(resident)
        return resident

    def _person(self, sex: str, age: int, family: str, role: str, town: Town, village: int, line: str) -> Resident:
        born = _years_before(self.today, age) - timedelta(days=self.rng.randint(0 if age else 40, 364))
        name = names.name(self.rng, sex, born.year, family)
        return Resident(0, sex, born, name, role, town.id, village, line)

    def _place(self, town: Town) -> tuple[int, str]:
        rng = self.rng
        places = town.villages + town.hamlets
        at = rng.choices(range(len(places)), [3] * len(town.villages) + [2] * len(town.hamlets))[0]
        name = places[at]
        if town.urban:
            street = name if name.endswith(("路", "街")) else f"{name}社区"
            building = f"{rng.randint(1, 120)}号{rng.randint(1, 9)}栋{rng.randint(1, 4)}单元"
            return at + 1, f"{town.name}{street}{building}{rng.randint(1, 7)}0{rng.randint(1, 4)}室"
        if name.endswith("社区"):
            return at + 1, f"{town.name}{name}{rng.randint(1, 150)}号"
        return at + 101, f"{town.name}{name}村{rng.randint(1, 9)}组{rng.randint(1, 80)}号"


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def _register(everyone: Sequence[Resident], staff: Staff, rng: Random, today: date) -> None:
    """Numbers, telephone, centre and family doctor. A few people have moved in and are registered nowhere yet."""
    for resident in everyone:
        town = TOWN[resident.town]
        area = DISTRICTS[town.district].code
        age = resident.age(today)
        if resident.days(today) >= 30:
            resident.identity = numbers.resident_id(area, resident.born, resident.number, resident.sex)
        if age >= 15 and rng.random() > (0.3 if age >= 75 else 0.04):
            resident.phone = numbers.mobile(resident.number * 137 % 899999)
        elsewhere = not resident.case and town.urban and age in range(20, 45) and rng.random() < 0.14
        if not elsewhere:
            resident.home = town.id
            resident.file = numbers.health_file(town.code, resident.village, resident.number)
            place = resident.village - (101 if resident.village > 100 else 1)
            if place < len(town.villages):
                resident.post = f"{town.id}-v{place + 1:02d}"
            resident.doctor = _family_doctor(resident, staff, rng)
        resident.insured = "310" if age >= 20 and (town.urban or elsewhere) and rng.random() < 0.6 else "390"


def _family_doctor(resident: Resident, staff: Staff, rng: Random) -> str:
    """At 青石 and 柳河 mostly the doctor of the demo account, and always for the people of a story."""
    mine = {"qingshi": ("gp", "head"), "liuhe": ("gp2", staff.with_post("liuhe", "head").id)}.get(resident.home)
    if mine is not None:
        return mine[0] if resident.case or rng.random() < 0.85 else mine[1]
    return rng.choice([person.id for person in staff.doctors(resident.home, "02") if "gp" in person.posts])
