"""Other platforms' referrals: the four-step message form of the regions and the fields of the national form, at the edge.

form       the fields of 双向转诊(转出)单 and (回转)单, and a step of the message form as values; pure
messages   to and from FHIR message Bundles (MessageHeader, Appointment, AppointmentResponse, Composition); pure
take_in    a message becomes `$refer` or `$act`, once
give_out   a referral as the message of one of its steps

The message form is too weak to be the core (it forbids slot, basedOn and reason on its Appointment), so it is spoken here and nowhere else:
ServiceRequest and Task inside, messages outside. docs/reference/bridge.md
"""

from yilian.exchange.bridge.form import STEPS, Message, Refused
from yilian.exchange.bridge.give_out import give_out
from yilian.exchange.bridge.messages import acknowledged, read_message, write_message
from yilian.exchange.bridge.take_in import take_in

__all__ = ["STEPS", "Message", "Refused", "acknowledged", "give_out", "read_message", "take_in", "write_message"]
