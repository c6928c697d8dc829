//! By when a withdrawal is to be at its end.
//!
//! It counts from the player's request, whoever is waited for since: players, vendors or officers. It never
//! stops, holds or releases money: it records the time, and a worker tells people of a withdrawal that gets
//! near it and of one that passes it.

use super::rfc3339;
use crate::domain::Audience;
use crate::screening::facts::Facts;
use crate::screening::file::Table;
use crate::screening::rule::{Check, Finding, PayBy, RuleResult, Tighter, Words};
use time::Duration;

/// The longest that a market may leave a withdrawal: a quarter of a year.
const WITHIN_S_MAX: i64 = 92 * 86_400;

#[derive(Debug)]
pub struct WithdrawalSla {
    within: Duration,
    /// So long before the end people are warned.
    warn_before: Duration,
}

impl WithdrawalSla {
    pub fn read(table: &Table<'_>) -> Self {
        let within_s = table.number("within_s", 60, WITHIN_S_MAX);
        let warn_before_s = table.number("warn_before_s", 0, WITHIN_S_MAX);
        if within_s <= warn_before_s {
            table.fault(
                "warn_before_s",
                "must be less than within_s: the warning comes before the end",
            );
        }
        let (within, warn_before) = (Duration::seconds(within_s), Duration::seconds(warn_before_s));
        Self { within, warn_before }
    }
}

impl Check for WithdrawalSla {
    fn kind(&self) -> &'static str {
        "withdrawal.sla"
    }

    fn operator(&self) -> &'static str {
        "<="
    }

    fn find(&self, facts: &Facts) -> Vec<Finding> {
        let Some(PayBy { asked_at, deadline_at, .. }) = self.pay_by(facts) else {
            return Vec::new();
        };
        let observed =
            format!("asked for at {}, to be paid by {}", rfc3339(asked_at), rfc3339(deadline_at));
        let threshold = format!("{} s from the request", self.within.whole_seconds());
        vec![Finding::new(false, observed, threshold)]
    }

    fn words(&self, result: &RuleResult) -> Words {
        Words::new(
            Audience::Operator,
            "withdrawal.sla",
            format!("the withdrawal is to be paid in time: {}", result.observed),
            "nothing needs to be done while it is in time",
        )
    }

    fn pay_by(&self, facts: &Facts) -> Option<PayBy> {
        let asked_at = facts.asked_at.unwrap_or(facts.screened_at);
        let deadline_at = asked_at.saturating_add(self.within);
        let warn_at = deadline_at.saturating_sub(self.warn_before);
        Some(PayBy { asked_at, warn_at, deadline_at })
    }

    fn tighter(&self) -> &'static [(&'static str, Tighter)] {
        &[("within_s", Tighter::Lower), ("warn_before_s", Tighter::Higher)]
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule_tests::{Case, policy};
    use super::*;
    use crate::domain::{Origin, Timestamp};
    use crate::screening::file;
    use crate::screening::rule::State;
    use crate::screening::test_data::{NOW, POLICY};
    use crate::screening::{Checkpoint, Outcome, engine};

    const RULE: &str = "id = \"withdrawal.sla\"\nwithin_s = 7200\nwarn_before_s = 1800";
    const AT: [Checkpoint; 2] = [Checkpoint::WithdrawalRequest, Checkpoint::WithdrawalPrePayout];

    fn after(minutes: i64) -> Timestamp {
        NOW + Duration::minutes(minutes)
    }

    #[test]
    fn the_time_runs_from_the_request_wherever_it_is_screened_again() {
        let mut case = Case::new(RULE);
        let observed = "asked for at 2026-03-10T12:00:00Z, to be paid by 2026-03-10T14:00:00Z";
        let found = [(State::NoHit, observed, "7200 s from the request")];
        case.check(Checkpoint::WithdrawalRequest, 100, &found);
        case.now = after(50);
        case.asked_at = Some(NOW);
        for checkpoint in AT {
            case.check(checkpoint, 100, &found);
            let facts = case.facts(checkpoint, 100, None);
            let policy = case.policies.all().first();
            let promise = engine::pay_by(policy, &facts).unwrap();
            let expected = PayBy { asked_at: NOW, warn_at: after(90), deadline_at: after(120) };
            assert_eq!(promise.pay_by, expected, "{checkpoint:?}");
        }
        case.check(Checkpoint::DepositPre, 100, &[]);
    }

    #[test]
    fn it_never_stops_money_not_even_past_the_end() {
        let mut case = Case::new(RULE);
        case.asked_at = Some(NOW);
        let before = case.screened(Checkpoint::WithdrawalPrePayout, 100, None);
        case.now = after(10_000);
        let after = case.screened(Checkpoint::WithdrawalPrePayout, 100, None);
        assert_eq!((before.outcome, after.outcome), (Outcome::Approve, Outcome::Approve));
    }

    #[test]
    fn a_rule_on_trial_and_a_return_promise_nothing_and_keep_no_time() {
        let mut case = Case::new(RULE);
        case.asked_at = Some(NOW);
        let mut facts = case.facts(Checkpoint::WithdrawalPrePayout, 100, None);
        assert_eq!(facts.asked_at, Some(NOW));
        assert!(engine::pay_by(case.policies.all().first(), &facts).is_some());
        facts.recorded_only = vec!["withdrawal".to_owned()];
        assert_eq!(engine::pay_by(case.policies.all().first(), &facts), None);
        facts.recorded_only.clear();
        facts.payment.as_mut().unwrap().origin = Origin::Return;
        assert_eq!(engine::pay_by(case.policies.all().first(), &facts), None);
        // Where no rule asks for it the time is no fact: decisions of before come out to the byte.
        let mut other = Case::new("id = \"more\"\nkind = \"dual_approval\"\nfrom_eur = \"1.00\"");
        other.asked_at = Some(NOW);
        assert_eq!(other.facts(Checkpoint::WithdrawalPrePayout, 100, None).asked_at, None);
    }

    #[test]
    fn a_warning_that_would_come_after_the_end_is_a_fault() {
        let rule = RULE.replace("1800", "7200");
        let text = format!(
            "{POLICY}\n[[rules]]\n{rule}\neffect = \"review\"\nsource = \"test\"\n\
             source_date = \"2026-01-01\"\n"
        );
        let faults = file::read("2026-01.toml", &text).unwrap_err();
        assert!(faults.iter().any(|fault| fault.message.contains("warn_before_s")), "{faults:?}");
        assert_eq!(policy(RULE).rules.last().unwrap().at, AT);
    }
}
