//! CoinsPaid's callbacks: numbers that must keep their zeros, arrivals, exchanges and withdrawals.

use crate::crypto::{coinspaid, looked_up, receive, run, status};
use crate::support::crypto_side::{ETHEREUM, SECRET, SECRET_NEXT, TRON, hmac_sha512, usdt};
use crate::support::{attempt, payer, payout, portable, response, to};
use psp_adapters::{WebhookEvent, WebhookRefusal};
use psp_contract::{
    AssetAmount, Currency, DeclineClass, Money, NotSent, Outcome, PayinTarget, Status, Subject,
    Unknown,
};
use serde_json::{Value, json};

fn callback(secret: &str, body: &str) -> Result<WebhookEvent, WebhookRefusal> {
    let headers = [
        ("x-processing-key", "public-key-of-the-casino".to_owned()),
        ("x-processing-signature", hmac_sha512(secret, body.as_bytes())),
    ];
    receive(&coinspaid(), &headers, body.as_bytes())
}

/// CoinsPaid's documented callback of a withdrawal with exchange, numbers and all (trap 5).
fn withdrawal_exchange() -> String {
    format!(
        r#"{{"id": 1, "foreign_id": "{}", "type": "withdrawal_exchange",
        "crypto_address": {{"id": 1, "currency": "EUR", "convert_to": "BTC",
            "address": "1K2btnZ8cqNFBPhaq729Mdj8W6G3w2nBbL", "tag": null}},
        "currency_sent": {{"currency": "EUR", "amount": "381"}},
        "currency_received": {{"currency": "BTC", "amount": "0.10882300"}},
        "transactions": [
            {{"id": 1, "currency": "EUR", "currency_to": "BTC", "transaction_type": "exchange",
              "type": "exchange", "amount": 381, "amount_to": 0.10882300}},
            {{"id": 1, "currency": "BTC", "transaction_type": "blockchain", "type": "withdrawal",
              "address": "1K2btnZ8cqNFBPhaq729Mdj8W6G3w2nBbL", "tag": null, "amount": 0.10882300,
              "txid": "aa3345b96389e126f1ce88a670d1b1e38f2c3f73fb3ecfff8d9da1b1ce6964a6",
              "confirmations": 3}}],
        "fees": [], "error": "", "status": "confirmed"}}"#,
        attempt(1).lower()
    )
}

#[test]
fn a_callback_is_verified_as_its_bytes_came_and_not_as_it_would_be_written_again() {
    let body = withdrawal_exchange();
    let event = callback(SECRET, &body).unwrap();
    let report = event.report_for(Subject::Payout).unwrap();
    let sent = Money::new(38_100, Currency::EUR);
    assert_eq!(report.status, Status::Succeeded { money: sent });
    assert_eq!(event.attempt, Some(attempt(1)));
    assert_eq!(event.event_id, "1:confirmed");
    // The control: whoever parses and writes it again loses two zeros, and the signature with them.
    let again = serde_json::from_str::<Value>(&body).unwrap().to_string();
    assert!(again.contains("0.108823,") || again.contains("0.108823}"), "{again}");
    let headers = [
        ("x-processing-key", "public-key-of-the-casino".to_owned()),
        ("x-processing-signature", hmac_sha512(SECRET, body.as_bytes())),
    ];
    let refused = receive(&coinspaid(), &headers, again.as_bytes());
    assert_eq!(refused.unwrap_err(), WebhookRefusal::Invalid("the signature does not verify"));
}

#[test]
fn both_live_secrets_are_good_and_only_for_our_own_key() {
    let body = withdrawal_exchange();
    callback(SECRET_NEXT, &body).unwrap();
    callback("the secret of last year", &body).unwrap_err();
    let headers = [
        ("x-processing-key", "somebody".to_owned()),
        ("x-processing-signature", hmac_sha512(SECRET, body.as_bytes())),
    ];
    receive(&coinspaid(), &headers, body.as_bytes()).unwrap_err();
}

/// A deposit's callback: currency and amount sent and received, confirmations, status.
fn arrival(
    sent: (&str, &str),
    received: (&str, &str),
    confirmations: &str,
    status: &str,
) -> WebhookEvent {
    let kind = if sent.0 == received.0 { "deposit" } else { "deposit_exchange" };
    let body = json!({"id": 2_686_510, "type": kind, "status": status,
        "crypto_address": {"id": 1, "currency": sent.0, "address": "x", "tag": null,
            "foreign_id": payer().player_reference},
        "currency_sent": {"currency": sent.0, "amount": sent.1},
        "currency_received": {"currency": received.0, "amount": received.1,
            "amount_minus_fee": "0.00000001"},
        "transactions": [{"transaction_type": "blockchain", "confirmations": confirmations}]});
    callback(SECRET, &body.to_string()).unwrap()
}

