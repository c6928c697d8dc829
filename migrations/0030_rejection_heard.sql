-- The newest rejection of a vendor of identity that the player's record knows of. One that is told after news
-- of another verification that began later is still taken: once, so that a casino's own word after it stands.
alter table identity_taken add column rejection uuid;
update identity_taken t set rejection = (
  select r.vendor_result_id from vendor_result r
  where r.operator_id = t.operator_id and r.player_id = t.player_id and r.hook = 'kyc'
    and r.payment_id is null and r.risk = 'severe' and r.told_at is not null
  order by r.told_at desc, r.asked_at desc, r.vendor_result_id desc limit 1);
