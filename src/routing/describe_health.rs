//! How the PSPs of an operator do, for people.

use super::health::{Level, Permit};
use super::switches::Switch;
use crate::domain::{Direction, OperatorId};
use crate::flows::Flows;

/// Whether a PSP works, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Well,
    Doubtful,
    Failing,
    Probing,
}

/// One PSP account in one direction.
#[derive(Debug, Clone)]
pub struct PspState {
    pub psp: String,
    pub direction: Direction,
    pub standing: Standing,
    /// Those that hold now and name it, or all accounts.
    pub switches: Vec<Switch>,
    pub levels: Vec<Level>,
}

/// Every account of the operator in each direction that it serves.
pub fn describe_health(flows: &Flows, operator: &OperatorId) -> Vec<PspState> {
    let (now, kept, switches) = (flows.clock.now(), flows.health.keep(), flows.switches.all());
    let mut all = Vec::new();
    for account in flows.accounts.iter().filter(|account| account.serves_operator(operator)) {
        let served = [
            (Direction::Deposit, account.deposits.is_some()),
            (Direction::Withdrawal, account.payouts.is_some()),
        ];
        for (direction, _) in served.into_iter().filter(|(_, serves)| *serves) {
            let psp = &account.id;
            let holds = |switch: &&Switch| {
                let scope = &switch.scope;
                switch.is_on(now)
                    && switch.operator == *operator
                    && scope.psp.as_ref().is_none_or(|named| named == psp)
                    && scope.direction.is_none_or(|named| named == direction)
                    && scope.country.as_ref().is_none_or(|c| account.countries.contains(c))
                    && scope.method.is_none_or(|method| account.methods.contains(&method))
            };
            let mine = |level: &&Level| level.psp == *psp && level.bucket.direction == direction;
            all.push(PspState {
                psp: psp.clone(),
                direction,
                standing: standing(flows, psp, direction),
                switches: switches.iter().filter(holds).cloned().collect(),
                levels: kept.levels.iter().filter(mine).cloned().collect(),
            });
        }
    }
    all
}

fn standing(flows: &Flows, psp: &str, direction: Direction) -> Standing {
    let permit = flows.health.permit(psp, direction, flows.clock.now());
    match (permit, flows.health.is_failing(psp, direction)) {
        (Permit::Yes, false) => Standing::Well,
        (Permit::Share(_) | Permit::Probe | Permit::No, false) => Standing::Doubtful,
        (Permit::Probe, true) => Standing::Probing,
        (Permit::Yes | Permit::Share(_) | Permit::No, true) => Standing::Failing,
    }
}
