-- A part of a withdrawal may be paid in another way than the withdrawal was asked for: the source it
-- goes back to was a card where the player asked for a bank transfer. Its method and its plan of PSPs are
-- then the part's own. Null: the payment's. A row of a program before this one has neither, and means that.
alter table part add column method text;
alter table part add column route json
  constraint part_has_method_and_route_or_neither check ((method is null) = (route is null));
