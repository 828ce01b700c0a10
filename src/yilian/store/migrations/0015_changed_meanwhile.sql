-- 0015 What was relied on: how a statement says that what it stood on is no longer so.

create function changed_meanwhile() returns boolean language plpgsql as $$
-- A write looks without locking, and its one statement locks and checks what it saw (yilian.store.rows, yilian.db). `YL001` ends that statement; nothing of it is kept.
begin
    raise exception 'what this statement relied on was changed meanwhile' using errcode = 'YL001';
end $$;
