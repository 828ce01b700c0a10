"""转诊之后: what becomes of a patient after the referral.

plan         dated visits out of a follow-up plan; pure          form       the form of a visit; pure
follow_ups   the visits of a down-referral: planned, recorded, listed; the hospital that sent the patient down is told
first_visits 首访逾期: whose first visit was missed, with a plan or without one
ratings      患者评价: once for each completed referral, shown by institution, small cells withheld
lost         who was referred and was seen nowhere
suspicions   referrals that look wrong, by rules, and what the office decided of them
office       which institution's office decides
guard        nobody writes around the room; what it does every night
"""

from yilian.aftercare.follow_ups import follow
from yilian.aftercare.guard import PERIODIC, definitions, guard, kinds

__all__ = ["PERIODIC", "definitions", "follow", "guard", "kinds"]
