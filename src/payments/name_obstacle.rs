//! Why an account cannot carry a payment although it serves its kind: what it cannot take or pay,
//! and what it must know of the payer.

use crate::domain::{Currency, Instrument};
use crate::flows::Flows;
use crate::routing::plan::CANNOT_PAY;
use psp_contract::{Instrument as Chosen, Payer, PayerField, Subject};

/// An account's obstacle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    CannotTake,
    CannotPay,
    /// The casino did not give this field of the player's record.
    Lacks(PayerField),
}

impl Obstacle {
    /// In the end of a plain sentence.
    pub fn text(self) -> String {
        match self {
            Obstacle::CannotTake => "cannot take this instrument".to_owned(),
            Obstacle::CannotPay => CANNOT_PAY.to_owned(),
            Obstacle::Lacks(field) => format!("needs the player's {}", field.name()),
        }
    }

    /// The field that would remove it.
    pub const fn field(self) -> Option<PayerField> {
        match self {
            Obstacle::Lacks(field) => Some(field),
            Obstacle::CannotTake | Obstacle::CannotPay => None,
        }
    }
}

/// What keeps an account from taking a deposit of this payer, with the instrument that they chose.
pub fn of_deposit(
    flows: &Flows,
    psp: &str,
    payer: &Payer,
    chosen: Option<&Chosen>,
) -> Option<Obstacle> {
    let psp = flows.psps.get(psp).filter(|psp| psp.capabilities().deposit.is_some());
    let Some(psp) = psp.filter(|psp| psp.can_take(chosen)) else {
        return Some(Obstacle::CannotTake);
    };
    psp.lacks(payer, Subject::Deposit).map(Obstacle::Lacks)
}

/// What keeps an account from paying this instrument of this player.
pub fn of_payout(
    flows: &Flows,
    psp: &str,
    payer: &Payer,
    instrument: &Instrument,
    currency: Currency,
) -> Option<Obstacle> {
    let destination = instrument.for_psp(psp);
    let Some(psp) = flows.psps.get(psp).filter(|psp| psp.can_pay(&destination, currency)) else {
        return Some(Obstacle::CannotPay);
    };
    psp.lacks(payer, Subject::Payout).map(Obstacle::Lacks)
}

/// What keeps an account from a payout of which only the player is known yet.
pub fn of_any_payout(flows: &Flows, psp: &str, payer: &Payer) -> Option<Obstacle> {
    let Some(psp) = flows.psps.get(psp).filter(|psp| psp.capabilities().payout.is_some()) else {
        return Some(Obstacle::CannotPay);
    };
    psp.lacks(payer, Subject::Payout).map(Obstacle::Lacks)
}
