use super::*;
use crate::payments::test_data::capabilities;
use time::macros::datetime;

const SENT: Timestamp = datetime!(2026-03-01 12:00 UTC);

fn facts(subject: Subject) -> AttemptFacts<'static> {
    AttemptFacts {
        subject,
        status: AttemptStatus::Unknown,
        psp_reference: None,
        was_accepted: false,
        first_sent_at: SENT,
        over_since: SENT,
        inquiries: 0,
        last_inquiry_at: None,
        last_ledger_at: None,
        misses: 0,
        first_missed_at: None,
        last_missed_at: None,
        word_is_out: false,
        people_asked: false,
        may_be_paid: false,
    }
}

fn after(secs: u64) -> Timestamp {
    SENT + Duration::from_secs(secs)
}

fn psp(ours: bool, theirs: bool, ledger: bool, replay: KeyReplay) -> Capabilities {
    let mut capabilities = capabilities(false);
    let Capabilities { deposit_inquiry, payout_inquiry, return_inquiry, .. } = &mut capabilities;
    for inquiry in [deposit_inquiry, payout_inquiry, return_inquiry] {
        inquiry.by_our_reference = ours;
        inquiry.by_psp_reference = theirs;
        inquiry.by_ledger = ledger;
    }
    capabilities.idempotency.replay = replay;
    capabilities
}

#[test]
fn the_first_possible_means_is_chosen() {
    use KeyReplay::{DuplicateError, SameAnswer};
    let unknown = facts(Subject::Payout);
    let with_id = AttemptFacts { psp_reference: Some("psp-1"), ..unknown };
    let check = |facts: &AttemptFacts<'_>, capabilities: &Capabilities, expected: Means| {
        assert_eq!(choose(facts, capabilities, after(10)), expected);
    };
    let all = psp(true, true, true, SameAnswer);
    check(&with_id, &all, Means::Inquire(InquiryBy::OurReference));
    let theirs = psp(false, true, true, SameAnswer);
    let by_id = InquiryBy::PspReference("psp-1".to_owned());
    check(&with_id, &theirs, Means::Inquire(by_id));
    check(&unknown, &theirs, Means::Inquire(InquiryBy::Ledger));
    let replays = psp(false, true, false, SameAnswer);
    check(&unknown, &replays, Means::Replay);
    let deaf = psp(false, false, false, DuplicateError);
    check(&unknown, &deaf, Means::AwaitNews);
}

/// A PSP may list its payouts and not its refunds: what is sent back there is sent again instead.
#[test]
fn a_return_is_asked_about_as_returns_can_be() {
    let mut capabilities = psp(true, true, false, KeyReplay::SameAnswer);
    capabilities.return_inquiry = InquiryCapability::NONE;
    let means = |subject| choose(&facts(subject), &capabilities, after(10));
    assert_eq!(means(Subject::Payout), Means::Inquire(InquiryBy::OurReference));
    assert_eq!(means(Subject::Return), Means::Replay);
}

#[test]
fn a_replay_is_offered_only_while_the_key_surely_lives() {
    let capabilities = psp(false, false, false, KeyReplay::SameAnswer);
    let unknown = facts(Subject::Payout);
    let last = 5 * 3600 - 1;
    assert_eq!(choose(&unknown, &capabilities, after(last)), Means::Replay);
    assert_ne!(choose(&unknown, &capabilities, after(last + 1)), Means::Replay);
    let accepted = AttemptFacts { status: AttemptStatus::Accepted, ..unknown };
    assert_eq!(choose(&accepted, &capabilities, after(60)), Means::AwaitNews);
}

#[test]
fn the_ladder_is_climbed_rung_by_rung_then_hourly_then_daily() {
    let capabilities = psp(true, false, false, KeyReplay::DuplicateError);
    let mut unknown = facts(Subject::Payout);
    let mut at = SENT;
    let mut waits = Vec::new();
    for inquiries in 0..100 {
        unknown.inquiries = inquiries;
        let due = next_due(&unknown, &capabilities, at);
        waits.push((due - at).whole_seconds());
        at = due;
        unknown.last_inquiry_at = Some(at);
    }
    assert_eq!(waits[..10], [2, 5, 10, 30, 60, 120, 300, 900, 3600, 3600]);
    let hourly = waits.iter().filter(|wait| **wait == 3600).count();
    assert_eq!(hourly, 72);
    assert_eq!(waits.last(), Some(&86_400));
}

