"""Every operation, by type, level and name."""

from __future__ import annotations

from yilian.fhir import urls
from yilian.http.operations import Operation, record, referral

HL7 = "http://hl7.org/fhir/OperationDefinition/"
OURS = urls.BASE + "OperationDefinition/"

ALL = (
    Operation("Patient", "instance", "everything", record.everything, False, "The whole record of one patient", HL7 + "Patient-everything"),
    Operation(
        "Patient", "instance", "timeline", record.timeline, False, "What happened to one patient, newest first", OURS + "patient-timeline"
    ),
    Operation(
        "ServiceRequest", "type", "refer", referral.refer, True, "Write a referral, and send it unless submit is false", OURS + "refer"
    ),
    Operation("Task", "instance", "act", referral.act, True, "Take one step in a referral", OURS + "referral-act"),
    Operation("Task", "instance", "actions", referral.actions, False, "The steps this user may take now", OURS + "referral-actions"),
    Operation("Task", "instance", "slip", referral.slip, False, "转诊单 or 回转单 as PDF", OURS + "referral-slip"),
    Operation("Task", "type", "verify-slip", referral.verify_slip, False, "What a printed slip stands for", OURS + "referral-verify-slip"),
    Operation(
        "Task",
        "type",
        "worklist",
        referral.worklist,
        False,
        "One worklist of this user's post, by urgency and clock",
        OURS + "referral-worklist",
    ),
    Operation(
        "Task",
        "type",
        "worklist-counts",
        referral.worklist_counts,
        False,
        "How many referrals wait in each worklist",
        OURS + "referral-worklist-counts",
    ),
)

REGISTRY: dict[tuple[str, str, str], Operation] = {(operation.kind, operation.level, operation.name): operation for operation in ALL}
