"""The only SQL on resources: one write path, reads that take a `Scope`, and the tables they work on (`schema.sql`).

write.py       create, update, delete, for one change or ten thousand       bundle.py      a transaction Bundle becomes one write
read.py        by id, one version, many                                     history.py     versions, newest first
find.py        what a search asks for, page by page                         everything.py  the whole record of one patient
scope.py       who asks: part of every statement                            permission.py  who may write what
migrate.py     the database brought to this version                         hooks.py       what higher rooms are told
"""
