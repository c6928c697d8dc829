//! Money that was deposited and is taken out again with hardly any play: a wallet is no bank account.

use super::counting;
use crate::domain::{Audience, Currency, Money};
use crate::screening::aggregate::{Flow, Query, States};
use crate::screening::calendar::{Period, WINDOW_FORM, Window};
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, RuleResult, Tighter, Words};
use rust_decimal::Decimal;

/// Parameters: `window`, and `ratio` (a decimal in quotes: how often deposits must have been staked
/// before they leave, `"1.0"`).
///
/// What leaves of the deposits is the less of what came in within the window and what went out with this
/// withdrawal: winnings that are taken out ask for no play. Turnover is stakes less voids.
#[derive(Debug)]
pub struct MinimalPlay {
    window: Window,
    ratio: Decimal,
}

impl MinimalPlay {
    pub fn read(table: &Table<'_>) -> Self {
        for (key, what) in [("window", WINDOW_FORM), ("ratio", "a number in quotes, \"1.0\"")] {
            if !table.has(key) {
                table.fault(key, format!("is missing: {what}"));
            }
        }
        let window = table.opt_word("window", |text| text.parse().ok(), WINDOW_FORM);
        let most = Decimal::ONE_HUNDRED;
        let read = |text: &str| {
            let ratio: Option<Decimal> = text.parse().ok();
            ratio.filter(|ratio| Decimal::ZERO < *ratio && *ratio <= most && ratio.scale() <= 4)
        };
        let ratio = table.opt_word("ratio", read, "above 0, at most 100, with four decimals");
        Self {
            window: window.unwrap_or(Window::Running(Period::Month)),
            // A file that says none is refused anyway.
            ratio: ratio.unwrap_or(most),
        }
    }

    fn query(&self, flow: Flow) -> Query {
        // Deposits count when the money is in; withdrawals as soon as they are asked for, so that two
        // at once do not both go by the same play.
        let counted = States { reserved: false, counted: true, released: false };
        let states = if flow == Flow::Withdrawals { States::LIVE } else { counted };
        Query { flow, window: self.window, states, currency: Currency::EUR, band: None }
    }

    fn look(&self, facts: &Facts) -> Result<Finding, Finding> {
        let threshold = format!("{} times what leaves of the deposits", self.ratio);
        let sum = |flow: Flow| {
            let counted = counting::answer(facts, &self.query(flow), &threshold)?;
            let sum = counted.sum_with(facts);
            let sum = sum.map_err(|problem| Finding::error(problem, &*threshold))?;
            Ok::<_, Finding>((sum, counted.window.clone()))
        };
        let (deposited, window) = sum(Flow::Deposits)?;
        let (withdrawn, _) = sum(Flow::Withdrawals)?;
        let (played, _) = sum(Flow::Turnover)?;
        let leaves = Money::new(deposited.minor.min(withdrawn.minor), Currency::EUR);
        let needed = Decimal::from(leaves.minor).checked_mul(self.ratio);
        let needed =
            needed.ok_or_else(|| Finding::error("more than can be counted", &*threshold))?;
        let hit = 0 < leaves.minor && Decimal::from(played.minor) < needed;
        let observed = format!(
            "{window}: {deposited} deposited, {withdrawn} taken out with this one, {played} staked"
        );
        Ok(Finding::new(hit, observed, threshold))
    }
}

