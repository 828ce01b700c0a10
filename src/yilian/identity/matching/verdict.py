"""What a score means: linked without asking, for the worklist, or nothing. Numbers and lists are policy (`match.*` in policy.toml).

Never on the name alone: whatever the score, a pair is sure only if something besides name, birth date and sex says so, and nothing says
the opposite (two sound identity numbers that differ are two people, also when they are twins at one address).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from yilian import policy
from yilian.db import Tx
from yilian.identity.matching.model import Scored

Grade = Literal["certain", "probable", "possible", "certainly-not"]
"""http://hl7.org/fhir/R4/valueset-match-grade.html"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The policies that hold.

    auto      score from which on a pair may be linked without asking
    worklist  score from which on somebody is asked
    needs     "comparison:level" of which a pair must reach one to be linked without asking
    bars      "comparison:level" of which none may be reached
    """

    auto: float
    worklist: float
    needs: frozenset[str]
    bars: frozenset[str]

    def is_sure(self, pair: Scored) -> bool:
        """Whether a pair may be linked without asking anybody."""
        reached = {f"{comparison}:{level}" for comparison, level in pair.levels.items()}
        return pair.score >= self.auto and bool(reached & self.needs) and not reached & self.bars

    def grade(self, pair: Scored) -> Grade:
        if self.is_sure(pair):
            return "certain"
        if pair.score < self.worklist:
            return "certainly-not"
        return "probable" if pair.score >= (self.auto + self.worklist) / 2 else "possible"


async def verdict(tx: Tx) -> Verdict:
    """By the region's policy of today."""
    auto = await policy.value(tx, "match.auto_score", tx.now)
    worklist = await policy.value(tx, "match.worklist_score", tx.now)
    needs = await policy.value(tx, "match.auto_needs", tx.now)
    bars = await policy.value(tx, "match.auto_bars", tx.now)
    return Verdict(float(auto), float(worklist), frozenset(needs), frozenset(bars))


def shipped() -> Verdict:
    """By the policies Yilian comes with; for measurements."""
    values: Mapping[str, Any] = {
        name: policy.defaults()[f"match.{name}"].value for name in ("auto_score", "worklist_score", "auto_needs", "auto_bars")
    }
    return Verdict(
        float(values["auto_score"]), float(values["worklist_score"]), frozenset(values["auto_needs"]), frozenset(values["auto_bars"])
    )
