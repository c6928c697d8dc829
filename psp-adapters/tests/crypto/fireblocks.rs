//! Fireblocks: whose transfer it is, what counts as done, and signatures that everybody shares.

use crate::crypto::{fireblocks, looked_up, receive, run, status};
use crate::support::crypto_side::{
    ETHEREUM, WEBHOOK_KID, WEBHOOK_RSA, WORKSPACE, fireblocks_account, jwks, jws, legacy_signature,
    usdt, webhook_signature,
};
use crate::support::{
    FOREIGN_RSA, attempt, deposit, inquiry, payer, payout, portable, psp, response, to,
};
use psp_adapters::{WebhookEvent, WebhookKeys, WebhookRefusal};
use psp_contract::{
    DeclineClass, HttpResponse, InquiryBy, NotSent, Outcome, PayinTarget, Status, Subject,
    TransportFailure, Unknown,
};
use serde_json::{Value, json};

fn webhook(event: &Value) -> Result<WebhookEvent, WebhookRefusal> {
    let body = event.to_string().into_bytes();
    let headers = [("fireblocks-webhook-signature", webhook_signature(&WEBHOOK_RSA, &body))];
    receive(&fireblocks(), &headers, &body)
}

fn event(data: &Value) -> Value {
    json!({"id": "e-1", "eventType": "transaction.status.updated", "eventVersion": 1,
        "data": data, "createdAt": 1, "workspaceId": WORKSPACE})
}

/// A transfer into a player's vault account.
fn transfer() -> Value {
    json!({"id": "tx-1", "status": "COMPLETED", "subStatus": "CONFIRMED", "operation": "TRANSFER",
        "assetId": "USDT_ERC20", "txHash": "0x1", "numOfConfirmations": 12,
        "source": {"type": "UNKNOWN", "id": null, "name": "External"},
        "sourceAddress": "0xde709f2102306220921060314715629080e2fb77",
        "destination": {"type": "VAULT_ACCOUNT", "id": "17", "name": payer().player_reference},
        "destinationAddress": ETHEREUM,
        "amountInfo": {"amount": "25.5", "netAmount": "25.5"}})
}

/// A payout of ours.
fn outgoing(state: &str, sub_status: &str, hash: &str) -> Value {
    json!({"id": "tx-2", "externalTxId": attempt(1).lower(), "status": state,
        "subStatus": sub_status, "txHash": hash, "operation": "TRANSFER", "assetId": "USDT_ERC20",
        "source": {"type": "VAULT_ACCOUNT", "id": "0"}, "destination": {"type": "ONE_TIME_ADDRESS"},
        "amountInfo": {"amount": "10.5"}})
}

#[test]
fn a_transfer_from_outside_is_a_players_and_housekeeping_is_nobodys() {
    let told = webhook(&event(&transfer())).unwrap();
    let payin = told.payin.unwrap();
    assert!(payin.confirmed && !told.hint_only);
    assert_eq!(payin.money, usdt(25_500_000));
    assert_eq!(payin.target, PayinTarget::PlayerReference(payer().player_reference));
    let shown = payin.payer.unwrap();
    assert_eq!((shown.portable, shown.masked.as_deref()), (None, Some("0xde70…fb77")));
    for (field, value) in [
        ("source", json!({"type": "VAULT_ACCOUNT", "id": "9"})),
        ("source", json!({"type": "GAS_STATION", "id": "1"})),
        ("source", json!({"type": "EXCHANGE_ACCOUNT", "id": "1"})),
        ("source", json!({"type": "INTERNAL_WALLET", "id": "1"})),
        ("source", json!({"type": "FIAT_ACCOUNT", "id": "1"})),
        ("source", json!({"type": "COMPOUND", "id": "1"})),
        ("destination", json!({"type": "VAULT_ACCOUNT", "id": "0", "name": "Payouts"})),
        ("destination", json!({"type": "EXTERNAL_WALLET", "id": "1"})),
        ("operation", json!("CONTRACT_CALL")),
    ] {
        let mut data = transfer();
        data[field] = value;
        let told = webhook(&event(&data)).unwrap();
        let silent = told.payin.is_none() && told.report.is_none() && !told.hint_only;
        assert!(silent, "{field}: {told:?}");
    }
    // Swept by hand to the vault account that pays out: no payout either.
    let mut data = outgoing("COMPLETED", "CONFIRMED", "0x2");
    data["destination"] = json!({"type": "VAULT_ACCOUNT", "id": "3"});
    let told = webhook(&event(&data)).unwrap();
    assert!(told.attempt.is_none() && told.report.is_none());
}

