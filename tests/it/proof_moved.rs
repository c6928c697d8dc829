//! The proof of the books compares what PSPs moved, and what people corrected, with the rows that say so: takings-back,
//! wins, second payments, bounces, payouts that were paid twice, adjustments. Each thing is found by its own sentence.

use super::bounced_payouts::{
    WEBHOOK, by_hand, refused, said, send, sent, succeeded, surely_refused, taken, tell,
};
use super::cases::{adjustment, approve, open};
use super::harness::{World, eur};
use super::paid_twice::paid_by_both;
use super::proof::{broken, owner};
use interlock::book::{Adjustment, GameKind, Payment};
use interlock::decide::command::Source;
use interlock::domain::{AttemptStatus, PlayerKey};
use psp_contract::Status;
use std::collections::BTreeSet;

pub const PAID: &str = "every payout and return moved at its PSP what its attempts say";
const BROUGHT: &str = "every deposit brought to its PSP what it received, and what came besides";
const SAID: &str =
    "every taking-back of a deposit, and every dispute won, is posted by the record that says so";
const TAKEN: &str = "what was taken back of a deposit is what its attempt says, and no more of it was won than was taken";
const BORNE: &str = "suspense bears of every payout what its attempts moved beside its parts";
const AGREED: &str =
    "every entry of adjustments is what two people approved, once, or what had been forgiven";
const FORGIVEN: &str = "no more of debts goes to adjustments by itself than people had forgiven";

const DECIDED: &str = "what people sent back by hand of suspended money, said to be back, or wrote off, two of them approved, once";
const LOST: &str = "what was written off of a payout that was paid twice is what its attempts say";
const UNCLEAR: &str =
    "every payout that was paid twice and that suspense is not clear of is before people";
const ASKED: &str = "every deposit whose money is in suspense, or short there, is before people";

/// What is done to the rows, and the sentences that are broken then.
const CASES: &[(&str, &[&str])] = &[
    // Less came back than is posted; a payment that nobody posted; one at another PSP.
    (
        "update attempt set kept_news = 'booked back 8.99 EUR'
         where part_id is not null and status = 'returned'",
        &[PAID],
    ),
    (
        "update attempt set psp = 'other' where part_id is not null and status = 'succeeded' and number = 2",
        &[PAID],
    ),
    (
        "update attempt set status = 'declined' where number = 1 and payment_id in (
           select payment_id from entry where kind = 'payout_paid_twice')",
        &[PAID, BORNE],
    ),
    // A payment too many of a payout is another payout's.
    (
        "update entry set payment_id = (select payment_id from entry where kind = 'payout_returned' limit 1)
         where kind = 'payout_paid_twice' and account = 'suspense'",
        &[BORNE, UNCLEAR],
    ),
    ("update payment set received_amount = 701 where credited_amount = 700", &[BROUGHT]),
    ("update attempt set kept_news = replace(kept_news, 'booked came', 'came')", &[BROUGHT]),
    // A win is posted as if money had come once more; a step says nothing of a posting, or of none.
    (
        "update entry set kind = 'deposit_suspended'
         where kind = 'reversal_won' and account like 'psp%' and amount = -700",
        &[BROUGHT, SAID],
    ),
    ("update transition set cause = 'other' where cause = 'the dispute was won'", &[SAID]),
    ("update transition set cause = 'other' where cause = 'taken back' and subject = 'attempt'
        and subject_id in (select attempt_id from attempt where kept_news like 'booked came%')", &[SAID]),
    // Another sum was taken back than is posted; more was won than was taken.
    (
        "update attempt set kept_news = replace(kept_news, 'booked reversed 6.50', 'booked reversed 6.49')",
        &[TAKEN],
    ),
    (
        "update entry set kind = 'taken_beyond'
         where kind = 'deposit_reversed' and account like 'psp%' and amount = 700",
        &[TAKEN],
    ),
    // An adjustment of one person, of another sum, in another way, of no case, twice, by itself.
    ("delete from review_approval", &[AGREED, DECIDED]),
    (
        "update review_proposal set payload = replace(payload::text, ':5,', ':6,')::json",
        &[AGREED],
    ),
    (
        "update review_proposal set payload = replace(payload::text, '\"credit\"', '\"debit\"')::json",
        &[AGREED],
    ),
    ("update review set kind = 'attestation' where kind = 'manual_adjustment'", &[AGREED]),
    ("update review_proposal set payload = null, payload_sha256 = null", &[AGREED]),
    (
        "update entry set reference = 'rev_0' where kind = 'adjustment_credited' and account = 'adjustments'",
        &[AGREED],
    ),
    (
        "update entry e set reference = o.reference, operator_id = o.operator_id, player_id = o.player_id
         from entry o where e.kind = 'debt_written_off' and e.account = 'adjustments'
           and o.kind = 'adjustment_credited' and o.account = 'adjustments'",
        &[AGREED],
    ),
    (
        "update entry set reference = null, payment_id = (select payment_id from payment limit 1)
         where kind = 'adjustment_credited' and account = 'adjustments'",
        &[AGREED],
    ),
    ("delete from incident where kind = 'deposit.won_after_write_off'", &[AGREED]),
    (
        "update entry set kind = 'adjustment_credited'
         where kind = 'debt_written_off' and account = 'adjustments'",
        &[AGREED, FORGIVEN],
    ),
    // Sent back by hand by nobody's word; in suspense, and nobody is asked.
    (
        "update entry set kind = 'suspense_taken_back' where kind = 'suspense_sent_by_hand'",
        &[SAID, DECIDED],
    ),
    ("update review_proposal set outcome = 'return' where outcome = 'sent_by_hand'", &[DECIDED]),
    ("update review set is_open = false where kind = 'money_in'", &[ASKED]),
    // Written off, or said to be back, by nobody's word; another sum than is kept; short, and nobody is asked.
    ("update review_proposal set outcome = 'reject' where outcome = 'write_off'", &[DECIDED]),
    ("update review_proposal set outcome = 'reject' where outcome = 'given_back'", &[DECIDED]),
    ("update transition set cause = 'webhook' where cause = 'people' and to_status = 'returned'", &[DECIDED]),
    ("update attempt set kept_news = replace(kept_news, 'written off 9', 'written off 8')", &[LOST]),
    ("update review set is_open = false where kind = 'paid_twice'", &[UNCLEAR]),
];

