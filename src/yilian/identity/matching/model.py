"""A model: how much each level of each comparison speaks for two patients being one person, and what comes of it for a pair.

Weight of a level: log2(m / u), in bits, where m is its share among pairs of one person and u among pairs of two. The prior and the weights
added up are the odds (Fellegi & Sunter 1969; Splink's reading: https://moj-analytical-services.github.io/splink/). A model is a value; it
opens nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from yilian.errors import InvalidResource
from yilian.identity.matching.comparisons import COMPARISONS, Comparison
from yilian.identity.matching.features import Features

Json = dict[str, Any]
Share = Mapping[str, Mapping[str, float]]
"""Column → value → its share of the patients who have one."""

LEAST_TERM = 0.00001
"""A name or date rarer than this weighs no more than one of this share: a rare spelling may be a slip."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the waterfall: what a comparison gave to the result.

    comparison, level   codes; level "" where the comparison was skipped
    m, u    as the model has them; 0 where skipped
    bits    log2 of what it multiplies the odds by
    term    True: the correction for how common the value is, in bits
    """

    comparison: str
    level: str
    zh: str
    m: float
    u: float
    bits: float
    term: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """A pair as weighed: probability (0 to 1), the same in bits (log2 of the odds), comparison → level reached ("" where skipped)."""

    score: float
    weight: float
    levels: dict[str, str]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two patients by their keys, first < second, and how the model weighs them."""

    first: int
    second: int
    scored: Scored


@dataclass(frozen=True)
class Model:
    """Weights by comparison and level.

    version   of `match_model`; 0: not stored
    prior     probability that two random patients are one person
    weights   comparison → level → (m, u)
    """

    version: int
    prior: float
    weights: Mapping[str, Mapping[str, tuple[float, float]]]
    counts: Json = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        for comparison in COMPARISONS:
            mine = set(self.weights.get(comparison.code, {}))
            if mine != {level.code for level in comparison.levels}:
                raise InvalidResource(
                    f"Matching model {self.version} was trained by other levels of {comparison.code!r}. Train one: yilian match train.",
                    zh="匹配模型与当前版本的比较规则不一致,请重新训练(yilian match train)。",
                )

    @cached_property
    def bits(self) -> tuple[tuple[Comparison, tuple[float, ...]], ...]:
        """Each comparison with the bits of its levels, in their order."""
        return tuple(
            (comparison, tuple(bits(*self.weights[comparison.code][level.code]) for level in comparison.levels))
            for comparison in COMPARISONS
        )

    @cached_property
    def prior_bits(self) -> float:
        return math.log2(self.prior / (1 - self.prior))

    @property
    def least_share(self) -> float:
        """The share a value has that was not common enough to be kept with the model."""
        return max(LEAST_TERM, 1 / max(int(self.counts.get("patients", 0)), 1))

    def scaled(self, patients: int) -> Model:
        """The model for a region of this size: the more strangers there are, the less likely it is that two of them are one person."""
        trained = int(self.counts.get("patients", 0))
        if not trained or patients <= trained:
            return self
        return replace(self, prior=max(self.prior * trained / patients, 1e-12))

    def weigh(self, a: Features, b: Features, shares: Share) -> Scored:
        """One pair. `shares`: how common the values are that both have (`TERMS`), those that are known to be common."""
        total = self.prior_bits
        levels: dict[str, str] = {}
        for comparison, weights in self.bits:
            place = comparison.level(a, b)
            if place is None:
                levels[comparison.code] = ""
                continue
            level = comparison.levels[place]
            levels[comparison.code] = level.code
            total += weights[place]
            if level.term:
                total += self.term_bits(comparison.code, level.code, shares.get(level.term, {}).get(str(getattr(a, level.term))))
        return Scored(probability(total), total, levels)

    def term_bits(self, comparison: str, level: str, share: float | None) -> float:
        """What is taken away (or added) because a value is commoner (or rarer) than most; 0 where its share is not known."""
        if share is None:
            return 0.0
        return math.log2(self.weights[comparison][level][1] / max(share, LEAST_TERM))

    def explain(self, a: Features, b: Features, shares: Share) -> list[Step]:
        """The waterfall of a pair: the prior first, then what each comparison gave, in their order. The bits add up to `weigh`'s weight."""
        steps = [Step("prior", "", "先验", self.prior, 1 - self.prior, self.prior_bits)]
        for comparison, weights in self.bits:
            place = comparison.level(a, b)
            if place is None:
                steps.append(Step(comparison.code, "", comparison.zh, 0.0, 0.0, 0.0))
                continue
            level = comparison.levels[place]
            m, u = self.weights[comparison.code][level.code]
            steps.append(Step(comparison.code, level.code, f"{comparison.zh}:{level.zh}", m, u, weights[place]))
            if level.term:
                share = shares.get(level.term, {}).get(str(getattr(a, level.term)))
                if share is not None:
                    given = self.term_bits(comparison.code, level.code, share)
                    zh = f"{comparison.zh}:{'较常见' if given < 0 else '较少见'}"
                    steps.append(Step(comparison.code, level.code, zh, 0.0, max(share, LEAST_TERM), given, True))
        return steps


def bits(m: float, u: float) -> float:
    """log2(m / u)."""
    return math.log2(max(m, 1e-12) / max(u, 1e-12))


def probability(weight: float) -> float:
    """Odds in bits as a probability."""
    if weight > 60:
        return 1.0
    return 1 / (1 + 2.0**-weight) if weight > -1000 else 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """What differs between two models in one level: (m, u) before and after; bits the same as weights."""

    comparison: str
    level: str
    before: tuple[float, float]
    after: tuple[float, float]

    @property
    def bits(self) -> float:
        return bits(*self.after) - bits(*self.before)


def difference(before: Model, after: Model) -> list[Change]:
    """Every level, in the order they are compared in; those that are the same have 0 bits."""
    return [
        Change(comparison.code, level.code, before.weights[comparison.code][level.code], after.weights[comparison.code][level.code])
        for comparison in COMPARISONS
        for level in comparison.levels
    ]


def beginning() -> Model:
    """Where training begins: the shares written beside the levels. Never used to score anybody."""
    return Model(0, 0.0001, {c.code: {level.code: (level.m, level.u) for level in c.levels} for c in COMPARISONS}, {}, "beginning")


def as_json(model: Model) -> Json:
    """The weights as they are kept: comparison → level → {m, u}."""
    return {code: {level: {"m": m, "u": u} for level, (m, u) in levels.items()} for code, levels in model.weights.items()}


def from_json(version: int, prior: float, weights: Json, counts: Json, note: str = "") -> Model:
    """A model as it was kept. Raises InvalidResource when its levels are not those of today."""
    read = {code: {level: (float(w["m"]), float(w["u"])) for level, w in levels.items()} for code, levels in weights.items()}
    return Model(version, prior, read, counts, note)


def levels_of(model: Model) -> Sequence[tuple[str, str, str, float, float, float]]:
    """(comparison, level, Chinese, m, u, bits) of every level, for tables and pages."""
    return [
        (c.code, level.code, f"{c.zh}:{level.zh}", *model.weights[c.code][level.code], bits(*model.weights[c.code][level.code]))
        for c in COMPARISONS
        for level in c.levels
    ]
