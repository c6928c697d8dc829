//! Deposits.

use super::shared::{leaves_out_the_casinos_own, payment_of, payments_page, shown};
use crate::api::Edge;
use crate::api::amounts::{money_code, money_words};
use crate::api::answers::{claim, told_before, told_now};
use crate::api::bodies::payment::{
    ContinueBody, ContinueSchema, DepositBody, DepositFilter, DepositSchema, PaymentParams,
    ReturnBody, ReturnSchema,
};
use crate::api::caller::Caller;
use crate::api::door::{ClientAddress, PspTime};
use crate::api::extract::{NoBody, PathParams, Strict, StrictQuery};
use crate::api::idempotency::IdempotencyKey;
use crate::api::problem::{Problem, ProblemView};
use crate::api::return_url;
use crate::api::views::ListView;
use crate::api::views::payment::PaymentView;
use crate::book::KeyClaim;
use crate::decide::Answer;
use crate::decide::command::OpenReturn;
use crate::domain::{Direction, Money};
use crate::lane::SubmitError;
use crate::payments::cancel_payment::cancel_payment;
use crate::payments::continue_deposit::continue_deposit;
use crate::payments::return_deposit::return_deposit;
use crate::payments::run_first_round::run_first_round;
use crate::payments::start_deposit::{DepositOrder, start_deposit};
use axum::extract::State;
use axum::response::Response;
use axum::{Extension, Json};
use std::time::{Duration, Instant};