#[test]
fn an_arrival_is_credited_as_it_was_received_and_only_at_the_final_word() {
    let event = arrival(("USDTT", "25.50000000"), ("USDTT", "25.50000000"), "19", "confirmed");
    let payin = event.payin.unwrap();
    assert!(payin.confirmed && !event.hint_only && event.report.is_none());
    assert_eq!((payin.money, payin.asset), (usdt(25_500_000), None));
    assert_eq!(payin.target, PayinTarget::PlayerReference(payer().player_reference));
    assert_eq!(payin.psp_reference, "2686510");
    for (confirmations, word) in [("3", "not_confirmed"), ("3", "cancelled")] {
        let event = arrival(("USDTT", "25.5"), ("USDTT", "25.5"), confirmations, word);
        assert!(!event.payin.unwrap().confirmed && event.report.is_none(), "{word}");
    }
}

/// What CryptoProcessing's page "Transaction details" shows of a deposit.
#[test]
fn what_arrived_is_asked_by_its_own_id_and_told_by_coinspaids_books() {
    let told = |id: &str, change: (&str, Value)| {
        let mut body = json!({"id": 2_686_510, "type": "deposit", "status": "confirmed",
            "crypto_address": {"id": 1, "currency": "USDTT", "address": TRON, "tag": null,
                "foreign_id": payer().player_reference},
            "currency_sent": {"currency": "USDTT", "amount": "25.50000000"},
            "currency_received": {"currency": "USDTT", "amount": "25.50000000"},
            "transactions": [{"transaction_type": "blockchain", "confirmations": "19"}]});
        body[change.0] = change.1;
        looked_up(&coinspaid(), id, &response(200, body.to_string()))
    };
    let honest = || ("error", json!(""));
    let succeeded = Status::Succeeded { money: usdt(25_500_000) };
    assert_eq!(status(&told("2686510", honest())), &succeeded);
    let pending = told("2686510", ("status", json!("not_confirmed")));
    assert_eq!(status(&pending), &Status::Pending);
    assert_eq!(told("2686511", honest()), Outcome::Unknown(Unknown::Mismatch));
    let withdrawal = told("2686510", ("type", json!("withdrawal")));
    assert_eq!(withdrawal, Outcome::Unknown(Unknown::Mismatch));
    let unread = told("2686510", ("currency_received", json!({})));
    assert_eq!(unread, Outcome::Unknown(Unknown::Unreadable));
    let missing = response(404, r#"{"errors":{"id":"Transaction is not found."}}"#);
    assert_eq!(looked_up(&coinspaid(), "2686510", &missing), Outcome::NotFound);
    let not_a_number = looked_up(&coinspaid(), "x", &missing);
    assert_eq!(not_a_number, Outcome::NotSent(NotSent::NotExpressible));
}

#[test]
fn a_final_word_without_a_block_under_it_is_not_taken_for_final() {
    let event = arrival(("USDTT", "25.5"), ("USDTT", "25.5"), "0", "confirmed");
    assert!(!event.payin.unwrap().confirmed && event.hint_only);
    // CoinsPaid guarantees Bitcoin deposits that no block has yet.
    let event = arrival(("BTC", "0.5"), ("BTC", "0.5"), "0", "confirmed");
    assert!(event.payin.unwrap().confirmed && !event.hint_only);
}

#[test]
fn what_is_exchanged_is_credited_in_the_wallets_currency_and_the_coin_is_told() {
    let event = arrival(("BTC", "0.01000000"), ("EUR", "84.17070222"), "1", "confirmed");
    let payin = event.payin.unwrap();
    assert_eq!(payin.money, Money::new(8_417, Currency::EUR));
    let asset = AssetAmount { asset: "BTC".to_owned(), amount: "0.01000000".to_owned() };
    assert_eq!((payin.asset, payin.confirmed), (Some(asset), true));
}

#[test]
fn what_is_finer_than_our_books_is_cut_and_the_rest_is_told() {
    let wei = "1.234567891234567891";
    let payin = arrival(("ETH", wei), ("ETH", wei), "12", "confirmed").payin.unwrap();
    assert_eq!(payin.money, Money::new(123_456_789, Currency::ETH));
    let asset = AssetAmount { asset: "ETH".to_owned(), amount: wei.to_owned() };
    assert_eq!(payin.asset, Some(asset));
    // Dust, a coin of no table and a currency that this account does not keep are for people.
    for (coin, amount) in [("ETH", "0.000000004"), ("DOGE", "100"), ("USD", "100")] {
        let event = arrival((coin, amount), (coin, amount), "12", "confirmed");
        assert!(event.payin.is_none() && event.hint_only, "{coin}");
    }
}

/// A person may send Ether to an address of dollars: what is screened is what travelled.
#[test]
fn what_comes_in_another_coin_than_its_address_is_for_is_screened_as_that_coin() {
    let told = |sent: Option<&str>| {
        let mut body = json!({"id": 2_686_510, "type": "deposit", "status": "confirmed",
            "cross_currency": true,
            "crypto_address": {"id": 1, "currency": "USDCE", "address": ETHEREUM, "tag": null,
                "foreign_id": payer().player_reference},
            "currency_received": {"currency": "USDCE", "amount": "25.50000000"},
            "transactions": [{"transaction_type": "blockchain", "confirmations": "19",
                "txid": "0xabc"}]});
        if let Some(coin) = sent {
            body["currency_sent"] = json!({"currency": coin, "amount": "0.01000000"});
        }
        callback(SECRET, &body.to_string()).unwrap()
    };
    let screened = |event: WebhookEvent| event.payin.unwrap().chain.unwrap().asset;
    let event = told(Some("ETH"));
    let payin = event.payin.clone().unwrap();
    let asset = AssetAmount { asset: "ETH".to_owned(), amount: "0.01000000".to_owned() };
    assert_eq!((payin.money.currency, payin.asset), (Currency::USDC, Some(asset)));
    assert_eq!(screened(event), "ETH");
    assert_eq!(screened(told(None)), "USDC");
    // What nobody here can screen is for people.
    let unknown = told(Some("DOGE"));
    assert!(unknown.payin.is_none() && unknown.hint_only);
}

/// A withdrawal's callback that tells no sides, as newer ones of a withdrawal without exchange.
#[test]
fn a_withdrawal_is_also_told_by_what_its_transactions_moved() {
    let told = |kind: &str, parts: &[(&str, &str, &str, &str)]| {
        let parts: Vec<Value> = parts
            .iter()
            .map(|(of, kind, coin, amount)| {
                json!({"transaction_type": of, "type": kind, "currency": coin, "amount": amount})
            })
            .collect();
        let body = json!({"id": 7, "type": kind, "foreign_id": attempt(1).lower(),
            "status": "confirmed", "transactions": parts});
        let event = callback(SECRET, &body.to_string()).unwrap();
        let status = event.report_for(Subject::Payout).map(|report| report.status.clone());
        assert_eq!(event.hint_only, status.is_none(), "what is not read is asked about");
        status
    };
    let paid = |minor| Some(Status::Succeeded { money: usdt(minor) });
    let chain = ("blockchain", "withdrawal", "USDTE", "10.00000000");
    let within = ("internal", "withdrawal", "USDTE", "0.50000000");
    let fee = ("blockchain", "fee", "ETH", "0.00100000");
    assert_eq!(told("withdrawal", &[chain]), paid(10_000_000));
    assert_eq!(told("withdrawal", &[chain, fee, within]), paid(10_500_000));
    assert_eq!(told("withdrawal", &[]), None);
    assert_eq!(told("withdrawal", &[fee]), None);
    let other = ("blockchain", "withdrawal", "ETH", "1.00000000");
    assert_eq!(told("withdrawal", &[chain, other]), None);
    // Of an exchange the chain has other money than was asked.
    assert_eq!(told("withdrawal_exchange", &[chain]), None);
}

#[test]
fn a_withdrawal_that_failed_is_final_only_before_any_chain_had_it() {
    let told = |state: &str, txid: Value| {
        let body = json!({"id": 7, "type": "withdrawal", "foreign_id": attempt(1).lower(),
            "status": state, "currency_sent": {"currency": "USDTE", "amount": "10.5"},
            "transactions": [{"txid": txid}]});
        let event = callback(SECRET, &body.to_string()).unwrap();
        match event.report_for(Subject::Payout).unwrap().status.clone() {
            Status::Declined(decline) => (decline.class, decline.irreversible),
            other => panic!("{state}: {other:?}"),
        }
    };
    assert_eq!(told("declined", Value::Null), (DeclineClass::PspFault, true));
    assert_eq!(told("failed", Value::Null), (DeclineClass::MerchantFunds, true));
    assert_eq!(told("failed", json!("0xabc")), (DeclineClass::MerchantFunds, false));
    assert_eq!(told("cancelled", Value::Null), (DeclineClass::PspFault, false));
    assert_eq!(told("rejected", Value::Null), (DeclineClass::Compliance, false));
}

/// Of a withdrawal that ended as it was made only the ends before any chain are refusals; of every other
/// the inquiry tells.
#[test]
fn a_withdrawal_that_ended_as_it_was_made_licenses_no_other_unless_that_is_listed() {
    let operation = payout(attempt(1), usdt(10_500_000), to(portable("crypto_address").0));
    let made = |state: &str| {
        let data = json!({"data": {"id": 7, "foreign_id": attempt(1).lower(), "status": state,
            "sender_currency": "USDTE", "sender_amount": "10.50000000"}});
        let driven = run(&coinspaid(), &operation, |_, _| Ok(response(201, data.to_string())));
        status(&driven.outcome).clone()
    };
    for state in ["processing", "cancelled", "rejected"] {
        assert_eq!(made(state), Status::ACCEPTED, "{state}");
    }
    for state in ["declined", "failed"] {
        assert!(matches!(made(state), Status::Declined(it) if it.irreversible), "{state}");
    }
}
