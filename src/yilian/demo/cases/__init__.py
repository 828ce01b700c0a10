"""The stories behind the referrals: who is referred, why, in whose words, and how far it has come.

Every state a referral can stand in occurs, at several institutions, up, down and lateral. The people of the stories have the lowest
numbers; resident-0001, whose record the account `resident` opens, is the first of them. Some stories end without a referral: they are
there to be referred.
"""

from __future__ import annotations

from yilian.demo.cases import brain_and_lungs, heart, hearts_home, homecoming, others, pressure_and_sugar, surgery
from yilian.demo.cases.story import Case

CASES: tuple[Case, ...] = (
    *heart.BOOK,
    *pressure_and_sugar.BOOK,
    *brain_and_lungs.BOOK,
    *surgery.BOOK,
    *others.BOOK,
    *hearts_home.BOOK,
    *homecoming.BOOK,
)
BY_KEY = {case.seed.key: case for case in CASES}

__all__ = ["BY_KEY", "CASES", "Case"]
