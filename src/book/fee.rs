//! The player's fee. Of a deposit it is paid on top, of a withdrawal it is kept from what is sent.

use super::payment::{Part, Payment};
use crate::domain::{Money, PartId};
use std::cmp::Reverse;

impl Payment {
    /// What a PSP is asked to move: the deposit with its fee, or a part without what it bears of it. None: that leaves
    /// nothing to move, or is more than can be counted.
    pub fn to_ask(&self, part: Option<PartId>) -> Option<Money> {
        let money = match part {
            None => self.fee.map_or(Some(self.money), |fee| self.money.checked_add(fee))?,
            Some(part) => {
                let part = self.part(part)?;
                Money::new(part.money.minor - self.fee_of(part), part.money.currency)
            }
        };
        Some(money).filter(|money| 0 < money.minor)
    }

    /// What of the fee a part bears. The largest does, of several the first: a small one of many could not.
    pub fn fee_of(&self, part: &Part) -> i64 {
        let bears = self.parts.iter().max_by_key(|it| (it.money.minor, Reverse(it.number)));
        let is_this = bears.is_some_and(|it| it.id == part.id);
        self.fee.filter(|_| is_this).map_or(0, |fee| fee.minor)
    }

    /// What of arrived money is the wallet's. None: no more arrived than the fee, or money that the fee is not of.
    pub fn less_fee(&self, arrived: Money) -> Option<Money> {
        let Some(fee) = self.fee else { return Some(arrived) };
        let rest = Money::new(arrived.minor.checked_sub(fee.minor)?, arrived.currency);
        (fee.currency == arrived.currency && 0 < rest.minor).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Currency, DecisionId, DepositStatus, Method, OperatorId, Origin, PartStatus, PaymentId,
        PaymentStatus, PlayerId, PlayerKey,
    };
    use crate::routing::plan::Route;
    use time::macros::datetime;
    use uuid::Uuid;

    fn eur(minor: i64) -> Money {
        Money::new(minor, Currency::EUR)
    }

    fn part(number: i16, minor: i64) -> Part {
        Part {
            id: PartId(Uuid::from_u128(number.unsigned_abs().into())),
            number,
            money: eur(minor),
            instrument: crate::domain::Instrument::default(),
            status: PartStatus::Held,
            held_minor: minor,
            way: None,
        }
    }

    fn payment(fee: Option<Money>, parts: &[i64]) -> Payment {
        let at = datetime!(2026-03-10 12:00 UTC);
        let operator = OperatorId::trusted("op_demo");
        Payment {
            id: PaymentId::deposit(Uuid::from_u128(1)),
            player: PlayerKey { operator, player: PlayerId::trusted("p-1") },
            status: PaymentStatus::Deposit(DepositStatus::Processing),
            origin: Origin::Request,
            money: eur(1_000),
            fee,
            country: "DE".to_owned(),
            method: Method::BankTransfer,
            reference: None,
            return_url: None,
            payer: psp_contract::Payer::default().into(),
            received: None,
            credited: None,
            suspended: None,
            next_action: None,
            action_told: false,
            reasons: Vec::new(),
            route: Route { version: "r1".to_owned(), candidates: Vec::new() }.into(),
            metadata: "{}".to_owned(),
            decision: DecisionId(Uuid::from_u128(3)),
            event_sequence: 0,
            answer_owed: None,
            due_at: None,
            source: None,
            returns: None,
            instrument: None,
            parts: (1..).zip(parts).map(|(number, minor)| part(number, *minor)).collect(),
            attempts: Vec::new(),
            created_at: at,
            updated_at: at,
        }
    }

    #[test]
    fn a_deposits_fee_is_paid_on_top() {
        assert_eq!(payment(None, &[]).to_ask(None), Some(eur(1_000)));
        let deposit = payment(Some(eur(25)), &[]);
        assert_eq!(deposit.to_ask(None), Some(eur(1_025)));
        assert_eq!(deposit.less_fee(eur(1_025)), Some(eur(1_000)));
        for (arrived, wallets) in [(26, Some(eur(1))), (25, None), (10, None), (i64::MIN, None)] {
            assert_eq!(deposit.less_fee(eur(arrived)), wallets, "{arrived}");
        }
        let other = Money::new(1_025, Currency::SEK);
        assert_eq!(
            (deposit.less_fee(other), payment(None, &[]).less_fee(other)),
            (None, Some(other))
        );
        // A fee that cannot be added is asked for by nobody.
        assert_eq!(payment(Some(eur(i64::MAX)), &[]).to_ask(None), None);
        assert_eq!(payment(Some(other), &[]).to_ask(None), None);
    }

    #[test]
    fn a_withdrawals_fee_is_kept_from_the_part_that_can_bear_it() {
        let asked = |fee, parts: &[i64]| {
            let payment = payment(fee, parts);
            let of = |part: &Part| payment.to_ask(Some(part.id)).map(|money| money.minor);
            payment.parts.iter().map(of).collect::<Vec<_>>()
        };
        let fee = Some(eur(25));
        assert_eq!(asked(fee, &[1_000]), [Some(975)]);
        assert_eq!(asked(fee, &[10, 700, 290]), [Some(10), Some(675), Some(290)]);
        assert_eq!(asked(fee, &[500, 500]), [Some(475), Some(500)]);
        // It leaves nothing to send.
        assert_eq!(asked(fee, &[25]), [None]);
        assert_eq!(asked(None, &[10, 990]), [Some(10), Some(990)]);
    }
}
