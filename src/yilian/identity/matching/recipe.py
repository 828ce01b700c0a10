"""What Splink is told: the model, which pairs are compared at all, and how it is trained. Values only; Splink itself is in `linkage`."""

from __future__ import annotations

from typing import Any

from yilian.identity.matching.comparisons import COMPARISONS
from yilian.identity.matching.model import LEAST_TERM, Model

Json = dict[str, Any]

MOST_SHARED = 200
"""A number more patients have than this is nobody's: it brings no pairs together."""
U_PAIRS = 5e6
WORTH_OF_BEFORE = 100.0
"""What training saw of m weighs against the model it began with as its sure pairs do against this many."""
FEWEST_SURE = 30
"""Sure pairs below which a round of training is left out."""

SURE = (
    "l.document = r.document and l.sound = r.sound",
    "l.bag = r.bag and l.born = r.born and l.phone = r.phone",
    "l.bag = r.bag and l.born = r.born and l.line = r.line and l.county = r.county",
)
"""Pairs that are one person beyond doubt: how many there are gives the prior."""
SURE_RECALL = 0.8
"""The share of all pairs of one person that `SURE` finds, as far as one can know beforehand."""

ROUNDS = ("l.document_key = r.document_key", "l.bag = r.bag and l.born = r.born")
"""What is taken as given in each round of expectation maximisation; the comparisons it does not speak of are estimated. None goes by
telephone or address: what shares these is a family, and a family would be learnt to be one person."""

BLOCKING = (
    "l.document_key = r.document_key",
    "l.passport_key = r.passport_key",
    "l.card_key = r.card_key",
    "l.insurance_key = r.insurance_key",
    "l.file_key = r.file_key",
    "l.phone_key = r.phone_key",
    "l.bag = r.bag and l.birth_year = r.birth_year",
    "l.bag = r.bag and l.birth_day = r.birth_day",
    "l.initials = r.initials and l.born = r.born",
    "l.born = r.born and l.sex = r.sex and l.county = r.county",
    "l.bag = r.bag and l.town = r.town and l.unborn = r.unborn",
)
"""Which pairs are compared at all: those that agree in one of these."""


def settings(model: Model, *, for_prediction: bool = True, terms: bool = False) -> Json:
    """The model as Splink is given it. `terms`: with the correction for common values."""
    compared = []
    for comparison in COMPARISONS:
        levels: list[Json] = [{"sql_condition": comparison.skip_sql, "label_for_charts": "skipped", "is_null_level": True}]
        for level in comparison.levels:
            m, u = model.weights[comparison.code][level.code]
            one: Json = {"sql_condition": level.sql, "label_for_charts": level.code, "m_probability": m, "u_probability": u}
            if level.term and terms:
                one |= {"tf_adjustment_column": level.term, "tf_adjustment_weight": 1.0, "tf_minimum_u_value": LEAST_TERM}
            levels.append(one)
        compared.append({"output_column_name": comparison.code, "comparison_levels": levels})
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "patient",
        "comparisons": compared,
        "blocking_rules_to_generate_predictions": list(BLOCKING),
        "probability_two_random_records_match": model.prior,
        "retain_matching_columns": for_prediction,  # else the levels are not told either
        "retain_intermediate_calculation_columns": False,
        "em_convergence": 0.0005,
        "max_iterations": 25,
    }