/// The list of sources grows: what comes from one that we do not know is put before people, not dropped.
#[test]
fn what_comes_from_anybody_but_ourselves_is_read_or_put_before_people() {
    for (source, is_read) in [
        ("UNKNOWN", true),
        ("EXTERNAL_WALLET", true),
        ("UNMANAGED_WALLET", true),
        ("CONTRACT", true),
        ("PROGRAM_CALL", true),
        ("NETWORK_CONNECTION", true),
        ("ONE_TIME_ADDRESS", true),
        ("END_USER_WALLET", true),
        ("MULTI_DESTINATION", true),
        ("OEC_PARTNER", true),
        ("SOMETHING_NEW", false),
        ("", false),
    ] {
        let mut data = transfer();
        data["source"]["type"] = source.into();
        let told = webhook(&event(&data)).unwrap();
        let payin = told.payin.unwrap();
        assert_eq!(payin.money, usdt(25_500_000), "{source}");
        assert_eq!(told.hint_only, !is_read, "{source}");
        data["status"] = "CONFIRMING".into();
        let told = webhook(&event(&data)).unwrap();
        assert!(!told.hint_only && !told.payin.unwrap().confirmed, "{source} is under way");
    }
}

/// The coins of an arrival that was stopped may lie in the player's vault account, frozen.
#[test]
fn an_arrival_that_was_stopped_is_for_people_unless_the_chain_never_took_it() {
    for (state, sub_status, for_people) in [
        ("REJECTED", "AUTO_FREEZE", true),
        ("REJECTED", "REJECTED_AML_SCREENING", true),
        ("REJECTED", "DOUBLE_SPENDING", true),
        ("COMPLETED", "FROZEN_MANUALLY", true),
        ("CANCELLED", "CANCELLED_BY_USER", true),
        ("BLOCKED", "BLOCKED_BY_POLICY", true),
        ("FAILED", "FAILED_AML_SCREENING", true),
        ("FAILED", "", true),
        ("FAILED", "DOUBLE_SPENDING", false),
        ("FAILED", "DROPPED_BY_BLOCKCHAIN", false),
        ("FAILED", "REJECTED_BY_BLOCKCHAIN", false),
        ("PENDING_AML_SCREENING", "", false),
    ] {
        let mut data = transfer();
        data["status"] = state.into();
        data["subStatus"] = sub_status.into();
        let told = webhook(&event(&data)).unwrap();
        assert_eq!(told.hint_only, for_people, "{state} {sub_status}");
        assert!(!told.payin.unwrap().confirmed, "{state} {sub_status}");
    }
}

