"""Which records may be one person: features of each patient, a trained model, pairs found in batches and one person asked for online.

    features     what of a Patient is compared            names, places
    comparisons  in which levels two of them agree         model: what each level weighs
    linkage      Splink: training, all pairs               recipe: what Splink is told; region: the same over the store
    keys, index  how somebody is found among a million     online: Patient/$match
    verdict      what a score means: policy                candidates: the pairs, for linking and the worklist; newcomers

Nothing is linked here: that is `identity.links`. docs/reference/matching.md tells the whole.
"""

from yilian.identity.matching.index import FIND, JOB, carry_out, follow, is_behind
from yilian.identity.matching.models import ensure
from yilian.identity.matching.newcomers import look_up
from yilian.identity.matching.online import Candidate, Explanation, Found, explain, find

__all__ = [
    "FIND",
    "JOB",
    "Candidate",
    "Explanation",
    "Found",
    "carry_out",
    "ensure",
    "explain",
    "find",
    "follow",
    "is_behind",
    "look_up",
]
