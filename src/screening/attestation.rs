//! What two people found and vouch for: that a player can afford to play, where their money comes from,
//! that an exception is right. Only an approved case makes one, and none is ever changed: one that no
//! longer holds has ended, or is followed by another.

use crate::domain::{Money, Player, Timestamp};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What is vouched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttestationKind {
    /// The player can afford what they play with.
    Affordability,
    /// Somebody spoke with the player about their limits.
    LimitContact,
    SourceOfFunds,
    EnhancedDueDiligence,
    /// The player proved that an account or address is theirs.
    ProofOfControl,
    /// Money may go elsewhere than where it came from.
    ClosedLoopException,
    /// A name that a list knows is not this player's.
    NameException,
}

impl AttestationKind {
    pub const ALL: [Self; 7] = [
        Self::Affordability,
        Self::LimitContact,
        Self::SourceOfFunds,
        Self::EnhancedDueDiligence,
        Self::ProofOfControl,
        Self::ClosedLoopException,
        Self::NameException,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Affordability => "affordability",
            Self::LimitContact => "limit_contact",
            Self::SourceOfFunds => "source_of_funds",
            Self::EnhancedDueDiligence => "enhanced_due_diligence",
            Self::ProofOfControl => "proof_of_control",
            Self::ClosedLoopException => "closed_loop_exception",
            Self::NameException => "name_exception",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What is to be vouched for, as one person proposes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationTerms {
    pub kind: AttestationKind,
    /// What it is about or rests on: a file's number, an instrument's fingerprint, a list entry's id.
    pub reference: String,
    /// Up to how much it holds.
    pub amount: Option<Money>,
    /// None: until another one says otherwise.
    pub valid_until: Option<Timestamp>,
}

/// As two people made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attestation {
    pub id: Uuid,
    pub terms: AttestationTerms,
    pub given_at: Timestamp,
    /// The case that made it.
    pub review: Uuid,
}

impl Attestation {
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.given_at <= now && self.terms.valid_until.is_none_or(|until| now < until)
    }
}

/// The newest of a kind that holds at a time.
pub fn in_force(
    all: &[Attestation],
    kind: AttestationKind,
    now: Timestamp,
) -> Option<&Attestation> {
    let fits = |one: &&Attestation| one.terms.kind == kind && one.holds_at(now);
    all.iter().filter(fits).max_by_key(|one| (one.given_at, one.id))
}

/// What tells one name and birth date from another, without telling them. It is not salted: whoever may read it
/// may read the record too.
pub fn name_sha256(player: &Player) -> [u8; 32] {
    let Player { full_name, given_name, family_name, date_of_birth, .. } = player;
    let born = date_of_birth.to_string();
    let named = serde_json::json!([full_name, given_name, family_name, born]);
    Sha256::digest(named.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::test_data;
    use time::macros::{date, datetime};

    const GIVEN: Timestamp = datetime!(2026-03-01 12:00 UTC);

    fn attestation(number: u128, hours: i64, until: Option<i64>) -> Attestation {
        let at = |hours: i64| GIVEN + time::Duration::hours(hours);
        let terms = AttestationTerms {
            kind: AttestationKind::SourceOfFunds,
            reference: "file 7".to_owned(),
            amount: None,
            valid_until: until.map(at),
        };
        let id = Uuid::from_u128(number);
        Attestation { id, terms, given_at: at(hours), review: Uuid::nil() }
    }

    #[test]
    fn the_newest_that_holds_is_in_force_from_its_day_until_its_end() {
        let all = [attestation(1, 0, None), attestation(2, 2, Some(4))];
        let found = |hours: i64| {
            let now = GIVEN + time::Duration::hours(hours);
            in_force(&all, AttestationKind::SourceOfFunds, now).map(|one| one.id.as_u128())
        };
        assert_eq!([-1, 0, 2, 3, 4].map(found), [None, Some(1), Some(2), Some(2), Some(1)]);
        assert_eq!(in_force(&all, AttestationKind::Affordability, GIVEN), None);
    }

    #[test]
    fn every_part_of_a_name_and_the_birth_date_make_another_and_nothing_else_does() {
        let known = Player { full_name: "Max Muster".to_owned(), ..test_data::player() };
        let name = |text: &str| Some(text.to_owned());
        let split =
            Player { given_name: name("Max"), family_name: name("Muster"), ..known.clone() };
        let shifted = Player { given_name: name("Max Muster"), family_name: None, ..known.clone() };
        let swapped = Player { given_name: None, family_name: name("Max Muster"), ..known.clone() };
        let full = Player { full_name: "Max Namesake".to_owned(), ..known.clone() };
        let born = Player { date_of_birth: date!(1901 - 01 - 01), ..known.clone() };
        let all = [&known, &split, &shifted, &swapped, &full, &born].map(name_sha256);
        let others: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(others.len(), all.len());
        let phone = Player { phone: name("+49 30 1234"), version: known.version + 1, ..known };
        assert_eq!(name_sha256(&phone), all[0]);
    }
}