#[test]
fn what_arrived_is_asked_by_its_own_id_and_told_by_fireblocks_books() {
    let told =
        |id: &str, data: &Value| looked_up(&fireblocks(), id, &response(200, data.to_string()));
    let succeeded = Status::Succeeded { money: usdt(25_500_000) };
    assert_eq!(status(&told("tx-1", &transfer())), &succeeded);
    let mut under_way = transfer();
    under_way["status"] = "CONFIRMING".into();
    assert_eq!(status(&told("tx-1", &under_way)), &Status::Pending);
    assert_eq!(told("tx-9", &transfer()), Outcome::Unknown(Unknown::Mismatch));
    // A payout is nobody's deposit.
    let payout = outgoing("COMPLETED", "CONFIRMED", "0x2");
    assert_eq!(told("tx-2", &payout), Outcome::Unknown(Unknown::Unreadable));
    let missing = response(404, r#"{"message":"The transaction was not found","code":1404}"#);
    assert_eq!(looked_up(&fireblocks(), "tx-1", &missing), Outcome::NotFound);
}

#[test]
fn a_transfer_counts_only_when_every_party_has_it() {
    for (field, value, for_people) in [
        ("status", json!("CONFIRMING"), false),
        ("status", json!("FAILED"), true),
        ("subStatus", json!("COMPLETED_BUT_3RD_PARTY_FAILED"), true),
        ("subStatus", json!("COMPLETED_BUT_3RD_PARTY_REJECTED"), true),
        ("numOfConfirmations", json!(0), true),
    ] {
        let mut data = transfer();
        data[field] = value.clone();
        let told = webhook(&event(&data)).unwrap();
        assert!(!told.payin.unwrap().confirmed, "{value}");
        assert_eq!(told.hint_only, for_people, "{value}");
    }
    let mut data = transfer();
    data["assetId"] = "DOGE".into();
    let told = webhook(&event(&data)).unwrap();
    assert!(told.payin.is_none() && told.hint_only);
}

#[test]
fn completed_with_a_third_party_that_failed_is_no_success_and_no_return() {
    for sub_status in ["COMPLETED_BUT_3RD_PARTY_FAILED", "COMPLETED_BUT_3RD_PARTY_REJECTED"] {
        let data = outgoing("COMPLETED", sub_status, "0x2");
        let told = webhook(&event(&data)).unwrap();
        assert!(told.report.is_none() && told.hint_only, "{told:?}");
        let by = InquiryBy::OurReference;
        let question = inquiry(Subject::Payout, attempt(1), usdt(10_500_000), by);
        let asked = run(&fireblocks(), &question, |_, _| Ok(response(200, data.to_string())));
        assert_eq!(asked.outcome, Outcome::Unknown(Unknown::PspUndecided));
    }
}

#[test]
fn a_payout_that_failed_after_it_was_taken_never_licenses_another() {
    let told = |state: &str, sub_status: &str| {
        let event = webhook(&event(&outgoing(state, sub_status, ""))).unwrap();
        match event.report_for(Subject::Payout).unwrap().status.clone() {
            Status::Declined(it) => (it.class, it.retry_elsewhere, it.irreversible),
            other => panic!("{sub_status}: {other:?}"),
        }
    };
    for (state, sub_status, class, elsewhere) in [
        ("BLOCKED", "BLOCKED_BY_POLICY", DeclineClass::Configuration, true),
        ("FAILED", "INSUFFICIENT_FUNDS", DeclineClass::MerchantFunds, true),
        ("REJECTED", "REJECTED_AML_SCREENING", DeclineClass::Compliance, false),
        ("FAILED", "INVALID_ADDRESS", DeclineClass::AccountInvalid, false),
        ("FAILED", "DROPPED_BY_BLOCKCHAIN", DeclineClass::PspFault, true),
        ("FAILED", "SOMETHING_NEW", DeclineClass::PspFault, true),
        ("FAILED", "", DeclineClass::PspFault, true),
    ] {
        assert_eq!(told(state, sub_status), (class, elsewhere, false), "{sub_status}");
    }
}

#[test]
fn a_refused_payout_counts_as_refused_only_when_nothing_is_found() {
    let operation = payout(attempt(1), usdt(10_500_000), to(portable("crypto_address").0));
    let refusal = || response(400, r#"{"message":"The amount is invalid","code":1407}"#);
    let with = |looked_up: Result<HttpResponse, TransportFailure>| {
        let mut looked_up = Some(looked_up);
        let driven = run(&fireblocks(), &operation, |step, request| {
            if step == "create_payout" {
                return Ok(refusal());
            }
            assert!(request.url.ends_with(&format!("/external_tx_id/{}", attempt(1).lower())));
            looked_up.take().unwrap()
        });
        assert_eq!(driven.requests.len(), 2);
        driven.outcome
    };
    let missing = response(404, r#"{"message":"Transaction not found","code":1404}"#);
    assert!(matches!(status(&with(Ok(missing))), Status::Declined(_)));
    let found = response(200, outgoing("SUBMITTED", "", "").to_string());
    assert_eq!(*status(&with(Ok(found))), Status::Pending);
    // It was taken: that it failed afterwards is told by the next inquiry, and licenses nobody here.
    for state in ["FAILED", "CANCELLED", "BLOCKED", "REJECTED"] {
        let found = response(200, outgoing(state, "", "").to_string());
        assert_eq!(*status(&with(Ok(found))), Status::ACCEPTED, "{state}");
    }
    let undecided = Outcome::Unknown(Unknown::PspUndecided);
    let lost = TransportFailure::Unknown(Unknown::ReadTimeout);
    assert_eq!(with(Err(lost)), undecided);
    let never_asked = TransportFailure::NotSent(NotSent::ConnectRefused);
    assert_eq!(with(Err(never_asked)), undecided);
    let other = with(Ok(response(502, "<html></html>")));
    assert_eq!(other, Outcome::Unknown(Unknown::ServerError));
    let gateway = with(Ok(response(404, "<html></html>")));
    assert_eq!(gateway, Outcome::Unknown(Unknown::Unreadable));
}

/// A look-up that is not let in proves that nothing was only where the creation was not let in either, and
/// where it is Fireblocks that says so.
#[test]
fn a_look_up_that_is_turned_away_keeps_a_refusal_at_the_door_only() {
    let operation = payout(attempt(1), usdt(10_500_000), to(portable("crypto_address").0));
    let door = |status| response(status, r#"{"message":"Unauthorized","code":-1}"#);
    let amount = || response(400, r#"{"message":"The amount is invalid","code":1407}"#);
    let page = |status| response(status, "<html><body>Access denied</body></html>");
    let told = |first: HttpResponse, second: HttpResponse| {
        let mut answers = [first, second].into_iter();
        run(&fireblocks(), &operation, |_, _| Ok(answers.next().unwrap())).outcome
    };
    for code in [401, 403] {
        assert!(matches!(status(&told(door(code), door(code))), Status::Declined(_)), "{code}");
        for (first, second) in
            [(amount(), page(code)), (amount(), door(code)), (door(code), page(code))]
        {
            let told = told(first, second);
            assert!(matches!(told, Outcome::Unknown(_)), "{code}: {told:?}");
        }
    }
}

#[test]
fn a_players_vault_account_is_found_before_one_is_made() {
    let name = payer().player_reference;
    let operation = deposit(attempt(1), usdt(10_500_000));
    let accounts = json!({"accounts": [
        {"id": "9", "name": name, "assets": []},
        {"id": "7", "name": name, "assets": [{"id": "USDT_ERC20"}]},
        {"id": "3", "name": format!("{name}x"), "assets": [{"id": "USDT_ERC20"}]}]});
    let driven = run(&fireblocks(), &operation, |step, request| {
        assert!(!request.moves_money);
        Ok(match step {
            "find_vault" => {
                assert!(request.url.contains(&format!("namePrefix={name}&")));
                response(200, accounts.to_string())
            }
            "find_address" => {
                assert!(request.url.ends_with("/vault/accounts/7/USDT_ERC20/addresses_paginated"));
                let found = json!({"addresses": [{"address": ETHEREUM, "tag": ""}]});
                response(200, found.to_string())
            }
            other => panic!("{other}"),
        })
    });
    assert!(matches!(status(&driven.outcome), Status::Accepted { next_action: Some(_), .. }));
}

#[test]
fn events_of_another_workspace_and_other_signatures_are_refused() {
    let genuine = event(&transfer());
    webhook(&genuine).unwrap();
    let mut foreign = genuine.clone();
    foreign["workspaceId"] = "somebody else's".into();
    let refused = webhook(&foreign).unwrap_err();
    assert_eq!(refused, WebhookRefusal::Invalid("an event of another workspace"));
    foreign.as_object_mut().unwrap().remove("workspaceId");
    webhook(&foreign).unwrap_err();
    let body = genuine.to_string().into_bytes();
    let kid = WEBHOOK_KID;
    for header in [
        json!({"alg": "RS256", "kid": kid}),
        json!({"alg": "none", "kid": kid}),
        json!({"alg": "RS512"}),
        json!({"alg": "RS512", "kid": "another"}),
        json!({"alg": "RS512", "kid": kid, "b64": false, "crit": ["b64"]}),
        json!({"alg": "RS512", "kid": kid, "b64": true}),
    ] {
        let signature = jws(&WEBHOOK_RSA, &header, &body);
        let headers = [("fireblocks-webhook-signature", signature)];
        receive(&fireblocks(), &headers, &body).unwrap_err();
    }
    // The older signature is not taken for the newer one.
    let headers = [("fireblocks-signature", legacy_signature(&WEBHOOK_RSA, &body))];
    receive(&fireblocks(), &headers, &body).unwrap_err();
}

#[test]
fn the_older_signature_is_spoken_where_it_is_configured() {
    let mut account = fireblocks_account("https://fireblocks.test");
    account.settings.insert("webhook_signature".to_owned(), "legacy".to_owned());
    let pem = WEBHOOK_RSA.public_pem.as_str();
    account.secrets.insert("webhook_public_key_pem".to_owned(), pem.into());
    let psp = psp(account);
    assert_eq!(psp.adapter().webhook_keys_url(), None);
    let version_1 = json!({"type": "TRANSACTION_STATUS_UPDATED", "tenantId": WORKSPACE,
        "timestamp": 1, "data": transfer()});
    let body = version_1.to_string().into_bytes();
    let signed = |pair| [("fireblocks-signature", legacy_signature(pair, &body))];
    let told = receive(&psp, &signed(&WEBHOOK_RSA), &body).unwrap();
    assert!(told.payin.unwrap().confirmed);
    assert_eq!(told.event_id, hex::encode(openssl::sha::sha256(&body)));
    receive(&psp, &signed(&FOREIGN_RSA), &body).unwrap_err();
    let headers = [("fireblocks-webhook-signature", webhook_signature(&WEBHOOK_RSA, &body))];
    receive(&psp, &headers, &body).unwrap_err();
}

#[test]
fn published_keys_are_rsa_of_a_good_size_for_rs512() {
    let good = jwks(&WEBHOOK_RSA);
    let with = |name: &str, value: &str| {
        let mut set = good.clone();
        set["keys"][0][name] = value.into();
        WebhookKeys::parse(set.to_string().as_bytes())
    };
    assert!(WebhookKeys::parse(good.to_string().as_bytes()).is_some());
    assert!(with("alg", "RS256").is_none());
    assert!(with("use", "enc").is_none());
    assert!(with("kty", "EC").is_none());
    assert!(with("n", "AQAB").is_none());
}
