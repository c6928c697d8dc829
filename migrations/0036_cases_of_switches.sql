-- no-transaction
-- Finds who proposed to lift a switch, when its case is closed too.
--
-- Built beside the running service, outside a transaction. Where that was broken off, the index is there and of no
-- use, and the next `interlock migrate` says that it exists already: drop it (`drop index review_of_any_switch`), and
-- migrate again.
create index concurrently review_of_any_switch on review (switch_id) where switch_id is not null;
