"""交接文书: what travels with a referred patient, as documents that are frozen when they are sent.

document   a FHIR document Bundle out of sections; pure
belonging  whose document it is by its own words; pure
sharing    what of a record may go into a document for another institution
frozen     documents kept as they were sent, found again, guarded
paper      the same document on A4
codes      the words as a CodeSystem       templates  how the paper looks

What a referral's documents say is told by the referral room (`referral.letters`), which knows the form.
"""

from yilian.handover.codes import definitions
from yilian.handover.document import KINDS, Document, Section, bundle
from yilian.handover.frozen import Kept, frozen, guard, keep, listed, reference
from yilian.handover.paper import paper
from yilian.handover.sharing import kinds_of, passing

__all__ = [
    "KINDS", "Document", "Kept", "Section", "bundle", "definitions", "frozen", "guard", "keep", "kinds_of", "listed", "paper", "passing",
    "reference",
]  # fmt: skip
