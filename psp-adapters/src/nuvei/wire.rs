//! Nuvei's requests, each with the checksum over its own list of fields.

use super::Nuvei;
use crate::prelude::*;
use time::macros::format_description;

/// Nuvei's ids of transactions are numbers.
pub(super) fn is_transaction_id(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// `YYYYMMDDHHmmss`.
fn stamp(at: Timestamp) -> String {
    at.format(format_description!("[year][month][day][hour][minute][second]")).unwrap_or_default()
}

/// The time of a request for money is its attempt's: a replay must be the same bytes.
fn stamp_of(attempt: AttemptRef, now: Timestamp) -> String {
    stamp(made_at(attempt).unwrap_or(now))
}

fn person(payer: &Payer, email: &str, country: &str) -> Json {
    let (given, family) = two_names(payer);
    object! { "firstName": given, "lastName": family, "email": email, "country": country }
}

impl Nuvei {
    /// A call with lower-case hex of SHA-256 over the merchant's ids, its own fields and the live secret.
    fn call(&self, name: &str, fields: Json, values: &[&str], stamp: &str) -> HttpRequest {
        let secret = self.secrets.first().map_or("", |secret| secret.expose_secret());
        let (merchant, site) = (&*self.merchant_id, &*self.merchant_site_id);
        let checksum =
            sha256([merchant, site, &values.concat(), stamp, secret].concat().as_bytes());
        let body = fields
            .and("merchantId", merchant)
            .and("merchantSiteId", site)
            .and("timeStamp", stamp)
            .and("checksum", hex::encode(checksum));
        HttpRequest::json(Method::Post, format!("{}/{name}.do", self.api_url), body.to_bytes())
    }

    pub fn session(&self, attempt: AttemptRef, now: Timestamp) -> HttpRequest {
        let id = derived_uuid(&["nuvei session", &attempt.lower()]).simple().to_string();
        let fields = object! { "clientRequestId": &id };
        self.call("getSessionToken", fields, &[&id], &stamp_of(attempt, now))
    }

    fn method(&self, email: &str) -> Json {
        let method = object! { "paymentMethod": &self.payment_method, "email": email };
        object! { "alternativePaymentMethod": method }
    }

    /// The fields of a payment, but for those that are signed and its session. None when Interac cannot
    /// be asked for it: it wants an e-mail and the payer's own address.
    pub fn payment(&self, deposit: &DepositRequest) -> Option<Json> {
        let payer = &deposit.payer;
        let (email, ip) = (given(&payer.email)?, given(&payer.ip)?);
        let back = &deposit.return_url;
        let person = person(payer, email, &deposit.country);
        // Its name comes back as the notification's `productId`, which is signed.
        let item = object! {
            "name": deposit.attempt,
            "price": deposit.money.major(),
            "quantity": "1",
        };
        let fields = object! {
            "clientUniqueId": deposit.attempt,
            "userTokenId": &payer.player_reference,
            "paymentOption": self.method(email),
            "items": vec![item],
            "deviceDetails": object! { "ipAddress": ip },
            "billingAddress": person.clone(),
            "userDetails": person,
            "urlDetails": object! {
                "successUrl": back,
                "failureUrl": back,
                "pendingUrl": back,
                "notificationUrl": &self.notify_url,
            },
        };
        Some(fields)
    }

    /// A request for money: its reference, amount and currency, signed in this order.
    pub fn for_money(
        &self,
        name: &str,
        fields: Json,
        (attempt, money): (AttemptRef, Money),
        now: Timestamp,
    ) -> HttpRequest {
        let (id, amount, currency) = (attempt.lower(), money.major(), money.currency.code());
        let fields =
            fields.and("clientRequestId", &id).and("amount", &amount).and("currency", currency);
        self.call(name, fields, &[&id, &amount, currency], &stamp_of(attempt, now)).for_money()
    }

    pub fn payout(&self, payout: &PayoutRequest, now: Timestamp) -> Option<HttpRequest> {
        let (token, payer) = (payout.destination.token.as_ref(), &payout.payer);
        let email = match &payout.destination.portable {
            Some(Portable::Email { address, .. }) => Some(address.as_str()),
            _ => payer.email.as_deref().filter(|_| token.is_some()),
        };
        let fields = object! {
            "clientUniqueId": payout.attempt,
            "userTokenId": &payer.player_reference,
            "userDetails": person(payer, email.unwrap_or_default(), &payout.country),
            "urlDetails": object! { "notificationUrl": &self.notify_url },
            "userPaymentOption": token.map(|token| object! { "userPaymentOptionId": token }),
            "deviceDetails": payer.ip.as_ref().map(|ip| object! { "ipAddress": ip }),
        };
        let fields = match token {
            Some(_) => fields,
            // A card is paid by what Nuvei has of it alone.
            None if self.is_card => return None,
            None => fields.and("paymentOption", self.method(email?)),
        };
        let about = (payout.attempt, payout.money);
        Some(self.for_money("payout", fields, about, now))
    }

    /// `authCode` and `comment` are part of the checksum, and empty when they are not sent.
    pub fn refund(
        &self,
        attempt: AttemptRef,
        money: Money,
        deposit: &str,
        now: Timestamp,
    ) -> Option<HttpRequest> {
        let (id, amount, currency) = (attempt.lower(), money.major(), money.currency.code());
        let fields = object! {
            "clientRequestId": &id,
            "clientUniqueId": &id,
            "amount": &amount,
            "currency": currency,
            "relatedTransactionId": deposit,
            "urlDetails": object! { "notificationUrl": &self.notify_url },
        };
        let signed = [&*id, &*id, &*amount, currency, deposit, "", "", &*self.notify_url];
        let request = self.call("refundTransaction", fields, &signed, &stamp_of(attempt, now));
        is_transaction_id(deposit).then(|| request.for_money())
    }

    /// By Nuvei's id or by ours; the other is empty.
    pub fn details(&self, id: &str, unique_id: &str, now: Timestamp) -> HttpRequest {
        let told = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let fields = object! { "transactionId": told(id), "clientUniqueId": told(unique_id) };
        self.call("getTransactionDetails", fields, &[id, unique_id], &stamp(now))
    }

    pub fn payout_status(&self, attempt: AttemptRef, now: Timestamp) -> HttpRequest {
        let id = attempt.lower();
        self.call("getPayoutStatus", object! { "clientRequestId": &id }, &[&id], &stamp(now))
    }
}
