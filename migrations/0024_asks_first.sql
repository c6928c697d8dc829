-- The PSPs that a withdrawal's parts ask first. A worker leaves alone, for the moment, what would ask one
-- that has all its share of the room already, and must find what others wait for without reading every plan.
-- Null: a deposit, a withdrawal that nobody can pay, or one of a program before this one.
alter table payment add column asks_first text[];
