//! Withdrawals.

use super::deposits::replayed;
use super::shared::{leaves_out_the_casinos_own, payment_of, payments_page, shown};
use crate::api::Edge;
use crate::api::answers::{claim, told_before, told_now};
use crate::api::bodies::destination::{DestinationBody, masked};
use crate::api::bodies::payment::{
    PaymentParams, WithdrawalBody, WithdrawalFilter, WithdrawalSchema,
};
use crate::api::caller::Caller;
use crate::api::extract::{NoBody, PathParams, Strict, StrictQuery};
use crate::api::idempotency::IdempotencyKey;
use crate::api::problem::{Problem, ProblemView};
use crate::api::views::ListView;
use crate::api::views::payment::PaymentView;
use crate::decide::Answer;
use crate::domain::{Direction, Instrument, PaymentId, PlayerKey};
use crate::payments::cancel_payment::cancel_payment;
use crate::payments::find_card::find_card;
use crate::payments::request_withdrawal::{
    DestinationOrder, RequestError, WithdrawalOrder, request_withdrawal,
};
use crate::players::knows_destination::knows_destination;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use psp_contract::Portable;

/// Ask for a withdrawal
///
/// Holds the money and screens it in one commit. Without a destination it goes back to where the
/// player's deposits came from.
#[utoipa::path(post, path = "/v1/withdrawals", tag = "withdrawals",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    request_body = WithdrawalSchema,
    responses(
        (status = 201, description = "The withdrawal, whatever became of it.", body = PaymentView),
        (status = 409, description = "`idempotency.in_progress`, `payment.reference_taken`.",
            body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "`wallet.insufficient_funds`, `wallet.owed`, \
            `payment.currency_not_allowed`, `destination.no_source`, `destination.source_unknown`, \
            `destination.not_payable`, `destination.not_registered`, `payment.field_not_players`, \
            `player.field_missing`, `idempotency.key_reused`, or a field that makes no sense.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn create(
    State(edge): State<Edge>,
    caller: Caller,
    key: IdempotencyKey,
    body: Strict<WithdrawalBody>,
) -> Result<Response, Problem> {
    let claim = claim(&caller, key, &body.canonical);
    let body = body.value;
    let player = caller.may_see(body.player)?;
    leaves_out_the_casinos_own(&caller, body.reference.as_deref(), body.metadata.as_deref())?;
    let by_player = caller.is_player();
    let order = WithdrawalOrder {
        player,
        claim,
        money: body.money,
        method: body.method,
        reference: body.reference,
        metadata: body.metadata.unwrap_or_else(|| "{}".to_owned()),
        destination: body.destination.map_or(DestinationOrder::ClosedLoop, wanted),
    };
    let detach = edge.detach.clone();
    detach.run(async move { request(&edge, &order, by_player).await }).await
}

async fn request(
    edge: &Edge,
    order: &WithdrawalOrder,
    by_player: bool,
) -> Result<Response, Problem> {
    let flows = &edge.flows;
    if let Some(answer) = told_before(flows, &order.claim).await? {
        return Ok(answer);
    }
    if by_player {
        may_name(edge, &order.player, &order.destination).await?;
    }
    match request_withdrawal(flows, order).await {
        Ok(Answer::Payment(_)) => told_now(flows, &order.claim).await,
        Ok(_) => replayed(edge, &order.claim).await,
        Err(RequestError::Start(error))
            if error.refusal().is_some_and(|refusal| refusal.is_recorded()) =>
        {
            told_now(flows, &order.claim).await
        }
        Err(error) => Err(error.into()),
    }
}

/// A browser may name a source of a deposit, or a destination that was paid before: a stolen
/// session must not be able to send money somewhere new.
async fn may_name(
    edge: &Edge,
    player: &PlayerKey,
    destination: &DestinationOrder,
) -> Result<(), Problem> {
    let known = match destination {
        DestinationOrder::ClosedLoop | DestinationOrder::Source(_) => true,
        DestinationOrder::Instrument(instrument) => match &instrument.portable {
            Some(portable) => knows_destination(&edge.flows, player, portable).await?,
            None => false,
        },
        DestinationOrder::Card { token } => find_card(&edge.flows, player, token).await?.is_some(),
    };
    if known {
        return Ok(());
    }
    Err(Problem::unprocessable(
        "destination.not_registered",
        "A player may withdraw to the source of a deposit or to where they were paid before; \
         anything new is named by the casino's backend.",
    )
    .at("/destination"))
}

fn wanted(body: DestinationBody) -> DestinationOrder {
    match body {
        DestinationBody::Source { deposit } => {
            DestinationOrder::Source(PaymentId::deposit(deposit))
        }
        DestinationBody::Portable(portable) => {
            let holder_name = match &portable {
                Portable::Iban { holder_name, .. }
                | Portable::UkAccount { holder_name, .. }
                | Portable::Phone { holder_name, .. }
                | Portable::Email { holder_name, .. } => Some(holder_name.clone()),
                Portable::PixKey { .. } | Portable::CryptoAddress { .. } => None,
            };
            let masked = masked(&portable);
            let portable = Some(portable);
            let instrument = Instrument { portable, holder_name, masked, ..Instrument::default() };
            DestinationOrder::Instrument(Box::new(instrument))
        }
        DestinationBody::Card { token } => DestinationOrder::Card { token },
    }
}

/// List withdrawals
#[utoipa::path(get, path = "/v1/withdrawals", tag = "withdrawals", params(PaymentParams),
    responses((status = 200, description = "Newest first.", body = ListView<PaymentView>)))]
pub async fn list(
    State(edge): State<Edge>,
    caller: Caller,
    StrictQuery(WithdrawalFilter(filter)): StrictQuery<WithdrawalFilter>,
) -> Result<Json<ListView<PaymentView>>, Problem> {
    payments_page(&edge, &caller, Direction::Withdrawal, filter).await
}

/// Read a withdrawal
#[utoipa::path(get, path = "/v1/withdrawals/{id}", tag = "withdrawals",
    params(("id" = String, Path, description = "`wd_…`")),
    responses((status = 200, description = "As it is now.", body = PaymentView)))]
pub async fn get(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<PaymentView>, Problem> {
    let payment = payment_of(&edge, &caller, Direction::Withdrawal, &id).await?;
    Ok(shown(&caller, &payment))
}

/// Cancel a withdrawal
///
/// Only before it is processing, never while compliance holds it, and by a player only where the
/// market allows it.
#[utoipa::path(post, path = "/v1/withdrawals/{id}/cancel", tag = "withdrawals",
    params(("id" = String, Path, description = "`wd_…`")),
    responses(
        (status = 200, description = "The cancelled withdrawal.", body = PaymentView),
        (status = 409, description = "`withdrawal.not_cancellable`.", body = ProblemView,
            content_type = "application/problem+json")))]
pub async fn cancel(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    _: NoBody,
) -> Result<Json<PaymentView>, Problem> {
    let payment = payment_of(&edge, &caller, Direction::Withdrawal, &id).await?;
    let (flows, by_player) = (edge.flows.clone(), caller.is_player());
    let work =
        async move { Ok(cancel_payment(&flows, &payment.player, payment.id, by_player).await?) };
    Ok(shown(&caller, &edge.detach.run(work).await?))
}
