-- 0031 The trail before the answer; contents that were sent to us, and whether they were looked at for malware.

create index access_ground_emergency on access_ground (until) include (patient) where kind = 'emergency';  -- every read: whose record stands open in an emergency
