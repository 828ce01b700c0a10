"""A resident's body: the slow quantities that every programme measures and that have to agree with one another.

Blood pressure, glucose, lipids and kidney function are courses in time; a programme that treats changes the course, and whoever measures
later sees the effect. Traits (this person's potassium is always a little low) are drawn once, so repeated results resemble each other.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from random import Random

from yilian.demo import laboratory

# Height and weight of children: months -> (boys cm, kg, girls cm, kg), medians after WS/T 423-2022, rounded.
_GROWTH: tuple[tuple[int, float, float, float, float], ...] = (
    (0, 50.4, 3.3, 49.8, 3.2),
    (1, 54.8, 4.5, 53.7, 4.2),
    (3, 62.2, 6.7, 60.8, 6.2),
    (6, 68.4, 8.3, 66.8, 7.7),
    (8, 71.4, 9.0, 69.8, 8.4),
    (12, 76.4, 10.0, 75.0, 9.4),
    (18, 82.9, 11.2, 81.5, 10.6),
    (24, 88.2, 12.5, 87.0, 11.9),
    (36, 97.5, 14.7, 96.2, 14.1),
    (48, 104.6, 16.8, 103.5, 16.2),
    (60, 111.8, 19.1, 110.6, 18.4),
    (72, 118.4, 21.7, 117.0, 20.7),
    (96, 130.0, 27.3, 128.8, 25.9),
    (120, 140.2, 33.9, 140.7, 32.4),
    (144, 151.9, 42.5, 152.4, 41.1),
    (168, 165.1, 52.4, 157.8, 47.8),
    (192, 171.0, 58.5, 159.8, 50.8),
    (216, 172.7, 61.4, 160.6, 51.9),
)


class Course:
    """A quantity that changes on certain days and stays until the next change."""

    __slots__ = ("_days", "_values")

    def __init__(self, value: float) -> None:
        self._days: list[date] = [date.min]
        self._values: list[float] = [value]

    def change(self, day: date, value: float) -> None:
        """From `day` on it is `value`, until a later change; of two changes on one day the second counts."""
        place = bisect_right(self._days, day)
        self._days.insert(place, day)
        self._values.insert(place, value)

    def at(self, day: date) -> float:
        return self._values[bisect_right(self._days, day) - 1]


class Body:
    """The measurable person. Weights in kg, heights in cm, pressures in mmHg, concentrations in the unit of the analyte."""

    def __init__(self, sex: str, born: date, rng: Random) -> None:
        self.sex, self.born, self.rng = sex, born, rng
        self.build = rng.gauss(0, 1)
        self.frame = rng.gauss(0, 1)
        self._traits: dict[str, float] = {}
        year = born.year
        grown = (166.5 if sex == "male" else 155.5) + (year - 1955) * 0.09
        self.height = round(min(max(grown + self.frame * 5.6, 140), 190), 1)
        mass = 22.9 + self.build * 2.7
        self.mass_index = Course(min(max(mass, 16.8), 33.5))
        self.systolic = Course(0.0)  # added to the normal pressure of the age
        self.diastolic = Course(0.0)
        self.pulse = Course(rng.gauss(75, 5))
        self.saturation = Course(97.4 + rng.gauss(0, 0.6))
        self.levels: dict[str, Course] = {}
        self._pressure = (max(-9.0, min(6.0, rng.gauss(0, 6.0))), max(-7.0, min(5.0, rng.gauss(0, 4.5))))

    def months(self, day: date) -> int:
        return (day.year - self.born.year) * 12 + day.month - self.born.month - (day.day < self.born.day)

    def years(self, day: date) -> int:
        return self.months(day) // 12

    def size(self, day: date) -> tuple[float, float]:
        """Height and weight on a day; children grow along the medians, shifted by their build."""
        months = self.months(day)
        if months >= 216:
            height = self.height
            return height, round(self.mass_index.at(day) * (height / 100) ** 2 + self.rng.gauss(0, 0.5), 1)
        place = bisect_right([row[0] for row in _GROWTH], months) - 1
        here, after = _GROWTH[place], _GROWTH[min(place + 1, len(_GROWTH) - 1)]
        part = (months - here[0]) / (after[0] - here[0]) if after is not here else 0.0
        at = 1 if self.sex == "male" else 3
        height = here[at] + part * (after[at] - here[at])
        weight = here[at + 1] + part * (after[at + 1] - here[at + 1])
        return round(height * (1 + 0.022 * max(-2.0, min(2.0, self.frame))), 1), round(
            weight * (1 + 0.06 * max(-2.0, min(2.0, self.build))), 1
        )

    def pressure(self, day: date) -> tuple[int, int]:
        """Systolic and diastolic pressure as the cuff shows them, a little higher in winter."""
        years = self.years(day)
        if years < 18:
            high, low = 82 + 1.9 * max(years, 2), 54 + 0.9 * max(years, 2)
        else:
            high, low = 109 + 0.26 * (years - 20), 71 + 0.06 * (years - 20)
        season = 2.5 if day.month in (12, 1, 2) else -1.5 if day.month in (6, 7, 8) else 0.0
        mine = self._pressure
        systolic = high + mine[0] + self.systolic.at(day) + season + max(-11.0, min(11.0, self.rng.gauss(0, 5.4)))
        diastolic = low + mine[1] + self.diastolic.at(day) + season / 2 + max(-7.0, min(7.0, self.rng.gauss(0, 3.4)))
        return round(systolic), round(min(diastolic, systolic - 28))

    def pulse_rate(self, day: date) -> int:
        years = self.years(day)
        if years < 10:
            return round(128 - years * 4.2 + self.rng.gauss(0, 4))
        return round(self.pulse.at(day) + self.rng.gauss(0, 3))

    def oxygen(self, day: date) -> int:
        return min(99, round(self.saturation.at(day) + self.rng.gauss(0, 0.5)))

    def level(self, key: str, day: date) -> float:
        """The value of an analyte on a day: the course a programme has set, or what is usual for this person."""
        course = self.levels.get(key)
        mean, deviation = laboratory.usual(key, self.sex, self.months(day))
        if course is not None:
            return course.at(day) + self.rng.gauss(0, deviation * 0.35)
        trait = self._traits.get(key)
        if trait is None:
            trait = self._traits[key] = max(-1.7, min(1.7, self.rng.gauss(0, 0.9)))
        return max(mean + deviation * (trait + self.rng.gauss(0, 0.25)), mean * 0.15)

    def set(self, key: str, day: date, value: float) -> None:
        """From `day` on the analyte lies around `value`."""
        course = self.levels.get(key)
        if course is None:
            course = self.levels[key] = Course(laboratory.usual(key, self.sex, self.months(day))[0])
        course.change(day, value)
