//! What several handlers do alike: finding what a caller may see.

use crate::api::Edge;
use crate::api::answers::viewer;
use crate::api::caller::{Caller, player_not_found};
use crate::api::extract::{Cursor, Page, not_here};
use crate::api::problem::Problem;
use crate::api::views::ListView;
use crate::api::views::payment::PaymentView;
use crate::book::Payment;
use crate::domain::{Direction, PaymentId, Player, PlayerId, PlayerKey};
use crate::screening::limits::Limit;
use crate::store::decision_reads::{self, DecisionRead, ReadAct};
use crate::store::read_models::{self, PaymentFilter};
use axum::Json;
use uuid::Uuid;

/// The player of a path, as far as the caller may see them.
pub fn player_of(caller: &Caller, text: &str) -> Result<PlayerKey, Problem> {
    caller.may_see(PlayerId::parse(text).ok_or_else(player_not_found)?)
}

/// A reference is taken for good, and a refusal names the payment that has it: both are between the casino and
/// its own payments. So is its metadata.
pub fn leaves_out_the_casinos_own(
    caller: &Caller,
    reference: Option<&str>,
    metadata: Option<&str>,
) -> Result<(), Problem> {
    let named = [("/reference", reference), ("/metadata", metadata)];
    let named = named.into_iter().find(|(_, value)| value.is_some());
    match named.filter(|_| caller.is_player()) {
        Some((pointer, _)) => Err(Problem::unprocessable(
            "payment.field_not_players",
            "`reference` and `metadata` are the casino's own: with a player's token leave them out, or \
             have the casino's backend ask.",
        )
        .at(pointer)),
        None => Ok(()),
    }
}

/// The player's record and limits.
pub async fn known_player(edge: &Edge, key: &PlayerKey) -> Result<(Player, Vec<Limit>), Problem> {
    let found = read_models::player(edge.flows.db.pool(), key).await?;
    found.ok_or_else(player_not_found)
}

/// A payment of one direction, by the id of a path.
pub async fn payment_of(
    edge: &Edge,
    caller: &Caller,
    direction: Direction,
    text: &str,
) -> Result<Payment, Problem> {
    let id = PaymentId::parse(text).filter(|id| id.direction == direction);
    visible_payment(edge, caller, id.ok_or_else(not_here)?).await
}

/// A payment of the caller's operator, and of a calling player's own. Everything else is not found.
pub async fn visible_payment(
    edge: &Edge,
    caller: &Caller,
    id: PaymentId,
) -> Result<Payment, Problem> {
    let found = read_models::payment(edge.flows.db.pool(), caller.operator(), id).await?;
    let own = |payment: &Payment| caller.player().is_none_or(|own| payment.player.player == *own);
    found.filter(own).ok_or_else(not_here)
}

/// A payment as the caller sees it.
pub fn shown(caller: &Caller, payment: &Payment) -> Json<PaymentView> {
    Json(PaymentView::of(viewer(caller), payment))
}

/// A page of the caller's payments.
pub async fn payments_page(
    edge: &Edge,
    caller: &Caller,
    direction: Direction,
    filter: crate::api::bodies::payment::PaymentFilter,
) -> Result<Json<ListView<PaymentView>>, Problem> {
    let list = match direction {
        Direction::Deposit => "deposits",
        Direction::Withdrawal => "withdrawals",
    };
    let asked = filter.player.map(|player| caller.may_see(player)).transpose()?;
    let player = asked.map(|key| key.player).or_else(|| caller.player().cloned());
    let wanted = PaymentFilter {
        player,
        statuses: filter.statuses.iter().map(ToString::to_string).collect(),
        reference: filter.reference,
        before: before(&filter.page)?,
        limit: one_more(&filter.page),
    };
    let pool = edge.flows.db.pool();
    let found = match filter.psp_reference {
        None => read_models::payments(pool, caller.operator(), direction, &wanted).await?,
        Some(_) if caller.is_player() => {
            let detail = "`psp_reference` is the casino's to ask for: leave it out.";
            return Err(
                Problem::unprocessable("payment.field_not_players", detail).at("/psp_reference")
            );
        }
        Some(reference) => {
            let own = edge.flows.accounts.iter();
            let own = own.filter(|account| account.serves_operator(caller.operator()));
            let psps: Vec<String> = own.map(|account| account.id.clone()).collect();
            let asked = (psps.as_slice(), reference.as_str());
            let mut found = read_models::of_psp_reference(pool, caller.operator(), asked).await?;
            found.retain(|payment| wanted.covers(direction, payment));
            found.truncate(usize::try_from(wanted.limit).unwrap_or(usize::MAX));
            found
        }
    };
    let view = |payment: Payment| PaymentView::of(viewer(caller), &payment);
    let position = |payment: &Payment| payment.id.uuid.simple().to_string();
    Ok(Json(ListView::cut(list, filter.page.limit, found, position, view)))
}

/// A person's reading of decisions and of cases is noted before it is answered; a backend's own is no person's.
pub async fn noted(
    edge: &Edge,
    caller: &Caller,
    act: ReadAct,
    subject: &str,
) -> Result<(), Problem> {
    let Ok(person) = caller.person() else { return Ok(()) };
    let read = DecisionRead {
        id: edge.flows.ids.next(),
        operator: caller.operator().as_str(),
        person: Some(person),
        door: "api",
        act,
        subject,
        at: edge.flows.clock.now(),
    };
    Ok(decision_reads::keep(edge.flows.db.pool(), &read).await?)
}

/// The id below which a page begins.
pub fn before(page: &Page) -> Result<Option<Uuid>, Problem> {
    page.after.as_ref().map(uuid_of).transpose()
}

fn uuid_of(cursor: &Cursor) -> Result<Uuid, Problem> {
    Uuid::try_parse(cursor.position()).map_err(|_| cursor_invalid())
}

/// A cursor that this list gave to nobody.
pub fn cursor_invalid() -> Problem {
    let detail = "This is no cursor that this list gave.";
    Problem::bad_request("request.cursor_invalid", detail).at("/after")
}

/// One row more than was asked for tells whether there is a next page.
pub fn one_more(page: &Page) -> i64 {
    i64::from(page.limit) + 1
}