impl Check for MinimalPlay {
    fn kind(&self) -> &'static str {
        "minimal_play"
    }

    fn operator(&self) -> &'static str {
        ">="
    }

    fn queries(&self) -> Vec<Query> {
        [Flow::Deposits, Flow::Withdrawals, Flow::Turnover].map(|flow| self.query(flow)).to_vec()
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        vec![self.look(facts).unwrap_or_else(|error| error)]
    }

    fn tighter(&self) -> &'static [(&'static str, Tighter)] {
        &[("ratio", Tighter::Higher)]
    }

    /// Who knows how much play is enough plays just so much.
    fn words(&self, result: &RuleResult) -> Words {
        let RuleResult { observed, threshold, .. } = result;
        Words::new(
            Audience::Compliance,
            "minimal_play.too_little",
            format!(
                "deposits are taken out with too little play: {observed}, expected {threshold}"
            ),
            "find out why the money came in, then approve or reject the withdrawal",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule_tests::{Case, eur_turnover, hours};
    use crate::domain::{Currency, Direction};
    use crate::screening::Checkpoint::{DepositPre, WithdrawalRequest};
    use crate::screening::movement::Movement;
    use crate::screening::movement::UseState::{Counted, Released, Reserved};
    use crate::screening::rule::State::{self, Error, Hit, NoHit};
    use crate::screening::test_data::{NOW, deposited};

    const RULE: &str = "id = \"minimal_play\"\nwindow = \"30 days\"\nratio = \"0.5\"";
    const THRESHOLD: &str = "0.5 times what leaves of the deposits";

    fn withdrawn(number: u128, minor: i64) -> Movement {
        let direction = Direction::Withdrawal;
        Movement { direction, ..deposited(number, minor, NOW - hours(1), Reserved) }
    }

    #[track_caller]
    fn check(case: &Case, minor: i64, state: State, sums: [&str; 3]) {
        let [came, left, staked] = sums;
        let observed = format!(
            "of the last 30 days: {came} EUR deposited, {left} EUR taken out with this one, \
             {staked} EUR staked"
        );
        case.check(WithdrawalRequest, minor, &[(state, &observed, THRESHOLD)]);
    }

    #[test]
    fn what_leaves_of_the_deposits_must_have_been_staked_so_often() {
        let mut case = Case::new(RULE);
        case.movements = vec![
            deposited(1, 10_000, NOW - hours(2), Counted),
            deposited(2, 90_000, NOW - hours(2), Reserved),
            deposited(3, 90_000, NOW - hours(2), Released),
            deposited(4, 90_000, NOW - hours(24 * 30), Counted),
        ];
        case.background.turnover = eur_turnover(30, 4_999);
        check(&case, 10_000, Hit, ["100.00", "100.00", "49.99"]);
        // Half of what leaves was staked.
        check(&case, 9_998, NoHit, ["100.00", "99.98", "49.99"]);
        check(&case, 9_999, Hit, ["100.00", "99.99", "49.99"]);
        case.background.turnover = eur_turnover(30, 5_000);
        check(&case, 10_000, NoHit, ["100.00", "100.00", "50.00"]);
        // Winnings ask for no play beyond that of the deposits.
        check(&case, 1_000_000, NoHit, ["100.00", "10000.00", "50.00"]);
        // What is under way already leaves with it.
        case.background.turnover = eur_turnover(30, 3_000);
        check(&case, 5_000, NoHit, ["100.00", "50.00", "30.00"]);
        case.movements.push(withdrawn(5, 2_000));
        check(&case, 5_000, Hit, ["100.00", "70.00", "30.00"]);
        case.check(DepositPre, 100, &[]);
    }

    #[test]
    fn without_deposits_nothing_is_asked_and_what_was_not_counted_is_an_error() {
        let mut case = Case::new(RULE);
        case.background.turnover = eur_turnover(30, 0);
        check(&case, 10_000, NoHit, ["0.00", "100.00", "0.00"]);
        case.background.turnover.clear();
        case.check(WithdrawalRequest, 100, &[(Error, "was not counted", THRESHOLD)]);
        case.background.turnover = eur_turnover(30, 0);
        case.background.turnover[0].sums.insert(Currency::GBP, 5);
        let problem = "cannot be added up, no exchange rate from GBP to EUR";
        case.check(WithdrawalRequest, 100, &[(Error, problem, THRESHOLD)]);
    }

    #[test]
    fn other_currencies_are_rounded_down() {
        let mut case = Case::new(RULE);
        case.movements = vec![deposited(1, 100, NOW, Counted)];
        case.background.turnover = eur_turnover(30, 0);
        // 5.55 SEK are 0.4995 EUR.
        case.background.turnover[0].sums.insert(Currency::SEK, 555);
        check(&case, 100, Hit, ["1.00", "1.00", "0.49"]);
    }
}
