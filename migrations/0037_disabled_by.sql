-- An administrator disables an account from the console's page: who it was, and why, stands with the act. Both are null
-- for what is done at the machine itself. An account may be let in again, at the machine alone.
alter table console_act
  add column done_by text,
  add column reason text
    constraint console_act_reason_says_something check (length(reason) between 1 and 2000),
  add constraint console_act_says_who_and_why check ((done_by is null) = (reason is null)),
  drop constraint console_act_is_known,
  add constraint console_act_is_known check (act in
    ('created', 'signed_in', 'refused', 'signed_out', 'totp_set', 'password_set', 'disabled', 'enabled'));
