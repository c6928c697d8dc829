-- Deposits whose money came when they were older than their market looks were left as they had ended: given up.
-- From now on what was credited counts however late it came, and the proof of the books asks for it.
update limit_use u set state = 'counted'
from payment p
where p.payment_id = u.payment_id and u.direction = 'deposit' and u.state <> 'counted'
  and p.direction = 'deposit' and p.credited_amount is not null;
