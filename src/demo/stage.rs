//! What all steps share: the casino, the mocks, the receiver, and what a casino does again and
//! again: it registers a player, lets them deposit, reads a wallet.

use super::Audit;
use super::client::{Answer, Api, Mocks, fresh, list, text};
use super::receiver::{Receiver, short};
use super::timeline::Timeline;
use anyhow::Context as _;
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a payment may take when nothing hinders it.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// How often the present is asked for.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(40);

/// A market of the sandbox: its country, its currency, and its PSP accounts, first choice first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Market {
    pub(super) country: &'static str,
    pub(super) currency: &'static str,
    pub(super) method: &'static str,
    pub(super) first: &'static str,
    pub(super) second: &'static str,
    /// National or tax id, phone and language of a player there.
    person: (&'static str, &'static str, &'static str),
}

pub(super) const GERMANY: Market = Market {
    country: "DE",
    currency: "EUR",
    method: "bank_transfer",
    first: "trustly-de",
    second: "truelayer-de",
    person: ("DEMO-19901231", "+4915112345678", "de-DE"),
};
pub(super) const BRITAIN: Market = Market {
    country: "GB",
    currency: "GBP",
    method: "bank_transfer",
    first: "truelayer-gb",
    second: "trustly-gb",
    person: ("DEMO-19901231", "+447700900123", "en-GB"),
};
pub(super) const SWEDEN: Market = Market {
    country: "SE",
    currency: "SEK",
    method: "bank_transfer",
    first: "swish-se",
    second: "trustly-se",
    person: ("199012319876", "+46701234567", "sv-SE"),
};
pub(super) const BRAZIL: Market = Market {
    country: "BR",
    currency: "BRL",
    method: "pix",
    first: "pix-efi-br",
    second: "mercadopago-br",
    person: ("52998224725", "+5511987654321", "pt-BR"),
};
pub(super) const MALTA: Market = Market {
    country: "MT",
    currency: "USDT",
    method: "crypto",
    first: "coinspaid",
    second: "fireblocks",
    person: ("DEMO-19901231", "+35621234567", "en-MT"),
};
/// Everybody who plays.
pub(super) const MARKETS: [Market; 5] = [GERMANY, BRITAIN, SWEDEN, BRAZIL, MALTA];

/// Coins that came to an address: nothing but the PSP's own reference names them.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) player: String,
    pub(super) psp: String,
    pub(super) reference: String,
}

/// A player of this run.
#[derive(Debug, Clone)]
pub(super) struct Player {
    pub(super) id: String,
    pub(super) market: Market,
}

/// A player's cash in their market's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cash {
    pub(super) available: String,
    pub(super) held: String,
}

impl Cash {
    pub(super) fn of(available: &str, held: &str) -> Self {
        Self { available: available.to_owned(), held: held.to_owned() }
    }
}

#[derive(Debug)]
pub(super) struct Stage {
    pub(super) api: Api,
    pub(super) mocks: Mocks,
    pub(super) casino: Receiver,
    pub(super) timeline: Timeline,
    pub(super) audit: Audit,
    /// Begins every player's id, so that runs do not meet.
    run: String,
    players: Mutex<Vec<Player>>,
    arrivals: Mutex<Vec<Arrival>>,
}

impl Stage {
    pub(super) fn new(
        api: Api,
        mocks: Mocks,
        casino: Receiver,
        timeline: Timeline,
        audit: Audit,
    ) -> Self {
        let digits = fresh();
        // The end of an id is its random part.
        let run = format!("demo-{}-", digits.get(24..).unwrap_or(&digits));
        casino.listen_for(&run);
        let (players, arrivals) = (Mutex::default(), Mutex::default());
        Self { api, mocks, casino, timeline, audit, run, players, arrivals }
    }

    pub(super) fn tell(&self, actor: &str, what: &str) {
        self.timeline.tell(actor, what);
    }

    /// Everybody who played so far.
    pub(super) fn players(&self) -> Vec<Player> {
        self.players.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps what coins came for a player.
    pub(super) fn arrived(&self, player: &Player, psp: &str, reference: &str) {
        let arrival = Arrival {
            player: player.id.clone(),
            psp: psp.to_owned(),
            reference: reference.to_owned(),
        };
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).push(arrival);
    }