const TABLES: [&str; 9] = [
    "entry",
    "payment",
    "part",
    "attempt",
    "transition",
    "incident",
    "review_approval",
    "review_proposal",
    "review",
];

async fn credited(world: &World, player: &PlayerKey, minor: i64) -> Payment {
    let deposit = world.deposit(player, eur(minor)).await;
    let money = eur(minor);
    tell(world, &deposit, (1, WEBHOOK), said(Status::Succeeded { money })).await
}

/// A deposit that was taken back and won; one that left a debt, which was forgiven before it was won.
async fn disputed(world: &World) {
    let player = world.player("DE").await;
    let deposit = credited(world, &player, 700).await;
    let reversed = |minor| said(Status::Reversed { money: eur(minor) });
    let back = |minor| said(Status::Succeeded { money: eur(minor) });
    tell(world, &deposit, (1, WEBHOOK), reversed(700)).await;
    let won = tell(world, &deposit, (1, WEBHOOK), back(700)).await;
    assert_eq!(won.status.as_str(), "succeeded");
    let player = world.player("DE").await;
    let deposit = credited(world, &player, 800).await;
    world.play(&player, GameKind::Stake, eur(800)).await;
    tell(world, &deposit, (1, WEBHOOK), reversed(800)).await;
    let case = open(world, &player, adjustment(Adjustment::WriteOff, 800), "ann").await;
    approve(world, &case, "bob").await.unwrap();
    tell(world, &deposit, (1, WEBHOOK), back(800)).await;
    assert_eq!(world.wallet(&player).await.cash, 0, "it was forgiven");
    let case = open(world, &player, adjustment(Adjustment::Credit, 5), "ann").await;
    approve(world, &case, "bob").await.unwrap();
}

/// Two PSPs were paid for one deposit, the second one other money.
async fn second_payment(world: &World) -> Payment {
    let player = world.player("DE").await;
    world.mocks.fault("trustly-de", "create_deposit", "timeout_after_accept", Some(1)).await;
    let deposit = world.deposit(&player, eur(900)).await;
    assert_eq!(deposit.attempts[0].status, AttemptStatus::Abandoned);
    tell(world, &deposit, (2, WEBHOOK), succeeded()).await;
    let second = said(Status::Succeeded { money: eur(650) });
    tell(world, &deposit, (1, Source::Inquiry), second).await
}

/// One of them is taken back, one was sent back by hand, and one waits.
async fn paid_in_twice(world: &World) {
    let deposit = second_payment(world).await;
    tell(world, &deposit, (1, WEBHOOK), said(Status::Reversed { money: eur(650) })).await;
    let kept = "select count(*) from attempt
                where kept_news like 'booked came 6.50 EUR%; booked reversed 6.50 EUR%'";
    assert_eq!(world.number(kept).await, 1);
    let deposit = second_payment(world).await;
    world.two_people_of(&deposit, "money_in", "sent_by_hand").await;
    second_payment(world).await;
}

/// A payout that bounced, and one that two PSPs paid.
async fn paid_out(world: &World) {
    let bounced = sent(world).await;
    tell(world, &bounced, (1, WEBHOOK), succeeded()).await;
    let back = said(Status::Returned { money: eur(900) });
    let bounced = tell(world, &bounced, (1, WEBHOOK), back).await;
    assert_eq!(bounced.status.as_str(), "returned");
    let twice = sent(world).await;
    tell(world, &twice, (1, Source::Call), taken()).await;
    let stuck = tell(world, &twice, (1, WEBHOOK), refused(false)).await;
    world.two_people(&stuck, "approve").await;
    let again = send(world, &stuck).await;
    tell(world, &again, (2, WEBHOOK), succeeded()).await;
    tell(world, &again, (1, WEBHOOK), succeeded()).await;
    assert_eq!(world.incidents("payout.paid_twice").await, 1);
    for outcome in ["given_back", "write_off"] {
        let both = paid_by_both(world).await;
        world.two_people_of(&both, "paid_twice", outcome).await;
    }
    let refused = sent(world).await;
    tell(world, &refused, (1, Source::Call), surely_refused()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moved_otherwise_than_its_rows_say_is_found() {
    let world = by_hand().await;
    disputed(&world).await;
    paid_in_twice(&world).await;
    paid_out(&world).await;
    assert_eq!(broken(&world).await, BTreeSet::new());
    for table in TABLES {
        owner(&world, &format!("alter table {table} disable trigger user")).await;
        owner(&world, &format!("create table kept_{table} as table {table}")).await;
    }
    // A proposal goes after its approvals, and is there before them.
    let gone = TABLES.map(|table| format!("delete from {table};")).concat();
    let again = TABLES.map(|table| format!("insert into {table} select * from kept_{table};"));
    let restore = gone + &again.into_iter().rev().collect::<String>();
    let mut wrong = Vec::new();
    for (sql, sentences) in CASES {
        owner(&world, sql).await;
        let (found, expected) = (broken(&world).await, sentences.iter().copied().collect());
        wrong.extend((found != expected).then(|| format!("{sql}: {found:?}")));
        owner(&world, &restore).await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(broken(&world).await, BTreeSet::new());
    world.leave_open();
}
