//! Adyen's requests: bodies that never differ for the same operation.

use super::{Adyen, LINK_LIFE};
use crate::bank::British;
use crate::letters::{OF_ACCOUNTS, OF_CARDS, plain};
use crate::prelude::*;

/// The transfers' list is searched from this long before the attempt was sent: Adyen's clock is not ours.
pub(super) const SEARCH_MARGIN: time::Duration = time::Duration::hours(1);

const BRITISH: British =
    British { kind: "ukLocal", sort_code: "sortCode", account_number: "accountNumber" };

pub(super) fn amount(money: Money) -> Json {
    object! { "currency": money.currency, "value": money.minor }
}

fn person(payer: &Payer) -> Option<Json> {
    names(payer).map(|(first, last)| object! { "firstName": first, "lastName": last })
}

/// The holder of a stored card: its token is known together with the player's reference that it was stored
/// under, and wanted with it.
fn card_holder(payer: &Payer) -> Option<Json> {
    let (first, last) = names(payer)?;
    let name = object! { "firstName": plain(first, OF_CARDS)?, "lastName": plain(last, OF_CARDS)? };
    Some(name.and("reference", &payer.player_reference).and("type", "individual"))
}

/// The category of a transfer, and to whom it goes.
pub(super) fn counterparty(payout: &PayoutRequest) -> Option<(&'static str, Json)> {
    if let Some(token) = &payout.destination.token {
        let card = object! {
            "cardHolder": card_holder(&payout.payer)?,
            "cardIdentification": object! { "storedPaymentMethodId": path_id(token)? },
        };
        return Some(("card", object! { "card": card }));
    }
    let (identification, holder) = BRITISH.or_iban(payout.destination.portable.as_ref())?;
    let account = object! {
        "accountHolder": object! { "fullName": plain(holder, OF_ACCOUNTS)? },
        "accountIdentification": identification,
    };
    Some(("bank", object! { "bankAccount": account }))
}

impl Adyen {
    /// What a link and a charge have in common.
    fn payment(&self, deposit: &DepositRequest) -> Json {
        let payer = &deposit.payer;
        object! {
            "amount": amount(deposit.money),
            "countryCode": &deposit.country,
            "merchantAccount": &self.merchant_account,
            "reference": deposit.attempt,
            "returnUrl": &deposit.return_url,
            "shopperReference": &payer.player_reference,
            "shopperStatement": &self.statement_text,
            "shopperName": person(payer),
            "shopperEmail": given(&payer.email),
            "shopperLocale": given(&payer.locale),
        }
    }

    pub fn payment_link(&self, deposit: &DepositRequest) -> HttpRequest {
        let body = self
            .payment(deposit)
            .and("allowedPaymentMethods", vec!["scheme".into()])
            .and("expiresAt", after(deposit.attempt, LINK_LIFE))
            .and("reusable", false);
        self.checkout.create("paymentLinks", deposit.attempt, &body)
    }

    /// A charge of a stored card with its holder present.
    pub fn card_charge(&self, deposit: &DepositRequest, token: &str) -> Option<HttpRequest> {
        let card = object! { "type": "scheme", "storedPaymentMethodId": path_id(token)? };
        // By the issuer's page, whose address can be told, and not inside of the casino's own.
        let authentication = object! { "nativeThreeDS": "disabled" };
        let body = self
            .payment(deposit)
            .and("authenticationData", object! { "threeDSRequestData": authentication })
            .and("paymentMethod", card)
            .and("recurringProcessingModel", "CardOnFile")
            .and("shopperInteraction", "ContAuth")
            .and("shopperIP", given(&deposit.payer.ip))
            .and("channel", "Web");
        Some(self.checkout.create("payments", deposit.attempt, &body))
    }

    /// What the payer brought back, under a key of its own: the attempt's is the charge's, and after
    /// rubbish the true one must be heard.
    pub fn details(&self, attempt: AttemptRef, brought: &str) -> HttpRequest {
        let details = object! { "details": object! { "redirectResult": brought } };
        let request = self.checkout.post("payments/details", &details).for_money();
        let key = derived_uuid(&["details", &attempt.lower(), brought]);
        request.header("idempotency-key", key.to_string())
    }
}
