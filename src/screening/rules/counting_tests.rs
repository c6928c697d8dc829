//! The rules that count, each near its threshold from both sides.

use super::rule_tests::{Case, hours, vouched};
use crate::domain::{Currency, Direction, Money};
use crate::domain::{Kyc, KycStatus};
use crate::screening::attestation::AttestationKind;
use crate::screening::calendar::Period;
use crate::screening::movement::{Fingerprint, Movement, UseState};
use crate::screening::rule::State;
use crate::screening::test_data::{NOW, deposited, limit};
use crate::screening::{Checkpoint, engine};
use time::macros::{date, datetime};

use Checkpoint::{DepositPost, DepositPre, WithdrawalRequest};
use State::{Hit, NoHit};
use UseState::{Counted, Released, Reserved};

#[test]
fn velocity_counts_payments_of_the_chosen_states_with_this_one() {
    let rule = "id = \"velocity.count\"\nflow = \"deposits\"\nwindow = \"1 hours\"\nmost = 2";
    let mut case = Case::new(rule);
    case.movements = vec![
        deposited(1, 100, NOW - hours(1), Counted),
        deposited(2, 100, NOW, Counted),
        deposited(3, 100, NOW, Released),
    ];
    let text = "deposits of the last hour with this one: 2";
    case.check(DepositPre, 100, &[(NoHit, text, "2 payments")]);
    case.movements.push(deposited(4, 100, NOW, Reserved));
    let text = "deposits of the last hour with this one: 3";
    case.check(DepositPre, 100, &[(Hit, text, "2 payments")]);
    case.check(WithdrawalRequest, 100, &[]);

    let tries = format!("{rule}\nstates = [\"reserved\", \"counted\", \"released\"]");
    let case = Case { movements: case.movements[1..3].to_vec(), ..Case::new(&tries) };
    case.check(DepositPre, 100, &[(Hit, text, "2 payments")]);
}

#[test]
fn velocity_adds_up_to_the_cent() {
    let rule = "id = \"velocity.sum\"\nflow = \"either\"\nwindow = \"calendar day\"\n\
                most_eur = \"100.00\"";
    let mut case = Case::new(rule);
    case.movements = vec![
        // The evening before in Stockholm.
        deposited(1, 9_999, datetime!(2026-03-09 22:59 UTC), Counted),
        deposited(2, 4_000, datetime!(2026-03-09 23:00 UTC), Counted),
    ];
    let words = "deposits and withdrawals since 2026-03-10 00:00 Europe/Stockholm with this one";
    for (checkpoint, minor, state, sum) in [
        (DepositPre, 6_000, NoHit, "100.00 EUR"),
        (WithdrawalRequest, 6_000, NoHit, "100.00 EUR"),
        (DepositPre, 6_001, Hit, "100.01 EUR"),
    ] {
        case.check(checkpoint, minor, &[(state, &format!("{words}: {sum}"), "100.00 EUR")]);
    }
}

#[test]
fn velocity_tells_instruments_apart_with_that_of_the_deposit_which_is_paid() {
    let rule = "id = \"velocity.instruments\"\nflow = \"deposits\"\nwindow = \"30 days\"\n\
                most = 2";
    let mut case = Case::new(rule);
    let by = |number: u128, instrument: u8| Movement {
        instrument: Some(Fingerprint([instrument; 16])),
        ..deposited(number, 100, NOW - hours(2), Counted)
    };
    case.movements = vec![by(1, 1), by(2, 2), by(3, 1)];
    let own = by(9, 2);
    case.movements.push(own);
    let text = "deposits of the last 30 days with this one: 2 instruments";
    case.check_own(DepositPost, 100, Some(own.payment), &[(NoHit, text, "2 instruments")]);
    let other = by(10, 3);
    case.movements.push(other);
    let text = "deposits of the last 30 days with this one: 3 instruments";
    case.check_own(DepositPost, 100, Some(other.payment), &[(Hit, text, "2 instruments")]);
    case.check(DepositPre, 100, &[]);
}

