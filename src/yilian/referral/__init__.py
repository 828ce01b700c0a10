"""双向转诊: the heart of the house, and the model of its other rooms.

states       the table: from, action, to, who may, what it takes
rules        who is who, what is legal now, what is wrong with a request; pure
commands     refer, act: one function for each action, in the caller's transaction
allowed      what a user may do now, and when time alone changes that
sending      what is looked up and checked before a referral is written or leaves the sender
step         how a step is written: resources, row, Provenance, grounds
resources    to and from ServiceRequest, Task, Provenance, CarePlan; `parameters`: to and from Parameters
register     the row beside the resources, with the constraints of the database
clocks       time limits by policy       numbers    转诊单号
conversation what both sides say to each other beside the steps
guard        nobody writes around the table
worklists    the named lists of each post, counted and paged; `arriving`: what a desk is told of who comes
slips        转诊单 and 回转单 as PDF; `slip_content`: what they say; templates/: how they look
codes        the words of referral as CodeSystems and ValueSets
"""

from yilian.referral.allowed import actions
from yilian.referral.arriving import Arriving, arriving
from yilian.referral.codes import definitions
from yilian.referral.commands import NotLegalNow, OpenReferral, act, refer
from yilian.referral.guard import guard
from yilian.referral.parameters import actions_answer, refer_answer
from yilian.referral.slips import slip, verify
from yilian.referral.worklists import LISTS, worklist, worklist_counts

__all__ = [
    "LISTS",
    "Arriving",
    "NotLegalNow",
    "OpenReferral",
    "act",
    "actions",
    "actions_answer",
    "arriving",
    "definitions",
    "guard",
    "refer",
    "refer_answer",
    "slip",
    "verify",
    "worklist",
    "worklist_counts",
]
