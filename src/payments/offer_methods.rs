//! Which methods a player can use right now, best first.
//!
//! A method is offered when a payment by it would be screened without a denial and when a PSP that
//! may be asked can take it, within what is left of its cap for the day. What is not offered would only fail.
//!
//! Nobody outside the house is asked for an offer. What registers and lists have said counts as long as the
//! payment would count it; what the payment itself would ask them first denies nothing here.

use crate::domain::{Currency, Direction, Method, Money, Origin, Player, PlayerKey, Timestamp};
use crate::flows::Flows;
use crate::payments::facts::payer_of;
use crate::payments::name_obstacle;
use crate::routing::Permit;
use crate::routing::make_plan::room_of;
use crate::routing::rules::PspAccount;
use crate::routing::switches::Use;
use crate::screening::background::{Background, Wants};
use crate::screening::gather::{self, Deposit, Setting, Withdrawal};
use crate::screening::hooks::CheckFacts;
use crate::screening::limits::Limit;
use crate::screening::movement::Movement;
use crate::screening::policy::MarketPolicy;
use crate::screening::rule::{RuleResult, State};
use crate::screening::{Checkpoint, Facts as Gathered, Outcome, engine};
use crate::store::{StoreError, backgrounds, movements, read_models};
use crate::vendors::people::known_checks::known_checks;
use psp_contract::{Payer, PayerField};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub player: PlayerKey,
    pub direction: Direction,
    /// None: the player's own.
    pub currency: Option<Currency>,
    /// None: any amount that the method takes.
    pub money: Option<Money>,
}

/// A method that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    pub method: Method,
    pub least: Money,
    pub most: Money,
}

/// What one amount cannot exceed where nobody sets a maximum: the most that the API can read.
const MAJOR_MAX: i64 = 999_999_999_999;

struct Facts<'a> {
    player: &'a Player,
    payer: &'a Payer,
    limits: &'a [Limit],
    movements: &'a [Movement],
    background: &'a Background,
    owed: &'a [Money],
    checks: &'a CheckFacts,
    now: Timestamp,
}

/// None when the player is not known.
///
/// # Errors
/// When the database fails.
pub async fn offer_methods(
    flows: &Flows,
    wanted: &Wanted,
) -> Result<Option<Vec<Offer>>, StoreError> {
    let pool = flows.db.pool();
    let Some((player, limits)) = read_models::player(pool, &wanted.player).await? else {
        return Ok(None);
    };
    let wallets = read_models::wallets(pool, &wanted.player).await?;
    let owed = wallets.iter().map(|wallet| Money::new(wallet.owed, wallet.currency));
    let owed: Vec<Money> = owed.collect();
    let now = flows.clock.now();
    let policies = flows.policies.current();
    let since = now - policies.reach(&player.country, now);
    let movements = movements::of_player(pool, &wanted.player, since).await?;
    let Some(policy) = policies.in_force(&player.country, now) else {
        return Ok(Some(Vec::new()));
    };
    let wants = Wants::by(policy, now);
    let background = backgrounds::of_player(pool, &wanted.player, &wants, (now, now)).await?;
    let payer = payer_of(&player, None);
    let asked = (&player, checkpoint(wanted.direction));
    let checks = known_checks(flows, policy, asked, now).await;
    let facts = Facts {
        player: &player,
        payer: &payer,
        limits: &limits,
        movements: &movements,
        background: &background,
        owed: &owed,
        checks: &checks,
        now,
    };
    let offers = policy.methods().into_iter().filter_map(|method| {
        let (offer, is_healthy) = offer(flows, wanted, policy, &facts, method)?;
        Some((!is_healthy, offer))
    });
    let mut offers: Vec<(bool, Offer)> = offers.collect();
    // Stable: within equal health the market's own order stays.
    offers.sort_by_key(|(is_ill, _)| *is_ill);
    Ok(Some(offers.into_iter().map(|(_, offer)| offer).collect()))
}

/// Where the payment that is offered would be screened first.
const fn checkpoint(direction: Direction) -> Checkpoint {
    match direction {
        Direction::Deposit => Checkpoint::DepositPre,
        Direction::Withdrawal => Checkpoint::WithdrawalRequest,
    }
}

