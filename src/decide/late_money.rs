//! Money that comes for a deposit that had been given up: whether somebody outside is to be asked first.

use super::command::{Ctx, News, Source};
use crate::book::Book;
use crate::screening::engine;
use crate::screening::movement::UseState;
use psp_contract::{Outcome, Report, Status, Subject};

/// Whether this news brings money that no screening which still holds let come, of a player of whose market somebody is
/// to be asked then. Nobody is asked by a lane: whoever tells the news does.
pub fn wants_answers(book: &Book, news: &News, ctx: &Ctx<'_>) -> bool {
    let Outcome::Reported(Report { status: Status::Succeeded { .. }, .. }) = &news.outcome else {
        return false;
    };
    let waits = book
        .payment(news.payment)
        .is_some_and(|payment| payment.subject() == Subject::Deposit && payment.received.is_none());
    let has_room = book
        .movements
        .iter()
        .any(|own| own.payment == news.payment && own.state == UseState::Reserved);
    if !waits || has_room || news.source == (Source::Webhook { hint: true }) {
        return false;
    }
    let player = book.player.as_ref();
    player.is_some_and(|player| engine::asks_of_late(ctx.policies, &player.country, ctx.now))
}
