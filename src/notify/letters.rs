//! What letters say: plain, exact, without anything of a player.

use crate::book::Review;
use crate::domain::{OperatorId, Timestamp};
use time::format_description::well_known::Rfc3339;

/// A case is not decided in time. Subject and text.
pub fn overdue(
    operator: &OperatorId,
    review: &Review,
    step: i16,
    now: Timestamp,
) -> (String, String) {
    let time = |at: Timestamp| at.format(&Rfc3339).unwrap_or_default();
    let subject = format!("[interlock] review {} waits: reminder {step}", review.id);
    let due = review.desk.due_at.map_or_else(|| "no time".to_owned(), time);
    let holder = match (&review.desk.lock, &review.desk.assigned_to) {
        (Some(lock), _) if now < lock.until => format!("{} works on it now.", lock.by),
        (_, Some(person)) => format!("It is assigned to {person}."),
        _ => "Nobody has it.".to_owned(),
    };
    let next = match review.open_proposal() {
        Some(open) if open.approvals.is_empty() => format!(
            "{} has proposed an outcome. Another person must approve or refuse it.",
            open.proposed_by
        ),
        Some(open) => format!(
            "An outcome was proposed by {} and has {} of {} approvals. Another person must approve it.",
            open.proposed_by,
            open.approvals.len(),
            review.approvals_needed
        ),
        None => "Nobody has proposed an outcome.".to_owned(),
    };
    let body = format!(
        "The review {id} of {operator} was to be decided by {due} and is not.\n\n\
         Kind: {kind}\nOpened: {opened}\nThis is reminder {step}.\n\n{holder} {next}\n\n\
         Read it at /v1/reviews/{id} with a key of the scope compliance.\n",
        id = review.id,
        kind = review.kind,
        opened = time(review.opened_at),
    );
    (subject, body)
}
