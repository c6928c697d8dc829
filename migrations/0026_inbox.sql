-- no-transaction
-- Which messages were about an attempt: an erasure takes them out, and no key of theirs leads there. Attempts' ids
-- grow with time, so that a new entry stands beside the last one: about 0.1 kB of log a webhook.
--
-- Built beside the running service, outside a transaction: rows are written meanwhile. Where that was broken off,
-- the index is there and of no use, and the next `interlock migrate` says that it exists already: drop it
-- (`drop index inbox_of_attempt`), and migrate again.
create index concurrently inbox_of_attempt on inbox (attempt_id) where attempt_id is not null;
