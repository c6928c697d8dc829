//! Everything that a decision is made from.
//!
//! A decision is a function of a policy and of these facts, and both are kept: that is why it can be
//! made again. So nothing else may be looked at, and nothing here says who the player is: names,
//! numbers and birth dates are compared or counted before, and only what came of that is a fact.

use super::attestation::{Attestation, AttestationKind};
use super::closed_loop::Obstacle;
use super::hooks::CheckFacts;
use super::{Checkpoint, FxTable};
use crate::domain::{
    Currency, Exclusion, Kyc, Method, Money, Origin, Player, PlayerStatus, Timestamp,
};
use crate::screening::aggregate::Query;
use crate::screening::counters::Counted;
use crate::screening::limits::LimitUsed;
use crate::screening::signals::VendorResult;
use psp_contract::CardFunding;
use time::Date;
use uuid::Uuid;

/// The facts of one screening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub checkpoint: Checkpoint,
    /// When it was screened: ages, exclusions and the policy in force are of this time.
    pub screened_at: Timestamp,
    /// When the counters were read, under the player's lock. Not before `screened_at`.
    pub counted_at: Timestamp,
    /// None: the operator never told us of this player.
    pub player: Option<PlayerFacts>,
    /// None for an event of the account.
    pub payment: Option<PaymentFacts>,
    /// When the withdrawal was asked for, where it is screened again and a rule counts from there or its player
    /// owes. None: it is being asked for, or nobody counts.
    pub asked_at: Option<Timestamp>,
    /// When two people let the withdrawal go, where a rule before the payout asks whether they had seen what
    /// vendors said.
    pub let_go_at: Option<Timestamp>,
    /// What two people were shown of the withdrawal when they let it go, where a rule before the payout looks at
    /// its player once more.
    pub let_go: Vec<LetGo>,
    /// Who paid, where the PSP has told.
    pub payer: Option<PayerFacts>,
    /// What the player owes, in any currency.
    pub owed: Vec<Money>,
    /// The player's own limits with what is used of them.
    pub limits: Vec<LimitUsed>,
    /// How a withdrawal that is asked for is shared out among the sources of deposits.
    pub closed_loop: Option<LoopFacts>,
    /// What registers, files of limits and lists of names say of the player.
    pub checks: CheckFacts,
    /// What the policy's rules asked of the player's movements.
    pub counted: Vec<Counted>,
    /// What two people vouch for, of the kinds that rules here ask for, and that holds.
    pub attestations: Vec<Vouched>,
    /// Who else used the instrument of this payment. None: no rule here asks for it.
    pub shared: Option<Shared>,
    /// The addresses that the payment goes to, where a rule here asks of each who controls it. None: no rule
    /// asks, or it was decided before this was kept.
    pub ends: Vec<EndFacts>,
    /// The money is in, and no screening that still holds let it come: nobody asked for it, or its deposit had
    /// been given up.
    pub unasked: bool,
    /// What registers and matchers say of the player was asked although the money names a request: it came late.
    pub asked: bool,
    /// What vendors outside said of this payment or its player.
    pub vendors: Vec<VendorResult>,
    /// Identifiers of rules, or their beginnings, that are recorded without effect here.
    pub recorded_only: Vec<String>,
    pub fx: FxTable,
}

/// A rule's finding that two people let go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetGo {
    pub rule: String,
    pub observed: String,
    /// They were shown it as a hold. Else what is one by now is none that they let go.
    pub held: bool,
}

/// What is to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentFacts {
    pub origin: Origin,
    pub money: Money,
    pub method: Method,
}

/// The player's record, without what names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlayerFacts {
    pub version: i64,
    /// ISO 3166 alpha-2 of residence: it decides the market.
    pub country: String,
    pub currency: Currency,
    /// Whole years on the day that `screened_at` falls into, where the market is.
    pub age_years: i32,
    pub status: PlayerStatus,
    pub exclusion: Option<Exclusion>,
    pub kyc: Kyc,
    pub registered_at: Timestamp,
}

impl PlayerFacts {
    /// As they stand on a day.
    pub fn of(player: &Player, today: Date) -> Self {
        Self {
            version: player.version,
            country: player.country.clone(),
            currency: player.currency,
            age_years: age_years(player.date_of_birth, today),
            status: player.status,
            exclusion: player.exclusion.clone(),
            kyc: player.kyc.clone(),
            registered_at: player.created_at,
        }
    }
}

/// Whole years between two days. Who is born on 29 February is a year older on 1 March.
fn age_years(born: Date, today: Date) -> i32 {
    let had_birthday = (born.month() as u8, born.day()) <= (today.month() as u8, today.day());
    today.year() - born.year() - i32::from(!had_birthday)
}

