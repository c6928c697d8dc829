//! The destination that whoever asks for a withdrawal named.

use super::request_withdrawal::{
    DestinationError, DestinationOrder, RequestError, WithdrawalOrder,
};
use crate::book::Payment;
use crate::domain::{DepositStatus, Direction, Instrument, Method, Player};
use crate::flows::Flows;
use crate::payments::find_card::find_card;
use crate::store::read_models;

/// The instrument behind it.
///
/// # Errors
/// The deposit that it names has no source that is known.
pub async fn name_destination(
    flows: &Flows,
    order: &WithdrawalOrder,
    player: &Player,
    destination: &DestinationOrder,
) -> Result<Instrument, RequestError> {
    let pool = flows.db.pool();
    match destination {
        DestinationOrder::Instrument(instrument) => Ok(instrument.as_ref().clone()),
        DestinationOrder::Source(deposit) => {
            let found = read_models::payment(pool, &order.player.operator, *deposit).await?;
            let found = found.filter(|deposit| deposit.player == order.player);
            let found = found.ok_or(DestinationError::SourceUnknown)?;
            if !is_paid_in(&found) {
                return Err(DestinationError::SourceUnpaid.into());
            }
            let source = found.source.ok_or(DestinationError::SourceUnknown)?;
            Ok(Instrument { source_deposit: Some(deposit.uuid), ..source })
        }
        DestinationOrder::Card { token } => {
            match find_card(flows, &order.player, token).await? {
                Some((deposit, source)) => {
                    Ok(Instrument { source_deposit: Some(deposit), ..source })
                }
                // Whoever pays by another method would take the token for an account of its own.
                None if order.method != Method::Card => Err(DestinationError::CardByOther.into()),
                None => Ok(new_card(flows, order, &player.country, token)),
            }
        }
        DestinationOrder::ClosedLoop => Err(DestinationError::NoSource.into()),
    }
}

/// Whether money of the deposit is in the wallet, as the closed loop asks of a source. A payer's account is
/// often told before any money came: who opens a deposit, names an account and never pays has named nothing.
fn is_paid_in(deposit: &Payment) -> bool {
    let stands = deposit.deposit_status() == Some(DepositStatus::Succeeded);
    stands && deposit.credited.is_some_and(|money| 0 < money.minor)
}

/// A token says nothing without the PSP that gave it. One that no deposit brought is of the account
/// that the route of such payments names first: the card page that made it is that account's.
fn new_card(flows: &Flows, order: &WithdrawalOrder, country: &str, token: &str) -> Instrument {
    let currency = order.money.currency;
    let route = flows.routing.find(Direction::Withdrawal, country, order.method, currency);
    let first = route.and_then(|route| route.order.first());
    let tokens = first.map(|psp| (psp.clone(), token.to_owned())).into_iter().collect();
    Instrument { tokens, masked: "****".to_owned(), ..Instrument::default() }
}
