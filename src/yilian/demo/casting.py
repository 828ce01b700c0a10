"""Who suffers from what: long-term illnesses by age and sex, pregnancies, and the few who have died. The people of the stories are cast
already."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from yilian.demo.residents import Resident

# Share of each age band with a long-term illness that is under care: (from age, men, women).
_SHARES: dict[str, tuple[tuple[int, float, float], ...]] = {
    "hypertension": ((35, 0.10, 0.05), (45, 0.22, 0.17), (55, 0.34, 0.33), (65, 0.45, 0.48), (75, 0.52, 0.55)),
    "diabetes": ((35, 0.03, 0.02), (45, 0.07, 0.06), (55, 0.13, 0.13), (65, 0.17, 0.18), (80, 0.12, 0.12)),
    "copd": ((50, 0.05, 0.02), (60, 0.12, 0.04), (70, 0.16, 0.06)),
    "coronary": ((52, 0.04, 0.02), (62, 0.09, 0.06), (72, 0.13, 0.11)),
    "stroke": ((52, 0.03, 0.02), (62, 0.07, 0.05), (72, 0.10, 0.08)),
}


def cast(everyone: list[Resident], rng: Random, today: date) -> None:
    """Give every resident without a story what befits the age."""
    for resident in everyone:
        age = resident.age(today)
        if resident.case or not resident.home:
            continue
        for illness, bands in _SHARES.items():
            share = 0.0
            for start, men, women in bands:
                if age >= start:
                    share = men if resident.sex == "male" else women
            if rng.random() < share:
                resident.conditions[illness] = rng.randint(0, min(15, age - 33))
    dead = [r for r in everyone if r.age(today) >= 78 and not r.case and r.home][:40:9]
    for resident in dead[:4]:
        resident.died = today - timedelta(days=rng.randint(40, 420))


def expecting(everyone: list[Resident], rng: Random, today: date) -> dict[int, int]:
    """Women who are pregnant now: number -> weeks. About one in eight of those between 21 and 36 with no baby in the house."""
    out: dict[int, int] = {}
    for resident in everyone:
        if (
            resident.sex != "female"
            or not 21 <= resident.age(today) <= 36
            or resident.case
            or not resident.home
            or resident.married != "20"
        ):
            continue
        assert resident.household is not None
        if any(m.days(today) < 700 for m in resident.household.members):
            continue
        if rng.random() < 0.2:
            out[resident.number] = rng.randint(9, 38)
    return out