/// What two people vouch for, as far as rules look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vouched {
    pub kind: AttestationKind,
    /// The attestation: it names the case that made it.
    pub id: Uuid,
    /// Up to how much it holds; none: any amount.
    pub amount: Option<Money>,
    pub until: Option<Timestamp>,
}

impl Vouched {
    pub const fn of(one: &Attestation) -> Self {
        let Attestation { id, ref terms, .. } = *one;
        Self { kind: terms.kind, id, amount: terms.amount, until: terms.valid_until }
    }
}

/// One address that a payment goes to: by number, and never which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndFacts {
    /// As vendors' answers number the places. None: the PSP alone knows the address.
    pub place: Option<i16>,
    /// The newest proof that holds and names the address or the payment.
    pub control: Option<Vouched>,
}

/// Who else of the operator's players used an instrument: how many, and never who.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// Nothing is known that tells this instrument from another.
    NotTold,
    Others(u32),
}

/// How a proof stands to the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    Same,
    Other,
    /// The PSP does not tell, or shows only a piece of it, or the casino gave nothing to compare with.
    Unknown,
}

impl Match {
    pub const ALL: [Match; 3] = [Match::Same, Match::Other, Match::Unknown];

    pub const fn as_str(self) -> &'static str {
        match self {
            Match::Same => "the player's",
            Match::Other => "another person's",
            Match::Unknown => "not told",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|found| found.as_str() == text)
    }
}

/// What the PSP proves of the payer, compared with the player's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayerFacts {
    pub name: Match,
    pub tax_id: Match,
    /// What kind of account paid, `"iban"`, `"phone, the player's"`.
    pub account: String,
    /// Whose money the card spends. None: no card, or nobody told.
    pub funding: Option<CardFunding>,
}

/// A withdrawal and the sources of the player's deposits in its currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoopFacts {
    /// By the first deposit.
    pub sources: Vec<LoopSource>,
    /// The kind of account and the minor units of what goes to no source.
    pub elsewhere: Option<(String, i64)>,
    /// The destination was named by whoever asked, and the allocator did not choose it.
    pub is_named: bool,
    /// No split keeps the loop.
    pub is_outside: bool,
    /// By its holder's name, whose account a named destination is. None: something better tells that it is the
    /// player's (a deposit came from it, or it was paid before), or none was named.
    pub holder: Option<Match>,
}

/// One source: what kind it is, and numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoopSource {
    /// As the API names destinations, `"iban"`.
    pub kind: String,
    pub deposited_minor: i64,
    pub paid_out_minor: i64,
    /// What this withdrawal pays to it.
    pub share_minor: i64,
    /// Why nobody can pay it.
    pub obstacle: Option<Obstacle>,
    /// An approved exception lets its money go elsewhere.
    pub is_excepted: bool,
    /// The exception, where there is one. Alone it does not let money go to a named destination that is
    /// not known to be the player's.
    pub exception: Option<Uuid>,
}

impl LoopSource {
    /// What is its own and does not reach it with this withdrawal.
    pub fn uncovered_minor(&self) -> i64 {
        (self.deposited_minor - self.paid_out_minor).max(0).saturating_sub(self.share_minor).max(0)
    }

    /// What this withdrawal pays to it as its own.
    pub fn own_minor(&self) -> i64 {
        self.share_minor.min((self.deposited_minor - self.paid_out_minor).max(0))
    }
}

impl LoopFacts {
    /// What reaches no source as its own.
    pub fn beyond_minor(&self) -> i64 {
        let extra = self.sources.iter().map(|source| source.share_minor - source.own_minor());
        extra.sum::<i64>() + self.elsewhere.as_ref().map_or(0, |(_, minor)| *minor)
    }
}

impl Facts {
    /// The payment's facts. An event of the account has none.
    pub const fn payment(&self) -> Option<&PaymentFacts> {
        self.payment.as_ref()
    }

    pub fn money(&self) -> Option<Money> {
        self.payment.as_ref().map(|payment| payment.money)
    }

    /// The answer to a rule's question. None: it was not asked when these facts were gathered.
    pub fn counted(&self, query: &Query) -> Option<&Counted> {
        self.counted.iter().find(|counted| counted.query == *query)
    }

    /// Whether a rule finds but does not act.
    pub fn only_records(&self, rule: &str) -> bool {
        let names = |prefix: &String| {
            let rest = rule.strip_prefix(prefix.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.recorded_only.iter().any(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn a_year_is_over_on_the_birthday_and_on_march_first_where_there_is_none() {
        let born = date!(2004 - 02 - 29);
        for (today, years) in [
            (date!(2022 - 02 - 28), 17),
            (date!(2022 - 03 - 01), 18),
            (date!(2024 - 02 - 28), 19),
            (date!(2024 - 02 - 29), 20),
        ] {
            assert_eq!(age_years(born, today), years, "{today}");
        }
    }
}
