//! The game platform's entries: stakes, wins, voids and bonuses.

use super::command::{Answer, Ctx};
use super::refusal::Refusal;
use crate::book::{Book, GameEntry, GameKind};
use crate::domain::{Currency, Money, Player, Timestamp};
use crate::ledger::templates;
use crate::screening::Policies;

/// Books one entry. Its reference is unique for ever: the same entry again is answered again, and
/// another one under the same reference is refused, whatever it says when it is another player's.
pub fn enter(book: &mut Book, entry: &GameEntry, ctx: &Ctx<'_>) -> Result<Answer, Refusal> {
    if book.player.is_none() {
        return Err(Refusal::PlayerUnknown);
    }
    if book.game_of_others.contains(&entry.reference) {
        return Err(Refusal::ReferenceTaken(None));
    }
    if let Some(known) = book.game.get(&entry.reference) {
        let same = known.kind == entry.kind && known.money == entry.money && known.of == entry.of;
        return if same {
            Ok(Answer::Entry(Box::new(known.clone())))
        } else {
            Err(Refusal::ReferenceTaken(None))
        };
    }
    // What is open is played to its end. Nothing new is staked, nor given to stake.
    let begins = matches!(entry.kind, GameKind::Stake | GameKind::BonusGrant);
    if begins && book.player.as_ref().is_some_and(|player| !player.is_active(ctx.now)) {
        return Err(Refusal::PlayerNotActive);
    }
    require_currency(book, entry.money.currency, ctx)?;
    let wallet = book.wallet(entry.money.currency);
    let (money, currency) = (entry.money, entry.money.currency);
    let mut entry = entry.clone();
    let posting = match entry.kind {
        GameKind::Stake => {
            entry.from_cash = money.minor.min(wallet.cash);
            entry.from_bonus = money.minor - entry.from_cash;
            templates::stake_placed(currency, entry.from_cash, entry.from_bonus)
        }
        GameKind::Void => {
            let stake = voidable(book, &entry)?;
            (entry.from_cash, entry.from_bonus) = (stake.from_cash, stake.from_bonus);
            templates::stake_voided(currency, stake.from_cash, stake.from_bonus)
        }
        GameKind::Win => templates::win_paid(money),
        GameKind::BonusGrant => templates::bonus_granted(money),
        GameKind::BonusToCash => templates::bonus_converted(money),
        GameKind::BonusForfeit => templates::bonus_forfeited(money),
    };
    let available = match entry.kind {
        GameKind::BonusToCash | GameKind::BonusForfeit => wallet.bonus,
        _ => wallet.cash + wallet.bonus,
    };
    book.post(&posting, None, Some(entry.reference.clone()))
        .map_err(|_| Refusal::InsufficientFunds { available: Money::new(available, currency) })?;
    match entry.kind {
        GameKind::Stake => book.background.stake(money.minor, currency),
        GameKind::Void => book.background.stake(-money.minor, currency),
        _ => {}
    }
    if let (GameKind::Void, Some(of)) = (entry.kind, entry.of.clone()) {
        if let Some(stake) = book.game.get_mut(&of) {
            stake.voided = true;
        }
        book.dirty.game.insert(of);
    }
    book.dirty.game.insert(entry.reference.clone());
    book.game.insert(entry.reference.clone(), entry.clone());
    Ok(Answer::Entry(Box::new(entry)))
}

/// No wallet is opened in a currency that the player's market does not allow. One that is there, from
/// a time when it was allowed, is played to its end.
pub fn require_currency(book: &Book, currency: Currency, ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let Some(player) = &book.player else { return Ok(()) };
    if book.wallets.contains_key(&currency) {
        return Ok(());
    }
    market_allows(ctx.policies, player, currency, ctx.now)
}

/// Whether the player's market, by the policy in force, lets them have a wallet in this currency.
pub fn market_allows(
    policies: &Policies,
    player: &Player,
    currency: Currency,
    now: Timestamp,
) -> Result<(), Refusal> {
    let policy = policies.in_force(&player.country, now);
    if policy.is_some_and(|policy| policy.currencies.contains(&currency)) {
        return Ok(());
    }
    Err(Refusal::CurrencyNotAllowed { currency, country: player.country.clone() })
}

/// The stake that a void names: known, of the same amount, and not voided before.
fn voidable(book: &Book, void: &GameEntry) -> Result<GameEntry, Refusal> {
    let of = void.of.as_ref().ok_or(Refusal::VoidImpossible)?;
    book.game
        .get(of)
        .filter(|stake| stake.kind == GameKind::Stake && !stake.voided)
        .filter(|stake| stake.money == void.money)
        .cloned()
        .ok_or(Refusal::VoidImpossible)
}