fn offer(
    flows: &Flows,
    wanted: &Wanted,
    policy: &MarketPolicy,
    facts: &Facts<'_>,
    method: Method,
) -> Option<(Offer, bool)> {
    let country = &facts.player.country;
    let currency = wanted.currency.unwrap_or(facts.player.currency);
    let rule = flows.routing.find(wanted.direction, country, method, currency)?;
    let permit = |id: &str| flows.health.permit(id, wanted.direction, facts.now);
    let room = |id: &str| {
        let (operator, direction) = (&wanted.player.operator, wanted.direction);
        room_of(flows, &Use { operator, psp: id, country, direction, method }, currency)
    };
    let usable = rule.order.iter().filter_map(|id| {
        let own = |account: &&PspAccount| {
            account.id == *id && account.serves_operator(&wanted.player.operator)
        };
        let found = flows.accounts.iter().find(own)?;
        let obstacle = match wanted.direction {
            Direction::Deposit => name_obstacle::of_deposit(flows, id, facts.payer, None),
            Direction::Withdrawal => name_obstacle::of_any_payout(flows, id, facts.payer),
        };
        // Where the payer is comes with the deposit itself.
        let obstacle = obstacle.filter(|it| it.field() != Some(PayerField::DeviceIp));
        obstacle.is_none().then_some(found)
    });
    // The bounds are of those that work; when all fail they are asked all the same, as a plan does it.
    let (well, ill): (Vec<_>, Vec<_>) =
        usable.partition(|account| permit(&account.id) != Permit::No);
    let (market_least, market_most) = market_bounds(policy, wanted.direction, currency);
    let fitting = |account: &PspAccount| {
        let bounds = bounds(account, wanted.direction, currency)?;
        let (least, most) = room(&account.id).within(bounds).ok()?;
        let (least, most) = (least.max(market_least), most.min(market_most));
        let asked = wanted.money.map_or(least, |money| money.minor);
        let money = Money::new(asked, currency);
        let fits = least <= asked && asked <= most;
        let refused = account.refusal(wanted.direction, country, method, money).is_some();
        (fits && !refused).then_some((least, most))
    };
    let around = |accounts: Vec<&PspAccount>| {
        let all = accounts.into_iter().filter_map(fitting);
        all.reduce(|known, one| (known.0.min(one.0), known.1.max(one.1)))
    };
    let is_healthy = well.iter().any(|account| {
        let is_well = matches!(permit(&account.id), Permit::Yes | Permit::Share(_));
        is_well && fitting(account).is_some()
    });
    let found = around(well).or_else(|| around(ill));
    let (least, most) = found?;
    let asked = wanted.money.unwrap_or(Money::new(least, currency));
    if is_denied(flows, policy, wanted.direction, facts, (asked, method)) {
        return None;
    }
    let (least, most) = (Money::new(least, currency), Money::new(most, currency));
    Some((Offer { method, least, most }, is_healthy))
}

/// What the market allows in one payment.
fn market_bounds(policy: &MarketPolicy, direction: Direction, currency: Currency) -> (i64, i64) {
    let (least, most) = policy.bounds(direction, currency);
    let unit = 10_i64.pow(currency.exponent());
    (least.unwrap_or(1), most.unwrap_or(MAJOR_MAX.saturating_mul(unit)))
}

fn bounds(account: &PspAccount, direction: Direction, currency: Currency) -> Option<(i64, i64)> {
    let bounds = match direction {
        Direction::Deposit => account.deposits.as_ref()?,
        Direction::Withdrawal => account.payouts.as_ref()?,
    };
    Some(bounds.get(&currency).copied().unwrap_or((1, i64::MAX)))
}

/// Whether what is known denies it. An answer that the payment itself asks for is still to come.
fn is_denied(
    flows: &Flows,
    policy: &MarketPolicy,
    direction: Direction,
    facts: &Facts<'_>,
    (money, method): (Money, Method),
) -> bool {
    let gathered = gathered(flows, direction, facts, money, method);
    let to_come = |result: &RuleResult| {
        let rule = engine::rule_of(Some(policy), result.number);
        let ask = rule.and_then(|rule| rule.check.asks());
        let unasked = ask.is_some_and(|ask| facts.checks.is_unasked(ask.hook));
        unasked && result.state == State::Error
    };
    let screening = engine::decide(Some(policy), &gathered);
    let mut denying = screening.rules.iter().filter(|result| result.effect == Outcome::Deny);
    denying.any(|result| result.is_hit() && !to_come(result))
}

fn gathered(
    flows: &Flows,
    direction: Direction,
    facts: &Facts<'_>,
    money: Money,
    method: Method,
) -> Gathered {
    let policies = flows.policies.current();
    let setting = Setting::new(&policies, &flows.fx, facts.now);
    let mut gathered = match direction {
        Direction::Deposit => {
            let records = Deposit {
                checkpoint: checkpoint(direction),
                player: Some(facts.player),
                payment: None,
                origin: Origin::Request,
                money,
                method,
                limits: facts.limits,
                movements: facts.movements,
                background: facts.background,
                source: None,
            };
            gather::deposit(&records, &setting)
        }
        Direction::Withdrawal => {
            let records = Withdrawal {
                checkpoint: checkpoint(direction),
                origin: Origin::Request,
                player: Some(facts.player),
                money,
                method,
                owed: facts.owed,
                closed_loop: None,
                payment: None,
                asked_at: None,
                movements: facts.movements,
                background: facts.background,
                ends: &[],
            };
            gather::withdrawal(&records, &setting)
        }
    };
    gathered.checks = facts.checks.clone();
    gathered
}
