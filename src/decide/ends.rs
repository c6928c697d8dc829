//! The instruments that a command's payments come from or go to: what else is known of them is read
//! before it is decided.

use super::command::{Command, News};
use super::{source, withdrawal};
use crate::book::{Book, Payment};
use crate::domain::{Direction, Instrument};
use psp_contract::{Outcome, PayerProof};
use uuid::Uuid;

/// Those that this command may screen a payment by; the books' payments are loaded.
pub fn of(command: &Command, book: &Book) -> Vec<Instrument> {
    match command {
        Command::RequestWithdrawal(request) => {
            withdrawal::instruments(&request.payment).cloned().collect()
        }
        Command::News(news) => of_news(news, book),
        Command::NewsOrAsk { news, .. } => of_news(news, book),
        Command::ReceivePayin(receive) => {
            let known = receive.request.and_then(|id| book.payment(id));
            let payer = receive.payin.payer.as_ref();
            learned(known, &receive.psp, payer).into_iter().collect()
        }
        Command::VendorsSaid(said) => of_payment(book, said.payment),
        Command::TakeAttempt { payment, .. }
        | Command::TakePayout { payment, .. }
        | Command::ContinueDeposit { payment, .. }
        | Command::Approve { payment: Some(payment), .. } => of_payment(book, *payment),
        _ => Vec::new(),
    }
}

fn of_news(news: &News, book: &Book) -> Vec<Instrument> {
    let Outcome::Reported(report) = &news.outcome else { return Vec::new() };
    if news.direction == Direction::Withdrawal {
        return Vec::new();
    }
    let payment = book.payment(news.payment);
    let psp = payment.and_then(|payment| payment.attempt(news.attempt)).map(|it| it.psp.as_str());
    learned(payment, psp.unwrap_or_default(), report.payer.as_ref()).into_iter().collect()
}

/// The source of a deposit, with what is told of it now.
fn learned(payment: Option<&Payment>, psp: &str, payer: Option<&PayerProof>) -> Option<Instrument> {
    let known = payment.and_then(|payment| payment.source.clone());
    match payer {
        Some(payer) => Some(source::with(&known.unwrap_or_default(), psp, payer)),
        None => known,
    }
}

fn of_payment(book: &Book, id: Uuid) -> Vec<Instrument> {
    let Some(payment) = book.payment(id) else { return Vec::new() };
    withdrawal::instruments(payment).chain(&payment.source).cloned().collect()
}