/// The webhook of a refund may be days away, and a question about it cannot be put.
#[test]
fn what_nobody_can_be_asked_about_is_looked_at_when_there_is_something_to_do() {
    const HOUR_S: u64 = 3_600;
    let mut deaf = psp(true, true, true, KeyReplay::DuplicateError);
    deaf.return_inquiry = InquiryCapability::NONE;
    let accepted = AttemptFacts { status: AttemptStatus::Accepted, ..facts(Subject::Return) };
    let declined = AttemptFacts { status: AttemptStatus::Declined, was_accepted: true, ..accepted };
    let check = |facts: &AttemptFacts<'_>, at: u64, next: u64| {
        assert_eq!(next_due(facts, &deaf, after(at)), after(next), "{facts:?} at {at}");
    };
    for about in [accepted, declined] {
        check(&about, 1, 1 + HOUR_S);
        check(&about, HOUR_S, 2 * HOUR_S);
        check(&about, 100 * HOUR_S, 124 * HOUR_S);
    }
    check(&accepted, 72 * HOUR_S - 60, 72 * HOUR_S);
    // A case may be open for something else: that it takes too long is told in time all the same.
    let asked = AttemptFacts { people_asked: true, ..accepted };
    check(&asked, 72 * HOUR_S - 60, 72 * HOUR_S);
    check(&asked, 72 * HOUR_S, 96 * HOUR_S);
    let unknown = facts(Subject::Return);
    check(&unknown, 60, HOUR_S);
    // Control: what can be asked about is asked about on its ladder.
    assert_eq!(next_due(&facts(Subject::Payout), &deaf, after(1)), after(2));
}

#[test]
fn the_psps_own_interval_is_never_undercut() {
    let capabilities = psp(true, true, false, KeyReplay::SameAnswer);
    let mut unknown = facts(Subject::Deposit);
    unknown.inquiries = 1;
    unknown.last_inquiry_at = Some(after(2));
    assert_eq!(next_due(&unknown, &capabilities, after(2)), after(7));
    let ask = Means::Inquire(InquiryBy::OurReference);
    assert_ne!(choose(&unknown, &capabilities, after(6)), ask);
    assert_eq!(choose(&unknown, &capabilities, after(7)), ask);

    let ledger = psp(false, false, true, KeyReplay::DuplicateError);
    unknown.last_ledger_at = Some(after(2));
    assert_eq!(next_due(&unknown, &ledger, after(2)), after(902));
    assert_eq!(choose(&unknown, &ledger, after(901)), Means::AwaitNews);
    let read = Means::Inquire(InquiryBy::Ledger);
    assert_eq!(choose(&unknown, &ledger, after(902)), read);
}

#[test]
fn an_accepted_attempt_is_asked_about_more_calmly() {
    let capabilities = psp(true, true, false, KeyReplay::SameAnswer);
    let accepted = AttemptFacts { status: AttemptStatus::Accepted, ..facts(Subject::Deposit) };
    assert_eq!(next_due(&accepted, &capabilities, SENT), after(30));
    assert_eq!(next_due(&accepted, &capabilities, after(90)), after(90));
}

#[test]
fn a_deposit_is_absent_after_three_misses_over_fifteen_minutes_past_the_quiet_time() {
    let capabilities = capabilities(false);
    let missed = |misses, first, last| AttemptFacts {
        misses,
        first_missed_at: Some(after(first)),
        last_missed_at: Some(after(last)),
        ..facts(Subject::Deposit)
    };
    assert!(absence_is_proven(&missed(3, 100, 1000), &capabilities));
    assert!(!absence_is_proven(&missed(2, 100, 1000), &capabilities));
    assert!(!absence_is_proven(&missed(3, 100, 999), &capabilities));
    // Misses of the first minute prove nothing: this PSP may not list the payment yet.
    assert!(!absence_is_proven(&missed(9, 2, 959), &capabilities));
    assert!(absence_is_proven(&missed(9, 2, 960), &capabilities));
    assert!(!absence_is_proven(&facts(Subject::Deposit), &capabilities));
}

#[test]
fn who_gave_us_an_id_or_cannot_be_asked_by_ours_is_never_believed_absent() {
    let missed = AttemptFacts {
        misses: 50,
        first_missed_at: Some(after(100)),
        last_missed_at: Some(after(90_000)),
        ..facts(Subject::Deposit)
    };
    let asked = capabilities(false);
    assert!(absence_is_proven(&missed, &asked));
    let ledger = psp(false, true, true, KeyReplay::SameAnswer);
    assert!(!absence_is_proven(&missed, &ledger));
    let known = AttemptFacts { psp_reference: Some("psp-1"), ..missed };
    assert!(!absence_is_proven(&known, &asked));
    let accepted = AttemptFacts { status: AttemptStatus::Accepted, ..missed };
    assert!(!absence_is_proven(&accepted, &asked));
}

