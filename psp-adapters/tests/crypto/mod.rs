//! Coins: published vectors, the traps of both PSPs, and what an arrival at an address may come to.

mod coinspaid;
mod coinspaid_requests;
mod fireblocks;

use crate::support::crypto_side::{
    BITCOIN, ETHEREUM, TRON, WEBHOOK_RSA, address_of, coinspaid_account, fireblocks_account, jwks,
};
use crate::support::{Driven, attempt, drive, now, psp};
use psp_adapters::{Psp, RawWebhook, WebhookEvent, WebhookKeys, WebhookRefusal, build};
use psp_contract::{
    Currency, HttpRequest, HttpResponse, Lookup, Operation, Outcome, StatementKind, Status,
    Subject, TransportFailure,
};

fn coinspaid() -> Psp {
    psp(coinspaid_account("https://coinspaid.test"))
}

fn fireblocks() -> Psp {
    psp(fireblocks_account("https://fireblocks.test"))
}

/// A webhook with these headers, as its PSP's own account receives it.
fn receive(
    psp: &Psp,
    headers: &[(&str, String)],
    body: &[u8],
) -> Result<WebhookEvent, WebhookRefusal> {
    let header = |(name, value): &(&str, String)| ((*name).to_owned(), value.clone());
    let headers: Vec<_> = headers.iter().map(header).collect();
    let raw = RawWebhook {
        method: "POST",
        path_and_query: &format!("/webhooks/{}", psp.account_id()),
        headers: &headers,
        body,
        peer_certificate: None,
        received_at: now(),
    };
    let keys = WebhookKeys::parse(jwks(&WEBHOOK_RSA).to_string().as_bytes()).unwrap();
    let verified = psp.adapter().verify_webhook(&raw, &keys)?;
    Ok(verified.into_inner().events.remove(0))
}

fn run(
    psp: &Psp,
    operation: &Operation,
    answer: impl FnMut(&'static str, &HttpRequest) -> Result<HttpResponse, TransportFailure>,
) -> Driven {
    drive(psp.adapter(), operation, now(), None, answer)
}

/// Asks what arrived, and says what the answer comes to.
fn looked_up(psp: &Psp, id: &str, answer: &HttpResponse) -> Outcome {
    let lookup = Lookup { subject: Some(Subject::Deposit), psp_reference: id.to_owned() };
    let asked = |step, request: &HttpRequest| {
        assert_eq!((step, request.moves_money), ("lookup", false));
        Ok(answer.clone())
    };
    run(psp, &Operation::Lookup(lookup), asked).outcome
}

#[track_caller]
fn status(outcome: &Outcome) -> &Status {
    match outcome {
        Outcome::Reported(report) => &report.status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_psps_pay_the_same_addresses() {
    for psp in [coinspaid(), fireblocks()] {
        let pays = |asset: &str, network: &str, address: &str, currency| {
            psp.can_pay(&address_of(asset, network, address), currency)
        };
        assert!(pays("USDT", "tron", TRON, Currency::USDT));
        assert!(pays("USDT", "ethereum", ETHEREUM, Currency::USDT));
        assert!(pays("USDC", "ethereum", ETHEREUM, Currency::USDC));
        assert!(pays("ETH", "ethereum", ETHEREUM, Currency::ETH));
        assert!(pays("BTC", "bitcoin", BITCOIN, Currency::BTC));
        // Another network's address, another wallet, a network that nobody has, a tag that no one reads.
        assert!(!pays("USDT", "tron", ETHEREUM, Currency::USDT));
        assert!(!pays("USDT", "ethereum", ETHEREUM, Currency::USDC));
        assert!(!pays("USDT", "solana", ETHEREUM, Currency::USDT));
        let euros = pays("BTC", "bitcoin", BITCOIN, Currency::EUR);
        assert_eq!(euros, psp.adapter_name() == "coinspaid");
    }
}

#[test]
fn settings_that_name_no_network_are_faults() {
    let transport = crate::support::transport();
    for (account, key) in [
        (coinspaid_account("https://coinspaid.test"), "network_btc"),
        (fireblocks_account("https://fireblocks.test"), "network_usdc"),
    ] {
        let mut account = account;
        account.settings.insert(key.to_owned(), "lightning".to_owned());
        let faults = build(account, &transport).unwrap_err();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].key, format!("settings.{key}"));
    }
    let mut account = coinspaid_account("https://coinspaid.test");
    account.settings.insert("convert_to".to_owned(), "USDT".to_owned());
    assert_eq!(build(account, &transport).unwrap_err()[0].key, "settings.convert_to");
}

#[test]
fn an_account_of_coinspaids_tells_whose_company_it_is() {
    for (key, wrong) in [
        ("legal_name", None),
        ("country_of_registration", None),
        ("country_of_registration", Some("MT")),
        ("country_of_registration", Some("mlt")),
    ] {
        let mut account = coinspaid_account("https://coinspaid.test");
        match wrong {
            Some(wrong) => account.settings.insert(key.to_owned(), wrong.to_owned()),
            None => account.settings.remove(key),
        };
        let faults = build(account, &crate::support::transport()).unwrap_err();
        let keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, [format!("settings.{key}")], "{wrong:?}");
    }
}

#[test]
fn names_that_the_adapter_does_not_ask_for_are_faults() {
    for account in
        [coinspaid_account("https://coinspaid.test"), fireblocks_account("https://fireblocks.test")]
    {
        let mut account = account;
        account.settings.insert("network_bct".to_owned(), "bitcoin".to_owned());
        account.secrets.insert("api_secret_nxt".to_owned(), "x".repeat(16).into());
        let faults = build(account, &crate::support::transport()).unwrap_err();
        let keys: Vec<&str> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, ["settings.network_bct", "secrets.api_secret_nxt"]);
    }
}

#[test]
fn a_statement_names_players_beside_deposits_and_attempts_beside_payouts() {
    let reference = attempt(1).lower();
    let file = format!(
        "date,reference,client_reference,kind,amount,fee,currency\n\
         2026-11-20,77,{reference},deposit,12.500000,0.125000,USDT\n\
         2026-11-20,78,{reference},payout,10.500000,0.000025,USDT\n"
    );
    for psp in [coinspaid(), fireblocks()] {
        let lines = psp.read_statement(file.as_bytes()).unwrap();
        assert_eq!((lines[0].kind, lines[0].attempt), (StatementKind::Deposit, None));
        assert_eq!((lines[1].kind, lines[1].attempt), (StatementKind::Payout, Some(attempt(1))));
    }
}
