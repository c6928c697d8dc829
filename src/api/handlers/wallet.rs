//! A player's wallet.

use super::deposits::replayed;
use super::shared::{cursor_invalid, known_player, one_more, player_of};
use crate::api::Edge;
use crate::api::answers::{claim, told_before, told_now};
use crate::api::bodies::endpoint::{EntryPage, PageParams};
use crate::api::bodies::wallet::{WalletEntryBody, WalletEntrySchema, WalletParams, WalletQuery};
use crate::api::caller::Caller;
use crate::api::extract::{PathParams, Strict, StrictQuery};
use crate::api::idempotency::IdempotencyKey;
use crate::api::problem::{Problem, ProblemView};
use crate::api::views::ListView;
use crate::api::views::wallet::{EntryView, WalletEntryView, WalletView};
use crate::book::{GameEntry, KeyClaim};
use crate::decide::Answer;
use crate::domain::{Currency, PlayerKey};
use crate::lane::SubmitError;
use crate::players::enter_game::enter_game;
use crate::store::wallet_entries::{self, EntryLine, Place, Places};
use crate::store::{read_models, wallet_history};
use axum::Json;
use axum::extract::State;
use axum::response::Response;

/// Read a player's balances
///
/// As they are now, or as they were after the last entry until `at`.
#[utoipa::path(get, path = "/v1/players/{player_id}/wallet", tag = "wallet",
    params(("player_id" = String, Path, description = "The casino's own id"), WalletParams),
    responses((status = 200, description = "Two purses a currency.", body = WalletView)))]
pub async fn get(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    StrictQuery(query): StrictQuery<WalletQuery>,
) -> Result<Json<WalletView>, Problem> {
    let key = player_of(&caller, &id)?;
    known_player(&edge, &key).await?;
    let pool = edge.flows.db.pool();
    let wallets = match query.at {
        None => read_models::wallets(pool, &key).await?,
        Some(at) => wallet_history::wallets_at(pool, &key, at).await?,
    };
    Ok(Json(WalletView::of(&wallets)))
}

/// List a player's ledger entries
#[utoipa::path(get, path = "/v1/players/{player_id}/entries", tag = "wallet",
    params(("player_id" = String, Path, description = "The casino's own id"), PageParams),
    responses((status = 200, description = "Newest first.", body = ListView<EntryView>)))]
pub async fn entries(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    StrictQuery(EntryPage(page)): StrictQuery<EntryPage>,
) -> Result<Json<ListView<EntryView>>, Problem> {
    let key = player_of(&caller, &id)?;
    known_player(&edge, &key).await?;
    let below = page.after.as_ref().map(|cursor| places(cursor.position()));
    let below = below.map(|places| places.ok_or_else(cursor_invalid)).transpose()?;
    let pool = edge.flows.db.pool();
    let lines = wallet_entries::entries(pool, &key, below, one_more(&page)).await?;
    Ok(Json(ListView::cut("entries", page.limit, lines, position, EntryView::from)))
}

/// As `EUR.17.player_cash-SEK.4.`: how far the list has come in each wallet.
fn position(line: &EntryLine) -> String {
    let told = |(currency, place): (&Currency, &Place)| {
        format!("{}.{}.{}", currency.code(), place.version, place.account)
    };
    line.after.iter().map(told).collect::<Vec<_>>().join("-")
}

fn places(text: &str) -> Option<Places> {
    let place = |told: &str| {
        let mut pieces = told.splitn(3, '.');
        let currency: Currency = pieces.next()?.parse().ok()?;
        let version = pieces.next()?.parse().ok()?;
        Some((currency, Place { version, account: pieces.next()?.to_owned() }))
    };
    text.split('-').map(place).collect()
}

/// Book an entry of the game platform
///
/// A stake takes cash first, then bonus; a void gives back what its stake took, once.
#[utoipa::path(post, path = "/v1/players/{player_id}/wallet-entries", tag = "wallet",
    params(("player_id" = String, Path, description = "The casino's own id"),
        ("Idempotency-Key" = String, Header, description = "1 to 255 visible ASCII characters")),
    request_body = WalletEntrySchema,
    responses(
        (status = 201, description = "The entry as it was booked.", body = WalletEntryView),
        (status = 409, description = "`wallet_entry.reference_taken`, `idempotency.in_progress`; \
            `player.not_active`: excluded, frozen or closed, for a stake or a bonus that is granted.",
            body = ProblemView, content_type = "application/problem+json"),
        (status = 422, description = "`wallet.insufficient_funds`, `wallet_entry.void_impossible`, \
            `payment.currency_not_allowed`, \
            `idempotency.key_reused`, or a field that makes no sense.",
            body = ProblemView, content_type = "application/problem+json")))]
pub async fn enter(
    State(edge): State<Edge>,
    caller: Caller,
    PathParams(id): PathParams<String>,
    key: IdempotencyKey,
    body: Strict<WalletEntryBody>,
) -> Result<Response, Problem> {
    let player = player_of(&caller, &id)?;
    let claim = claim(&caller, key, &body.canonical);
    let entry = GameEntry {
        reference: body.value.reference,
        kind: body.value.kind,
        money: body.value.money,
        // Which purse pays is decided under the player's lock.
        from_cash: 0,
        from_bonus: 0,
        of: body.value.of,
        voided: false,
        created_at: edge.flows.clock.now(),
    };
    let detach = edge.detach.clone();
    detach.run(async move { book(&edge, &player, claim, entry).await }).await
}

async fn book(
    edge: &Edge,
    player: &PlayerKey,
    claim: KeyClaim,
    entry: GameEntry,
) -> Result<Response, Problem> {
    if let Some(answer) = told_before(&edge.flows, &claim).await? {
        return Ok(answer);
    }
    match enter_game(&edge.flows, player, claim.clone(), entry).await {
        Ok(Answer::Entry(_)) => told_now(&edge.flows, &claim).await,
        Ok(_) => replayed(edge, &claim).await,
        Err(SubmitError::Refused(refusal)) if refusal.is_recorded() => {
            told_now(&edge.flows, &claim).await
        }
        Err(error) => Err(error.into()),
    }
}
