//! Time passes until every payment is over or waits for people.

use super::stage::{Cell, Stage, tried};
use super::truth::{contradictions, ours, theirs};
use interlock::book::Payment;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The steps of the clock: as long as the ladders of questions are, and a fortnight.
const STEPS: [(usize, Duration); 4] = [
    (6, MINUTE),
    (8, Duration::from_secs(20 * 60)),
    (8, Duration::from_secs(4 * 60 * 60)),
    (14, DAY),
];
/// How long workers, PSPs and their webhooks have between two steps.
const LOOK_BETWEEN: Duration = Duration::from_millis(400);

/// How a payment ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub cell: Cell,
    pub payment: Payment,
    /// What people are asked about it.
    pub reviews: Vec<String>,
}

impl Ended {
    fn line(&self) -> String {
        let Self { cell, payment, reviews } = self;
        format!("{}: {} {:?} {reviews:?}", cell.name, payment.status, tried(payment))
    }
}

const OPEN: &str = "select payment_id::text from payment p
    where status not in ('succeeded', 'paid', 'paid_in_part', 'blocked', 'failed', 'expired',
      'cancelled', 'rejected', 'returned', 'reversed')
      and not exists (select from review r where r.payment_id = p.payment_id and r.is_open)";

/// What is still not as it must be in the end.
async fn unsettled(stage: &Stage) -> Vec<String> {
    let mut faults = stage.world.texts(OPEN).await;
    faults.iter_mut().for_each(|id| id.insert_str(0, "neither over nor before people: "));
    let theirs = theirs(&stage.world).await;
    faults.extend(contradictions(&ours(&stage.world).await, &theirs));
    faults
}

/// Everybody who was told what to do does it.
async fn pay_all(stage: &Stage, cells: &[Cell]) {
    for cell in cells {
        let payment = stage.payment(cell).await;
        if payment.status.as_str() == "action_required" {
            stage.pay(&payment).await;
        }
    }
}

/// Moves the clock on, a step at a time, until everything is as it must be in the end; the faults that
/// remain after the last step fail the test.
pub async fn settle(stage: &Stage, cells: &[Cell]) -> Vec<Ended> {
    let steps = STEPS.into_iter().flat_map(|(count, step)| std::iter::repeat_n(step, count));
    let mut left = unsettled(stage).await;
    for step in steps {
        if left.is_empty() {
            break;
        }
        stage.world.move_on(step).await;
        pay_all(stage, cells).await;
        let looking = || async { unsettled(stage).await.is_empty().then_some(()) };
        let done = super::super::harness::try_eventually(LOOK_BETWEEN, looking).await;
        left = if done.is_some() { Vec::new() } else { unsettled(stage).await };
    }
    let asked = &stage.world.one().flows.psps.get(&stage.account.id).unwrap();
    if !left.is_empty() && !asked.capabilities().deposit_inquiry.any() {
        // Nobody can ask this PSP what came, so it tells until it is heard.
        stage.told_again().await;
        let looking = || async { unsettled(stage).await.is_empty().then_some(()) };
        let done = super::super::harness::try_eventually(10 * LOOK_BETWEEN, looking).await;
        left = if done.is_some() { Vec::new() } else { unsettled(stage).await };
    }
    let mut ended = Vec::new();
    for cell in cells {
        let payment = stage.payment(cell).await;
        let reviews = stage.world.reviews(&payment).await;
        let reviews = reviews.iter().map(|review| format!("{:?}", review.kind)).collect();
        ended.push(Ended { cell: cell.clone(), payment, reviews });
    }
    let lines: Vec<String> = ended.iter().map(Ended::line).collect();
    story(stage, &left).await;
    assert!(left.is_empty(), "{}: {left:#?}\n{lines:#?}", stage.account.id);
    println!("{}\n  {}", stage.account.id, lines.join("\n  "));
    ended
}

/// Long enough for anything that is still under way to do harm.
pub async fn a_day_later(stage: &Stage) {
    stage.world.move_on(25 * HOUR).await;
    super::super::harness::try_eventually(LOOK_BETWEEN, || async { None::<()> }).await;
    let left = unsettled(stage).await;
    assert!(left.is_empty(), "{}: {left:#?}", stage.account.id);
}

/// What is on record about each attempt that a contradiction names, oldest first.
async fn story(stage: &Stage, left: &[String]) {
    for line in left {
        let Some((_, rest)) = line.split_once("attempt: \"") else { continue };
        let Some(attempt) = rest.split('"').next() else { continue };
        let told = stage.world.texts(&STORY.replace("$1", attempt)).await;
        println!("{line}\n    {}", told.join("\n    "));
    }
}

const STORY: &str = "with own as (
        select * from attempt where attempt_id = '$1'::uuid
    ), told as (
        select row_to_json(own)::text as line, '-infinity'::timestamptz as at from own
        union all
        select 'step ' || coalesce(from_status, 'nothing') || ' to ' || to_status || ' by ' || cause, t.at
        from transition t, own where subject_id = attempt_id
        union all
        select 'wire ' || w.purpose || ' ' || w.step || ' ' || coalesce(w.status::text, w.failure, ''), w.at
        from wire w join own using (attempt_id)
        union all
        select 'heard ' || state || ' ' || coalesce(note, '') || event::text, received_at
        from inbox i, own where i.attempt_id = own.attempt_id or event::text like '%$1%'
    ) select at || ' ' || coalesce(line, '') from told order by at";
