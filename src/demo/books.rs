//! Step 10: the books close. What the PSPs really moved, by their own books, is what the API tells
//! of the payments, what the ledger's entries add up to, and what the wallets hold.

use super::client::{list, text};
use super::stage::{Player, Stage};
use rust_decimal::Decimal;
use serde_json::Value;

/// The same money, seen from four sides.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    deposits: Decimal,
    payouts: Decimal,
}

pub(super) async fn play(stage: &Stage) -> anyhow::Result<()> {
    let players = stage.players();
    anyhow::ensure!(!players.is_empty(), "nobody has played");
    for player in &players {
        closes(stage, player).await?;
    }
    let refused = stage.casino.refused();
    stage.timeline.check("every webhook to the casino was genuine", refused, 0)?;
    stage.tell("demo", "the whole ledger, from inside: `interlock prove`");
    Ok(())
}

async fn closes(stage: &Stage, player: &Player) -> anyhow::Result<()> {
    let deposits = payments(stage, player, "deposits").await?;
    let withdrawals = payments(stage, player, "withdrawals").await?;
    let moved = Sums {
        deposits: moved(stage, &deposits, "deposit").await? + came(stage, player).await?,
        payouts: moved(stage, &withdrawals, "payout").await?,
    };
    let told = Sums {
        deposits: sum(deposits.iter().map(|deposit| text(deposit, "/credited/amount")))?,
        payouts: sum(withdrawals.iter().filter(is_paid).map(|it| text(it, "/amount")))?,
    };
    let cash = stage.cash(player).await?;
    let held: Decimal = cash.held.parse()?;
    let wallet = cash.available.parse::<Decimal>()? + held;
    let entries = stage.entries(player).await?;
    let own = ["player_cash", "player_held"];
    let booked = sum(entries
        .iter()
        .filter(|it| own.contains(&text(it, "/account")))
        .map(|it| text(it, "/amount")))?;

    let currency = player.market.currency;
    let (came, left) = (moved.deposits, moved.payouts);
    let id = &player.id;
    stage.tell("demo", &format!("{id}: PSPs took {came:.2} and paid {left:.2} {currency}"));
    let expected = came - left;
    let sentence = "the API tells the same of the payments";
    stage.timeline.check(sentence, told, moved)?;
    let sentence = format!("the ledger's entries and the wallet come to {expected:.2} {currency}");
    stage.timeline.check(&sentence, (booked, wallet), (expected, expected))
}

fn is_paid(withdrawal: &&Value) -> bool {
    text(withdrawal, "/status") == "paid"
}

async fn payments(stage: &Stage, player: &Player, kind: &str) -> anyhow::Result<Vec<Value>> {
    let page = stage.api.get(&format!("/v1/{kind}?player_id={}&limit=200", player.id)).await?;
    Ok(list(&page, "/data").to_vec())
}

/// What the PSPs' own books say was moved for any attempt of these payments.
async fn moved(stage: &Stage, payments: &[Value], kind: &str) -> anyhow::Result<Decimal> {
    let mut total = Decimal::ZERO;
    for attempt in payments.iter().flat_map(|payment| list(payment, "/attempts")) {
        let movements = stage.mocks.movements(text(attempt, "/psp"), text(attempt, "/id")).await?;
        let done = movements.iter().filter(|it| text(it, "/status") == "succeeded");
        total += sum(done.filter(|it| text(it, "/kind") == kind).map(|it| text(it, "/amount")))?;
    }
    Ok(total)
}

/// What the PSPs' own books say came to a player's addresses.
async fn came(stage: &Stage, player: &Player) -> anyhow::Result<Decimal> {
    let mut total = Decimal::ZERO;
    for arrival in stage.arrivals(player) {
        let movement = stage.mocks.movement(&arrival.psp, &arrival.reference).await?;
        if text(&movement, "/status") == "succeeded" {
            total += sum(std::iter::once(text(&movement, "/amount")))?;
        }
    }
    Ok(total)
}

/// Amounts in major units; nothing where there is none.
fn sum<'a>(amounts: impl Iterator<Item = &'a str>) -> anyhow::Result<Decimal> {
    let mut total = Decimal::ZERO;
    for amount in amounts.filter(|amount| !amount.is_empty()) {
        total += amount.parse::<Decimal>()?;
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_add_up_to_the_cent() {
        let total = sum(["0.10", "0.20", "", "-0.30"].into_iter()).unwrap();
        assert_eq!(total, Decimal::ZERO);
        assert!(sum(["ten"].into_iter()).is_err());
    }
}
