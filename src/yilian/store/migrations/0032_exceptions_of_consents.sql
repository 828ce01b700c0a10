-- 0032 A permit with exceptions comes to several rules of one Consent for the same institution and purpose: the grant, and what it does not extend to.

alter table consent_rule drop constraint consent_rule_once;
alter table consent_rule add constraint consent_rule_once unique nulls not distinct (source, patient, institution, purpose, permit, mask);
