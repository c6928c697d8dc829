//! An account, card or address that other players of the operator have paid with or were paid to.
//!
//! The fact is how many they are, and never who: that is for people to look up. They are counted when
//! the payment is decided, of what was recorded by then; two players who first use one instrument in the
//! same moment may not see each other, and the next use of either sees both.

use crate::domain::Audience;
use crate::screening::facts::{Facts, Shared};
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Tighter, Words};

/// Parameter: `most` (how many other players may have used it; 0: it must be the player's alone).
#[derive(Debug)]
pub struct InstrumentShared {
    most: u32,
}

impl InstrumentShared {
    pub fn read(table: &Table<'_>) -> Self {
        Self { most: u32::try_from(table.number("most", 0, 99)).unwrap_or_default() }
    }
}

impl Check for InstrumentShared {
    fn kind(&self) -> &'static str {
        "instrument.shared"
    }

    fn operator(&self) -> &'static str {
        "<="
    }

    fn looks_for_others(&self) -> bool {
        true
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let threshold = format!("{} other players", self.most);
        vec![match facts.shared {
            None => Finding::error("was not looked for", threshold),
            Some(Shared::NotTold) => Finding::skipped("the instrument is not told"),
            Some(Shared::Others(others)) => {
                Finding::new(self.most < others, format!("{others} other players"), threshold)
            }
        }]
    }

    fn tighter(&self) -> &'static [(&'static str, Tighter)] {
        &[("most", Tighter::Lower)]
    }

    /// Whether somebody else plays here is nobody's to learn from us.
    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        Words::new(
            Audience::Compliance,
            "instrument.shared",
            format!(
                "others use this account, card or address too: {observed}, at most {threshold}"
            ),
            "find out whose it is and whether these are one person's accounts",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule_tests::Case;
    use crate::domain::{Instrument, OperatorId};
    use crate::screening::Checkpoint::{DepositPost, DepositPre, WithdrawalRequest};
    use crate::screening::background::End;
    use crate::screening::movement::Fingerprint;
    use crate::screening::rule::State::{Hit, NoHit, Skipped};
    use psp_contract::Portable;

    const RULE: &str = "id = \"instrument.shared\"\nmost = 1";

    fn account(iban: &str) -> Instrument {
        let portable =
            Portable::Iban { iban: iban.to_owned(), holder_name: "Test Person".to_owned() };
        Instrument { portable: Some(portable), ..Instrument::default() }
    }

    #[test]
    fn more_others_than_allowed_is_a_hit_on_the_way_in_and_out() {
        let account = account("DE89370400440532013000");
        let operator = OperatorId::trusted("op_demo");
        let print = Fingerprint::of(&operator, &account).expect("it has an identity");
        for (others, state) in [(0, NoHit), (1, NoHit), (2, Hit)] {
            let mut case = Case::new(RULE);
            case.background.others.insert(print, others);
            case.source = Some(account.clone());
            case.ends = vec![End::of(&operator, &account)];
            let observed = format!("{others} other players");
            let expected = [(state, &*observed, "1 other players")];
            case.check(DepositPost, 100, &expected);
            case.check(WithdrawalRequest, 100, &expected);
            case.check(DepositPre, 100, &[]);
        }
    }

    #[test]
    fn the_most_shared_of_several_destinations_counts() {
        let operator = OperatorId::trusted("op_demo");
        let mut case = Case::new(RULE);
        for (iban, others) in [("DE89370400440532013000", 0), ("DE89370400440532013001", 5)] {
            let end = End::of(&operator, &account(iban));
            case.background.others.insert(end.fingerprint.expect("an identity"), others);
            case.ends.push(end);
        }
        case.check(WithdrawalRequest, 100, &[(Hit, "5 other players", "1 other players")]);
    }

    #[test]
    fn an_instrument_that_nobody_told_is_not_looked_for() {
        let case = Case::new(RULE);
        case.check(DepositPost, 100, &[(Skipped, "the instrument is not told", "")]);
    }
}
