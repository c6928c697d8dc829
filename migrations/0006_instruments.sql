-- What a player chose to pay a deposit with, and deposits that a PSP completes only at our word.

-- A card's token is kept while a PSP may still have to be told of it, and forgotten afterwards.
alter table payment add column instrument json;

-- The payer has approved and the PSP waits for our second call: whether that call is to be made, or
-- was made.
alter table attempt add column completion text
  constraint attempt_completion check (completion in ('wanted', 'asked'));
