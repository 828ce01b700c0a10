"""Telling other systems what has changed: topic-based subscriptions, delivered by rest-hook, websocket and server-sent events.

    take_in    what somebody asks for is understood or refused, secrets are put away      before it is stored
    outbox     what a write caused is noted, in the transaction of the write              reaction of the store
    collect    events are numbered, those the owner may see and no others                 job
    deliver    handshake, notifications, heartbeats; tried again, given up                jobs
    stream     the same for whoever is connected

FHIR R4 http://hl7.org/fhir/R4/subscription.html; Subscriptions R5 Backport 1.1, http://hl7.org/fhir/uv/subscriptions-backport/
"""