#[test]
fn a_payout_is_never_believed_absent_and_goes_to_two_people_after_a_day() {
    let capabilities = capabilities(false);
    let day = 24 * 3600;
    for subject in [Subject::Payout, Subject::Return] {
        let mut missed = AttemptFacts {
            misses: 40,
            first_missed_at: Some(after(2)),
            last_missed_at: Some(after(day + 10)),
            ..facts(subject)
        };
        let ask = Means::Inquire(InquiryBy::OurReference);
        assert!(!absence_is_proven(&missed, &capabilities));
        assert_eq!(choose(&missed, &capabilities, after(day + 1)), ask);
        assert_eq!(choose(&missed, &capabilities, after(day + 2)), Means::AskPeople);
        // While they think we go on asking.
        missed.people_asked = true;
        assert_eq!(choose(&missed, &capabilities, after(day + 20)), ask);
    }
}

#[test]
fn people_are_paged_early_and_asked_at_once_where_nobody_else_can_be() {
    let deaf = psp(false, false, false, KeyReplay::DuplicateError);
    let check = |subject, secs| {
        let unknown = facts(subject);
        assert!(!page_is_due(&unknown, after(secs - 1)));
        assert!(page_is_due(&unknown, after(secs)));
        assert_eq!(choose(&unknown, &deaf, after(secs - 1)), Means::AwaitNews);
        assert_eq!(choose(&unknown, &deaf, after(secs)), Means::AskPeople);
    };
    check(Subject::Deposit, 15 * 60);
    check(Subject::Payout, 60 * 60);
}

#[test]
fn people_are_shown_a_payout_that_its_psp_never_ends() {
    let days = 3 * 24 * 60 * 60;
    let accepted = AttemptFacts {
        status: AttemptStatus::Accepted,
        was_accepted: true,
        ..facts(Subject::Payout)
    };
    assert!(!page_is_due(&accepted, after(days - 1)));
    assert!(page_is_due(&accepted, after(days)));
    // A deposit ends with its session, and what is over needs nobody.
    assert!(!page_is_due(&AttemptFacts { subject: Subject::Deposit, ..accepted }, after(days)));
    let declined = AttemptFacts { status: AttemptStatus::Declined, ..accepted };
    assert!(!page_is_due(&declined, after(days)));
}

#[test]
fn a_payout_refused_after_it_was_taken_is_asked_about_for_a_fortnight() {
    let capabilities = psp(true, false, false, KeyReplay::SameAnswer);
    let refused = AttemptFacts {
        status: AttemptStatus::Declined,
        was_accepted: true,
        ..facts(Subject::Payout)
    };
    let fortnight = 14 * 24 * 60 * 60;
    let asked = |facts: &AttemptFacts<'_>, secs| is_asked_about(facts, &capabilities, after(secs));
    assert!(asked(&refused, fortnight - 1) && !asked(&refused, fortnight));
    assert_eq!(choose(&refused, &capabilities, after(60)), Means::Inquire(InquiryBy::OurReference));
    // It is asked about, and never sent again.
    let deaf = psp(false, false, false, KeyReplay::SameAnswer);
    assert_eq!(choose(&refused, &deaf, after(60)), Means::AwaitNews);
    // What was refused at once was never taken, and a deposit's late success is its PSP's to tell.
    let at_once = AttemptFacts { was_accepted: false, ..refused };
    assert!(!asked(&at_once, 60));
    assert!(!asked(&AttemptFacts { subject: Subject::Deposit, ..refused }, 60));
    // What people found unpaid may be there all the same; what surely never left is not.
    let unsent = AttemptFacts { status: AttemptStatus::NotSent, ..at_once };
    let found = AttemptFacts { may_be_paid: true, people_asked: true, ..unsent };
    assert!(!asked(&unsent, 60) && asked(&found, 60) && !asked(&found, fortnight));
    assert_eq!(choose(&found, &deaf, after(60)), Means::AwaitNews);
}

#[test]
fn an_abandoned_attempt_is_asked_about_until_its_session_is_over() {
    let capabilities = capabilities(true);
    let abandoned = AttemptFacts { status: AttemptStatus::Abandoned, ..facts(Subject::Deposit) };
    assert!(is_asked_about(&abandoned, &capabilities, after(1799)));
    assert!(!is_asked_about(&abandoned, &capabilities, after(1800)));
    let unknown = facts(Subject::Deposit);
    assert!(is_asked_about(&unknown, &capabilities, after(1_000_000)));
}
