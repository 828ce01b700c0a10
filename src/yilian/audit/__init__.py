"""Who did what to whose data, when, on what ground: written by the server for every read, write and sign-in, never by a caller.

`note` says what a row is; `record` writes rows: those of writes in the writer's own transaction, those of reads in batches right afterwards
(`read_log`); `events` shows them as FHIR AuditEvent, to those who may see them.
China: GB/T 22239-2019 8.1.4.3 安全审计; 网络安全法 第二十一条 (at least six months). IHE ITI Basic Audit Log Patterns (BALP) 1.1.
"""
