-- 0051 Endings, marks and next offers of a referral.

alter table referral add missed_from timestamptz;        -- booked: from then on the patient may be recorded as not having come
update referral f set missed_from = a.starts from appointment a join resource r using (rid)
    where r.type = 5 and r.id = f.appointment_id and f.state = 'booked';