#[test]
fn structuring_sees_amounts_just_below_a_threshold_and_what_crosses_it_in_parts() {
    let rule = "id = \"structuring\"\nflow = \"deposits\"\nwindow = \"7 days\"\n\
                below_eur = \"2000.00\"\nmargin_percent = 10\ntimes = 3\nby_parts = true";
    let mut case = Case::new(rule);
    let near = "3 of 1800.00 EUR to below 2000.00 EUR";
    let words = |count: u32, sum: &str, parts: u32| {
        let head = "deposits of the last 7 days with this one";
        (
            format!("{head}: {count} of 1800.00 EUR to below 2000.00 EUR"),
            format!("{head}: {sum} in {parts} parts"),
        )
    };
    // One of 1,999.99 is no pattern; one of 2,000.00 is above, and no part.
    case.movements = vec![deposited(1, 200_000, NOW, Counted)];
    let (repeated, parts) = words(1, "1999.99 EUR", 1);
    let fine = [(NoHit, &*repeated, near), (NoHit, &*parts, "2000.00 EUR")];
    case.check(DepositPre, 199_999, &fine);
    // 1,800.00 is near, 1,799.99 is not; together they cross it.
    case.movements = vec![deposited(1, 180_000, NOW, Counted), deposited(2, 179_999, NOW, Counted)];
    let (repeated, parts) = words(2, "5599.98 EUR", 3);
    let crossed = [(NoHit, &*repeated, near), (Hit, &*parts, "2000.00 EUR")];
    case.check(DepositPre, 199_999, &crossed);
    case.movements[1].money.minor += 1;
    let (repeated, parts) = words(3, "5599.99 EUR", 3);
    let both = [(Hit, &*repeated, near), (Hit, &*parts, "2000.00 EUR")];
    case.check(DepositPre, 199_999, &both);
}

#[test]
fn affordability_is_asked_from_a_lower_sum_on_of_the_young() {
    let rule = "id = \"affordability\"\nflow = \"net\"\nwindow = \"calendar month\"\n\
                most_eur = \"700.00\"\nyoung_below_age = 24\nyoung_most_eur = \"300.00\"";
    let mut case = Case::new(rule);
    let back = Movement { direction: Direction::Withdrawal, ..deposited(2, 20_000, NOW, Counted) };
    case.movements = vec![deposited(1, 80_000, NOW, Counted), back];
    let words = "net deposits since 2026-03-01 00:00 Europe/Stockholm with this one";
    let text = |sum: &str| format!("{words}: {sum}");
    case.check(DepositPre, 10_000, &[(NoHit, &text("700.00 EUR"), "700.00 EUR")]);
    case.check(DepositPre, 10_001, &[(Hit, &text("700.01 EUR"), "700.00 EUR")]);
    case.player.date_of_birth = date!(2002 - 03 - 11);
    let young = "300.00 EUR below 24 years";
    case.check(DepositPre, 1, &[(Hit, &text("600.01 EUR"), young)]);
    case.movements.pop();
    case.movements[0].money.minor = 20_000;
    case.check(DepositPre, 10_000, &[(NoHit, &text("300.00 EUR"), young)]);
    case.player.date_of_birth = date!(2002 - 03 - 10);
    case.check(DepositPre, 10_001, &[(NoHit, &text("300.01 EUR"), "700.00 EUR")]);
}

#[test]
fn due_diligence_is_due_when_the_sum_reaches_the_threshold_unless_the_player_is_known_so_well() {
    let rule = "id = \"cdd.threshold\"\nflow = \"deposits\"\nwindow = \"180 days\"\n\
                from_eur = \"2000.00\"\nlevel = 3";
    let mut case = Case::new(rule);
    case.movements = vec![
        deposited(1, 150_000, NOW - hours(24 * 179), Counted),
        deposited(2, 90_000, NOW - hours(24 * 180), Counted),
    ];
    let threshold = "2000.00 EUR unless verified to level 3";
    let text = |sum: &str, level: i16| {
        format!("deposits of the last 180 days with this one: {sum}, verified to level {level}")
    };
    case.check(DepositPre, 49_999, &[(NoHit, &text("1999.99 EUR", 2), threshold)]);
    case.check(DepositPre, 50_000, &[(Hit, &text("2000.00 EUR", 2), threshold)]);
    // A withdrawal adds nothing to deposits, and is asked all the same.
    case.check(WithdrawalRequest, 50_000, &[(NoHit, &text("1500.00 EUR", 2), threshold)]);
    case.player.kyc = Kyc { status: KycStatus::Verified, level: 3, verified_at: None };
    case.check(DepositPre, 50_000, &[(NoHit, &text("2000.00 EUR", 3), threshold)]);
    case.player.kyc.status = KycStatus::Rejected;
    case.check(DepositPre, 50_000, &[(Hit, &text("2000.00 EUR", 0), threshold)]);
}

#[test]
fn where_limits_are_required_each_must_be_set() {
    let rule = "id = \"limit.required\"\nperiods = [\"day\", \"week\", \"month\"]";
    let mut case = Case::new(rule);
    case.check(DepositPre, 100, &[(Hit, "none", "day, week, month")]);
    for (period, state, set) in [
        (Period::Day, Hit, "day"),
        (Period::Month, Hit, "day, month"),
        (Period::Week, NoHit, "day, week, month"),
    ] {
        case.limits.push(limit(period, 100_000, Currency::EUR));
        case.check(DepositPre, 100, &[(state, set, "day, week, month")]);
    }
    case.check(WithdrawalRequest, 100, &[]);
}

