//! What CoinsPaid is asked for: its published signature, whom it wants named, and addresses.

use crate::crypto::{coinspaid, run, status};
use crate::support::crypto_side::{BITCOIN, TRON, coinspaid_account, hmac_sha512, usdt};
use crate::support::{attempt, deposit, deposit_with, payer, payout, portable, psp, response, to};
use psp_contract::{
    Currency, HttpRequest, Instrument, Money, NextAction, NotSent, Operation, Outcome, Payer,
    Status, Unknown,
};
use serde_json::{Value, json};

/// The vector of CryptoProcessing's page "Authentication".
#[test]
fn coinspaids_published_signature_is_the_one_that_is_sent() {
    let mut account = coinspaid_account("https://coinspaid.test");
    account.secrets.insert("api_secret".to_owned(), "AbCdEfG123456".into());
    let Operation::CreateDeposit(mut request) = deposit(attempt(1), Money::new(1, Currency::BTC))
    else {
        panic!("a deposit")
    };
    request.payer.player_reference = "123456".to_owned();
    let mut sent = None;
    run(&psp(account), &Operation::CreateDeposit(request), |_, request| {
        sent = Some(request.clone());
        Ok(response(500, ""))
    });
    let sent = sent.unwrap();
    assert_eq!(sent.url, "https://coinspaid.test/api/v2/addresses/take");
    let signature = sent.headers.iter().find(|(name, _)| *name == "x-processing-signature");
    // By the arithmetic that gives the vector, over the bytes that were sent.
    let secret = "AbCdEfG123456";
    assert_eq!(signature.unwrap().1, hmac_sha512(secret, &sent.body));
    assert_eq!(
        hmac_sha512(secret, br#"{"currency":"BTC","foreign_id":"123456"}"#),
        "03c25fcf7cd35e7d995e402cd5d51edd72d48e1471e865907967809a0c189ba55b90815f20e2bb10f82c7a9e9d865546fda58989c2ae9e8e2ff7bc29195fa1ec"
    );
}

/// What was sent of an operation, in the first request.
fn first_body(operation: &Operation) -> Option<Value> {
    let driven = run(&coinspaid(), operation, |_, _| Ok(response(500, "")));
    let (_, request) = driven.requests.first()?;
    Some(serde_json::from_slice(&request.body).unwrap())
}

/// As its pages "Generate a crypto address" and "Withdraw crypto" show it.
#[test]
fn who_sends_and_who_is_paid_is_told_with_every_address_and_withdrawal() {
    let player = json!({"first_name": "Erika", "last_name": "Mustermann",
        "date_of_birth": "1990-12-31"});
    let taken = first_body(&deposit(attempt(1), usdt(10_500_000))).unwrap();
    assert_eq!(taken["end_user_reference"], payer().player_reference);
    assert_eq!((&taken["sender_type"], &taken["sender_data"]), (&json!("natural"), &player));
    let address = || to(portable("crypto_address").0);
    let sent = first_body(&payout(attempt(1), usdt(10_500_000), address())).unwrap();
    assert_eq!(sent["end_user_reference"], payer().player_reference);
    let casino = json!({"legal_name": "Interlock Casino Ltd", "country_of_registration": "MLT"});
    assert_eq!((&sent["sender_type"], &sent["sender_data"]), (&json!("legal"), &casino));
    assert_eq!((&sent["receiver_type"], &sent["receiver_data"]), (&json!("natural"), &player));
}

#[test]
fn a_player_who_cannot_be_named_as_the_law_wants_is_for_another_psp() {
    let nobody = |payer: &mut Payer| payer.full_name = "Erika".to_owned();
    let unborn = |payer: &mut Payer| payer.date_of_birth = None;
    for change in [nobody as fn(&mut Payer), unborn] {
        let mut taken = deposit(attempt(1), usdt(10_500_000));
        let mut sent = payout(attempt(1), usdt(10_500_000), to(portable("crypto_address").0));
        for operation in [&mut taken, &mut sent] {
            match operation {
                Operation::CreateDeposit(it) => change(&mut it.payer),
                Operation::CreatePayout(it) => change(&mut it.payer),
                _ => panic!("a deposit or a payout"),
            }
            let driven = run(&coinspaid(), operation, |_, _| panic!("nothing is sent"));
            assert_eq!(driven.outcome, Outcome::NotSent(NotSent::NotExpressible));
        }
    }
}

/// Its newer pages repeat no conversion in the answer.
#[test]
fn an_address_is_ours_unless_it_converts_otherwise_than_was_asked() {
    let taken = |currency: Currency, echo: Option<&str>| {
        let network = "bitcoin".to_owned();
        let instrument = Instrument::Crypto { asset: "BTC".to_owned(), network };
        let operation = deposit_with(attempt(1), Money::new(6_000, currency), Some(instrument));
        let driven = run(&coinspaid(), &operation, |step, _| {
            let data = match step {
                "quote" => json!({"sender_amount": "0.00100000", "sender_currency": "BTC"}),
                _ => json!({"id": 1, "currency": "BTC", "convert_to": echo, "address": BITCOIN,
                    "tag": null, "foreign_id": payer().player_reference}),
            };
            Ok(response(201, json!({"data": data}).to_string()))
        });
        driven.outcome
    };
    for (currency, echo) in
        [(Currency::EUR, Some("EUR")), (Currency::EUR, None), (Currency::BTC, None)]
    {
        let outcome = taken(currency, echo);
        assert!(matches!(status(&outcome), Status::Accepted { .. }), "{currency} {echo:?}");
    }
    for (currency, echo) in [(Currency::EUR, "USD"), (Currency::BTC, "EUR")] {
        let outcome = taken(currency, Some(echo));
        assert_eq!(outcome, Outcome::Unknown(Unknown::Mismatch), "{currency} {echo}");
    }
}

#[test]
fn a_wallet_in_euros_is_told_how_much_of_the_coin_to_send() {
    let instrument = Instrument::Crypto { asset: "BTC".to_owned(), network: "bitcoin".to_owned() };
    let money = Money::new(6_000, Currency::EUR);
    let operation = deposit_with(attempt(1), money, Some(instrument));
    let answer = |step: &str, request: &HttpRequest| {
        assert!(!request.moves_money);
        let sent: Value = serde_json::from_slice(&request.body).unwrap();
        Ok(if step == "quote" {
            assert_eq!(sent["receiver_amount"], "60.00");
            let quote = json!({"data": {"sender_amount": "0.00100000", "sender_currency": "BTC",
                "receiver_amount": "60.00000000", "receiver_currency": "EUR"}});
            response(200, quote.to_string())
        } else {
            assert_eq!(sent["convert_to"], "EUR");
            let taken = json!({"data": {"id": 1, "currency": "BTC", "convert_to": "EUR",
                "address": BITCOIN, "tag": null, "foreign_id": payer().player_reference}});
            response(201, taken.to_string())
        })
    };
    let driven = run(&coinspaid(), &operation, answer);
    let Status::Accepted { next_action: Some(action), .. } = status(&driven.outcome) else {
        panic!("{:?}", driven.outcome)
    };
    let expected = NextAction::CryptoTransfer {
        address: BITCOIN.to_owned(),
        network: "bitcoin".to_owned(),
        asset: "BTC".to_owned(),
        asset_amount: "0.00100000".to_owned(),
        expires_at: None,
    };
    assert_eq!(*action, expected);
    // Without a coin named, euros cannot be sent; without a quote, no address is given.
    let unnamed = run(&coinspaid(), &deposit(attempt(1), money), |_, _| panic!("nothing is sent"));
    assert_eq!(unnamed.outcome, Outcome::NotSent(NotSent::NotExpressible));
    let unquoted = run(&coinspaid(), &operation, |_, _| Ok(response(429, "{}")));
    assert_eq!(unquoted.outcome, Outcome::NotSent(NotSent::PreparationFailed));
}

#[test]
fn an_address_with_a_broken_check_sum_is_shown_to_nobody() {
    let taken = |address: &str, owner: &str| {
        let data = json!({"id": 1, "currency": "BTC", "address": address, "tag": null,
            "foreign_id": owner});
        let operation = deposit(attempt(1), Money::new(1_000, Currency::BTC));
        run(&coinspaid(), &operation, |_, _| Ok(response(201, json!({"data": data}).to_string())))
            .outcome
    };
    let ours = payer().player_reference;
    assert!(matches!(status(&taken(BITCOIN, &ours)), Status::Accepted { .. }));
    let broken = BITCOIN.replace("w508", "w509");
    assert_eq!(taken(&broken, &ours), Outcome::Unknown(Unknown::Unreadable));
    assert_eq!(taken(TRON, &ours), Outcome::Unknown(Unknown::Unreadable));
    assert_eq!(taken(BITCOIN, "another player"), Outcome::Unknown(Unknown::Mismatch));
}
