//! Requests as a merchant sends them: signed for Trustly by hand, for TrueLayer by its own library.

use serde_json::{Value, json};

use crate::harness::{World, rsa_sign, serialise};

impl World {
    // Trustly.

    pub async fn trustly_raw(
        &self,
        method: &str,
        data: Value,
    ) -> reqwest::Result<reqwest::Response> {
        let mut data = data;
        data["Username"] = "merchant".into();
        data["Password"] = "secret".into();
        let uuid = uuid::Uuid::new_v4().to_string();
        let signature =
            rsa_sign(&self.merchant.key, &format!("{method}{uuid}{}", serialise(&data)));
        let body = json!({
            "method": method, "version": "1.1",
            "params": { "Signature": signature, "UUID": uuid, "Data": data },
        });
        let url = format!("{}/api/1", self.base("trustly-de"));
        self.http.post(url).json(&body).send().await
    }

    pub async fn trustly(&self, method: &str, data: Value) -> Value {
        let answer = self.trustly_raw(method, data).await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.json().await.unwrap()
    }

    pub fn trustly_deposit(&self, message_id: &str) -> Value {
        json!({
            "NotificationURL": format!("{}/webhooks/trustly-de", self.hook),
            "EndUserID": "player-1", "MessageID": message_id,
            "Attributes": {
                "Country": "DE", "Locale": "de_DE", "Currency": "EUR", "Amount": "100.00",
                "IP": "127.0.0.1", "SuccessURL": "https://casino.example/ok",
                "FailURL": "https://casino.example/no", "Firstname": "Erika",
                "Lastname": "Muster", "Email": "e@example.com",
            },
        })
    }

    pub async fn trustly_payout(&self, message_id: &str) -> Value {
        let account = self
            .trustly(
                "RegisterAccount",
                json!({
                    "EndUserID": "player-1", "ClearingHouse": "GERMANY", "BankNumber": "",
                    "AccountNumber": "DE89370400440532013000", "Firstname": "Erika",
                    "Lastname": "Muster",
                }),
            )
            .await;
        json!({
            "NotificationURL": format!("{}/webhooks/trustly-de", self.hook),
            "AccountID": account["result"]["data"]["accountid"], "EndUserID": "player-1",
            "MessageID": message_id, "Amount": "49.90", "Currency": "EUR",
        })
    }

    // TrueLayer.

    pub async fn fetch_token(&self) -> String {
        let url = format!("{}/connect/token", self.base("truelayer-uk"));
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", "client"),
            ("client_secret", "secret"),
            ("scope", "payments"),
        ];
        let answer = self.http.post(url).form(&form).send().await.unwrap();
        let body: Value = answer.json().await.unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn truelayer_raw(
        &self,
        path: &str,
        key: &str,
        body: &Value,
    ) -> reqwest::Result<reqwest::Response> {
        let body = body.to_string();
        let pem = self.request_key.private_key_to_pem_pkcs8().unwrap();
        let signature = truelayer_signing::sign_with_pem("request-kid", &pem)
            .method(truelayer_signing::Method::Post)
            .path(path)
            .header("Idempotency-Key", key.as_bytes())
            .body(body.as_bytes())
            .build_signer()
            .sign()
            .unwrap();
        self.http
            .post(format!("{}{path}", self.base("truelayer-uk")))
            .bearer_auth(&self.token)
            .header("Idempotency-Key", key)
            .header("Tl-Signature", signature)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
    }

    pub async fn truelayer(&self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let answer = self.truelayer_raw(path, key, body).await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    pub async fn truelayer_get(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.base("truelayer-uk"));
        let answer = self.http.get(url).bearer_auth(&self.token).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }
}

pub fn payment(reference: &str) -> Value {
    json!({
        "amount_in_minor": 10_000, "currency": "GBP",
        "payment_method": {
            "type": "bank_transfer", "provider_selection": { "type": "user_selected" },
            "beneficiary": { "type": "merchant_account", "merchant_account_id": "ma-1" },
        },
        "user": { "id": "11111111-2222-4333-8444-555555555555", "name": "Jane Smith",
            "email": "jane@example.com" },
        "metadata": { "reference": reference },
    })
}

pub fn payout(reference: &str) -> Value {
    json!({
        "merchant_account_id": "ma-1", "amount_in_minor": 4_990, "currency": "GBP",
        "beneficiary": {
            "type": "external_account", "account_holder_name": "Jane Smith",
            "account_identifier": {
                "type": "sort_code_account_number", "sort_code": "040668",
                "account_number": "00000871",
            },
            "reference": "casino",
        },
        "metadata": { "reference": reference },
    })
}