/// A deposit is answered at the latest so long after it arrived; its calls go on.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// Open a deposit
///
/// Screens it, plans the route and asks PSPs, one after the other, until one has it. The answer is
/// stored under the key and told again, byte for byte, to every repeat.
#[utoipa::path(post, path = "/v1/deposits", tag = "deposits",
    params(("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    request_body = DepositSchema,
    responses(
        (status = 201, description = "The deposit, whatever became of it.", body = PaymentView),
        (status = 409, description = "`idempotency.in_progress`, `payment.reference_taken`.",
            body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency.key_reused`, `payment.currency_not_allowed`, \
            `payment.return_url_not_allowed`, `payment.instrument_unsupported`, \
            `payment.field_not_players`, `player.field_missing`, or a field that makes no sense.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn create(
    State(edge): State<Edge>,
    caller: Caller,
    address: Option<Extension<ClientAddress>>,
    key: IdempotencyKey,
    body: Strict<DepositBody>,
) -> Result<Response, Problem> {
    let arrived_at = Instant::now();
    let claim = claim(&caller, key, &body.canonical);
    let order = order(&caller, address.map(|found| found.0), claim, body.value)?;
    let detach = edge.detach.clone();
    detach.run(async move { begin(&edge, &order, arrived_at).await }).await
}

async fn begin(
    edge: &Edge,
    order: &DepositOrder,
    arrived_at: Instant,
) -> Result<Response, Problem> {
    let flows = &edge.flows;
    if let Some(answer) = told_before(flows, &order.claim).await? {
        return Ok(answer);
    }
    // Not before: a repeat is told what was first told, whichever hosts are listed by now.
    return_url::check(&edge.return_hosts, &order.player.operator, &order.return_url)?;
    let payment = match start_deposit(flows, order).await {
        Ok(Answer::Payment(payment)) => payment,
        Ok(_) => return replayed(edge, &order.claim).await,
        Err(error) if error.refusal().is_some_and(|refusal| refusal.is_recorded()) => {
            return told_now(flows, &order.claim).await;
        }
        Err(error) => return Err(error.into()),
    };
    let patience = ANSWER_WITHIN.saturating_sub(arrived_at.elapsed());
    let waited = run_first_round(flows, &payment, &order.claim.id, patience).await;
    if let Err(error) = &waited {
        tracing::error!(payment.id = %payment.id, %error, "an answer could not be fixed");
    }
    let mut response = told_now(flows, &order.claim).await?;
    response.extensions_mut().insert(PspTime(waited.unwrap_or_default()));
    Ok(response)
}

/// The answer of the request that came first, when the lane found it.
pub(super) async fn replayed(edge: &Edge, claim: &KeyClaim) -> Result<Response, Problem> {
    let told = told_before(&edge.flows, claim).await.map_err(Problem::after_commit)?;
    told.ok_or_else(|| Problem::from(SubmitError::Busy).after_commit())
}

fn order(
    caller: &Caller,
    address: Option<ClientAddress>,
    claim: KeyClaim,
    body: DepositBody,
) -> Result<DepositOrder, Problem> {
    let player = caller.may_see(body.player)?;
    leaves_out_the_casinos_own(caller, body.reference.as_deref(), body.metadata.as_deref())?;
    let method = body.method;
    let instrument = body.instrument.map(|instrument| {
        instrument.for_method(method).ok_or_else(|| {
            Problem::unprocessable(
                "payment.instrument_unsupported",
                format!(
                    "This is no instrument to pay by {method} with: `card` goes with the method \
                     card, `crypto` with crypto; leave it out for every other method."
                ),
            )
            .at("/instrument/type")
        })
    });
    // A player's own connection counts, not what the body says of it.
    let ip = match (caller.is_player(), address) {
        (true, Some(ClientAddress(address))) => Some(address),
        (true, None) => None,
        (false, _) => body.device.and_then(|device| device.ip),
    };
    Ok(DepositOrder {
        player,
        claim,
        money: body.money,
        method: body.method,
        return_url: body.return_url,
        reference: body.reference,
        instrument: instrument.transpose()?,
        metadata: body.metadata.unwrap_or_else(|| "{}".to_owned()),
        ip: ip.map(|address| address.to_string()),
    })
}

/// List deposits
#[utoipa::path(get, path = "/v1/deposits", tag = "deposits", params(PaymentParams),
    responses((status = 200, description = "Newest first.", body = ListView<PaymentView>)))]
pub async fn list(
    State(edge): State<Edge>,
    caller: Caller,
    StrictQuery(DepositFilter(filter)): StrictQuery<DepositFilter>,
) -> Result<Json<ListView<PaymentView>>, Problem> {
    payments_page(&edge, &caller, Direction::Deposit, filter).await
}

/// Read a deposit
#[utoipa::path(get, path = "/v1/deposits/{id}", tag = "deposits",
    params(("id" = String, Path, description = "`dep_…`")),
    responses((status = 200, description = "As it is now.", body = PaymentView)))]
pub async fn get(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
) -> Result<Json<PaymentView>, Problem> {
    let payment = payment_of(&edge, &caller, Direction::Deposit, &id).await?;
    Ok(shown(&caller, &payment))
}

/// Go on after the payer came back
///
/// Call it whenever a payer arrives at the deposit's `return_url`, with the query of that page: a PSP may
/// wait for what it sent the payer back with. Whose it is and what counts of it is found out here; a query
/// that nobody waits for changes nothing. Answers with the deposit as it is afterwards, and can be repeated.
#[utoipa::path(post, path = "/v1/deposits/{id}/continue", tag = "deposits",
    params(("id" = String, Path, description = "`dep_…`")),
    request_body = ContinueSchema,
    responses(
        (status = 200, description = "As it is now.", body = PaymentView),
        (status = 422, description = "`query.malformed`.", body = ProblemView,
            content_type = "application/problem+json")))]
pub async fn go_on(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    body: Strict<ContinueBody>,
) -> Result<Json<PaymentView>, Problem> {
    let deposit = payment_of(&edge, &caller, Direction::Deposit, &id).await?;
    let (flows, query) = (edge.flows.clone(), body.value.query);
    // The step may be recorded, and its PSP asked, before something is away.
    let work = async move {
        let went_on = continue_deposit(&flows, &deposit, &query).await;
        went_on.map_err(|error| Problem::from(error).after_commit())
    };
    Ok(shown(&caller, &edge.detach.run(work).await?))
}

/// Cancel a deposit
///
/// A proven success may still come later, and is then credited.
#[utoipa::path(post, path = "/v1/deposits/{id}/cancel", tag = "deposits",
    params(("id" = String, Path, description = "`dep_…`")),
    responses(
        (status = 200, description = "The cancelled deposit.", body = PaymentView),
        (status = 409, description = "`deposit.not_cancellable`.", body = ProblemView,
            content_type = "application/problem+json")))]
pub async fn cancel(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    _: NoBody,
) -> Result<Json<PaymentView>, Problem> {
    let payment = payment_of(&edge, &caller, Direction::Deposit, &id).await?;
    let (flows, by_player) = (edge.flows.clone(), caller.is_player());
    let work =
        async move { Ok(cancel_payment(&flows, &payment.player, payment.id, by_player).await?) };
    Ok(shown(&caller, &edge.detach.run(work).await?))
}

/// Send a deposit back to its source
///
/// Opens a withdrawal of origin `return` that waits for a second person.
#[utoipa::path(post, path = "/v1/deposits/{id}/return", tag = "deposits",
    params(("id" = String, Path, description = "`dep_…`"),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    request_body = ReturnSchema,
    responses(
        (status = 201, description = "The withdrawal that gives it back.", body = PaymentView),
        (status = 409, description = "`deposit.not_returnable`, `idempotency.in_progress`.",
            body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "`wallet.insufficient_funds`, `idempotency.key_reused`, or an \
            amount that makes no sense.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn give_back(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    key: IdempotencyKey,
    body: Strict<ReturnBody>,
) -> Result<Response, Problem> {
    let person = caller.person()?.clone();
    let deposit = payment_of(&edge, &caller, Direction::Deposit, &id).await?;
    let amount = body.value.amount.as_deref();
    let amount = amount.map(|text| Money::parse(text, deposit.currency())).transpose();
    let amount = amount
        .map_err(|why| Problem::unprocessable(money_code(why), money_words(why)).at("/amount"))?;
    let open = OpenReturn {
        claim: claim(&caller, key, &body.canonical),
        deposit: deposit.id.uuid,
        amount,
        reason: body.value.reason,
        person,
    };
    let detach = edge.detach.clone();
    detach.run(async move { give(&edge, &deposit.player, open).await }).await
}

async fn give(
    edge: &Edge,
    player: &crate::domain::PlayerKey,
    open: OpenReturn,
) -> Result<Response, Problem> {
    let claim = open.claim.clone();
    if let Some(answer) = told_before(&edge.flows, &claim).await? {
        return Ok(answer);
    }
    match return_deposit(&edge.flows, player, open).await {
        Ok(Answer::Payment(_)) => told_now(&edge.flows, &claim).await,
        Ok(_) => replayed(edge, &claim).await,
        Err(SubmitError::Refused(refusal)) if refusal.is_recorded() => {
            told_now(&edge.flows, &claim).await
        }
        Err(error) => Err(error.into()),
    }
}