    /// What coins came for a player.
    pub(super) fn arrivals(&self, player: &Player) -> Vec<Arrival> {
        let all = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|arrival| arrival.player == player.id).cloned().collect()
    }

    /// A given name that nobody had in a run before.
    pub(super) fn own_name(&self, name: &str) -> String {
        format!("{name}{}", self.run.trim_start_matches("demo").trim_end_matches('-'))
    }

    /// Registers an identified player of a market.
    pub(super) async fn player(&self, market: Market, name: &str) -> anyhow::Result<Player> {
        let (given, _) = name.split_once(' ').context("a player has two names")?;
        let id = format!("{}{}", self.run, given.to_lowercase());
        self.record(&id, market, name).await?;
        self.tell("casino", &format!("registers {id}: {}, verified", market.country));
        let player = Player { id, market };
        self.players.lock().unwrap_or_else(PoisonError::into_inner).push(player.clone());
        Ok(player)
    }

    /// The casino learns what a player is called.
    pub(super) async fn rename(&self, player: &Player, name: &str) -> anyhow::Result<()> {
        self.record(&player.id, player.market, name).await?;
        self.tell("casino", &format!("corrects the record of {}: {name}", player.id));
        Ok(())
    }

    async fn record(&self, id: &str, market: Market, name: &str) -> anyhow::Result<()> {
        let (given, family) = name.split_once(' ').context("a player has two names")?;
        let (national_id, phone, locale) = market.person;
        let record = json!({
            "country": market.country,
            "currency": market.currency,
            "full_name": name,
            "given_name": given,
            "family_name": family,
            "date_of_birth": "1990-12-31",
            "national_id": national_id,
            "email": format!("{id}@example.com"),
            "phone": phone,
            "locale": locale,
            "kyc": { "status": "verified", "level": 2 },
        });
        let answer = self.api.put(&format!("/v1/players/{id}"), &record).await?;
        let status = answer.status;
        anyhow::ensure!(matches!(status, 200 | 201), "PUT player: {status} {}", answer.body);
        Ok(())
    }

    /// What the casino sends to open a deposit.
    pub(super) fn deposit_body(&self, player: &Player, amount: &str) -> Value {
        let market = player.market;
        let mut body = json!({
            "player_id": player.id,
            "amount": amount,
            "currency": market.currency,
            "method": market.method,
            "return_url": "https://casino.example/cashier",
        });
        if market.method == "crypto" {
            body["instrument"] =
                json!({ "type": "crypto", "asset": market.currency, "network": "ethereum" });
        }
        body
    }

    /// Opens a deposit and tells what came back.
    pub(super) async fn deposit(&self, player: &Player, amount: &str) -> anyhow::Result<Value> {
        let body = self.deposit_body(player, amount);
        let deposit = self.api.post("/v1/deposits", &body).await?;
        self.opened("POST /v1/deposits", player, deposit)
    }

    /// Asks for a withdrawal and tells what came back.
    pub(super) async fn withdraw(
        &self,
        player: &Player,
        amount: &str,
        destination: Option<Value>,
    ) -> anyhow::Result<Value> {
        let mut body = json!({
            "player_id": player.id,
            "amount": amount,
            "currency": player.market.currency,
            "method": player.market.method,
        });
        if let Some(destination) = destination {
            body["destination"] = destination;
        }
        let withdrawal = self.api.post("/v1/withdrawals", &body).await?;
        self.opened("POST /v1/withdrawals", player, withdrawal)
    }

    pub(super) fn opened(
        &self,
        call: &str,
        player: &Player,
        answer: Answer,
    ) -> anyhow::Result<Value> {
        let payment = answer.expect(201)?;
        let (amount, currency) = (text(&payment, "/amount"), text(&payment, "/currency"));
        let (id, status) = (short(text(&payment, "/id")), text(&payment, "/status"));
        let name = &player.id;
        self.tell("casino", &format!("{call} {amount} {currency} for {name}: 201 {id} {status}"));
        Ok(payment)
    }

    /// The payment once it has a status.
    pub(super) async fn payment_when(
        &self,
        id: &str,
        status: &str,
        patience: Duration,
    ) -> anyhow::Result<Value> {
        let until = Instant::now() + patience;
        loop {
            let payment = self.payment(id).await?;
            let found = text(&payment, "/status");
            if found == status {
                self.tell("interlock", &format!("{} is {status}", short(id)));
                return Ok(payment);
            }
            anyhow::ensure!(Instant::now() < until, "{id} is not {status} in time but {found}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The payment as it is now.
    pub(super) async fn payment(&self, id: &str) -> anyhow::Result<Value> {
        let kind = if id.starts_with("dep_") { "deposits" } else { "withdrawals" };
        self.api.get(&format!("/v1/{kind}/{id}")).await
    }

    /// The payment once its newest attempt is with a PSP that has said so.
    pub(super) async fn with_the_psp(&self, id: &str) -> anyhow::Result<Value> {
        let until = Instant::now() + PATIENCE;
        loop {
            let payment = self.payment(id).await?;
            let newest = list(&payment, "/attempts").last();
            if newest.is_some_and(|attempt| text(attempt, "/status") == "accepted") {
                return Ok(payment);
            }
            anyhow::ensure!(Instant::now() < until, "no PSP has accepted {id} in time");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The one movement that a PSP booked for the payment's newest attempt.
    pub(super) async fn movement(&self, payment: &Value) -> anyhow::Result<(String, Value)> {
        let attempt = list(payment, "/attempts").last().context("the payment has no attempt")?;
        let (psp, id) = (text(attempt, "/psp"), text(attempt, "/id"));
        let found = self.mocks.movements(psp, id).await?;
        let [movement] = found.as_slice() else {
            anyhow::bail!("{psp} booked {} movements for {id}, not one", found.len());
        };
        Ok((psp.to_owned(), movement.clone()))
    }

    /// The payer pays, or the bank carries out, what the newest attempt asked for.
    pub(super) async fn acts(&self, actor: &str, payment: &Value) -> anyhow::Result<Value> {
        let (psp, movement) = self.movement(payment).await?;
        let movement = self.mocks.complete(&psp, text(&movement, "/reference")).await?;
        let (amount, currency) = (text(&movement, "/amount"), text(&movement, "/currency"));
        let verb = if actor == "payer" { "pays" } else { "carries out" };
        self.tell(actor, &format!("{verb} {amount} {currency} at {psp}"));
        Ok(movement)
    }

    /// A player with money: one deposit, paid and credited.
    pub(super) async fn funded(&self, player: &Player, amount: &str) -> anyhow::Result<Value> {
        let deposit = self.deposit(player, amount).await?;
        self.acts("payer", &deposit).await?;
        let deposit = self.payment_when(text(&deposit, "/id"), "succeeded", PATIENCE).await?;
        self.casino.hears("deposit.succeeded", text(&deposit, "/id")).await?;
        Ok(deposit)
    }

    pub(super) async fn cash(&self, player: &Player) -> anyhow::Result<Cash> {
        let wallet = self.api.get(&format!("/v1/players/{}/wallet", player.id)).await?;
        let purse = list(&wallet, "/balances").iter().find(|purse| {
            text(purse, "/fund") == "cash" && text(purse, "/currency") == player.market.currency
        });
        // A wallet begins with its first entry.
        Ok(purse.map_or_else(
            || Cash::of("0.00", "0.00"),
            |purse| Cash::of(text(purse, "/available"), text(purse, "/held")),
        ))
    }

    /// Checks the wallet and says it in a sentence.
    pub(super) async fn wallet_is(
        &self,
        player: &Player,
        available: &str,
        held: &str,
    ) -> anyhow::Result<()> {
        let currency = player.market.currency;
        let reserved = if held == "0.00" { "nothing" } else { held };
        let sentence = format!("the wallet holds {available} {currency}, {reserved} is reserved");
        self.timeline.check(&sentence, self.cash(player).await?, Cash::of(available, held))
    }

    /// The player's ledger entries, newest first.
    pub(super) async fn entries(&self, player: &Player) -> anyhow::Result<Vec<Value>> {
        let page = self.api.get(&format!("/v1/players/{}/entries?limit=200", player.id)).await?;
        Ok(list(&page, "/data").to_vec())
    }

    /// How often a business fact was booked for a payment on one of the player's accounts.
    pub(super) async fn booked(
        &self,
        player: &Player,
        payment: &str,
        kind: &str,
        account: &str,
    ) -> anyhow::Result<usize> {
        let is_it = |entry: &&Value| {
            text(entry, "/payment_id") == payment
                && text(entry, "/kind") == kind
                && text(entry, "/account") == account
        };
        Ok(self.entries(player).await?.iter().filter(is_it).count())
    }
}