#[test]
fn what_was_not_counted_and_what_cannot_be_added_up_is_never_harmless() {
    let rule = "id = \"cdd.threshold\"\nflow = \"deposits\"\nwindow = \"180 days\"\n\
                from_eur = \"2000.00\"\nlevel = 3";
    let mut case = Case::new(rule);
    let threshold = "2000.00 EUR unless verified to level 3";
    let mut facts = case.facts(DepositPre, 100, None);
    facts.counted.clear();
    let screening = engine::screen(&case.policies, &facts);
    let result = screening.rules.last().expect("the rule ran");
    assert_eq!((result.state, result.is_hit()), (State::Error, true));
    assert_eq!(result.observed, "was not counted");
    let pounds = Movement { money: Money::new(1, Currency::GBP), ..deposited(1, 1, NOW, Counted) };
    case.movements = vec![pounds];
    let text = "cannot be added up, no exchange rate from GBP to EUR";
    case.check(DepositPre, 100, &[(State::Error, text, threshold)]);
}

#[test]
fn what_two_people_vouch_for_lifts_a_finding_up_to_its_amount_and_until_its_end() {
    let rule = "id = \"affordability\"\nflow = \"deposits\"\nwindow = \"30 days\"\n\
                most_eur = \"100.00\"";
    let text = "deposits of the last 30 days with this one: 100.01 EUR";
    let id = "affordability 00000000-0000-0000-0000-000000000001";
    let mut case = Case::new(rule);
    let kind = AttestationKind::Affordability;
    // 111,122 öre are 100.0098 EUR: a cent too little.
    for (minor, currency, state, end) in [
        (10_001, Currency::EUR, NoHit, ""),
        (10_000, Currency::EUR, Hit, " up to 100.00 EUR only"),
        (111_123, Currency::SEK, NoHit, ""),
        (111_122, Currency::SEK, Hit, " up to 1111.22 SEK only"),
        (1_000_000, Currency::GBP, Hit, " up to 10000.00 GBP only"),
    ] {
        let amount = Some(Money::new(minor, currency));
        case.background.attestations = vec![vouched(1, kind, amount, NOW)];
        case.check(DepositPre, 10_001, &[(state, &format!("{text}; {id}{end}"), "100.00 EUR")]);
    }
    let mut ends = vouched(1, kind, None, NOW);
    ends.terms.valid_until = Some(NOW + hours(1));
    case.background.attestations = vec![ends];
    case.check(DepositPre, 10_001, &[(NoHit, &format!("{text}; {id}"), "100.00 EUR")]);
    case.now = NOW + hours(1);
    case.check(DepositPre, 10_001, &[(Hit, text, "100.00 EUR")]);
    // Nor before it was given.
    case.now = NOW;
    case.background.attestations = vec![vouched(1, kind, None, NOW + hours(1))];
    case.check(DepositPre, 10_001, &[(Hit, text, "100.00 EUR")]);
}

#[test]
fn the_newest_of_a_kind_counts_and_a_policy_says_which_kinds_lift() {
    let rule = "id = \"cdd.threshold\"\nflow = \"deposits\"\nwindow = \"180 days\"\n\
                from_eur = \"100.00\"\nlevel = 3";
    let text = "deposits of the last 180 days with this one: 100.00 EUR, verified to level 2";
    let threshold = "100.00 EUR unless verified to level 3";
    let (edd, funds) = (AttestationKind::EnhancedDueDiligence, AttestationKind::SourceOfFunds);
    let mut case = Case::new(rule);
    let small = Some(Money::new(1, Currency::EUR));
    case.background.attestations =
        vec![vouched(1, edd, None, NOW - hours(2)), vouched(2, edd, small, NOW - hours(1))];
    let id = "00000000-0000-0000-0000-000000000002";
    let short = format!("{text}; enhanced_due_diligence {id} up to 0.01 EUR only");
    case.check(DepositPre, 10_000, &[(Hit, &short, threshold)]);
    case.background.attestations = vec![vouched(2, funds, None, NOW)];
    case.check(DepositPre, 10_000, &[(Hit, text, threshold)]);
    let both = format!("{rule}\nlifted_by = [\"enhanced_due_diligence\", \"source_of_funds\"]");
    let mut case = Case { background: case.background, ..Case::new(&both) };
    case.check(DepositPre, 10_000, &[(NoHit, &format!("{text}; source_of_funds {id}"), threshold)]);
    case.background.attestations.clear();
    let none =
        Case { background: case.background, ..Case::new(&format!("{rule}\nlifted_by = []")) };
    none.check(DepositPre, 10_000, &[(Hit, text, threshold)]);
}
