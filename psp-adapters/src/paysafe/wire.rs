//! Paysafe's requests. All of them carry our reference, and what makes something refuses it twice.

use super::Paysafe;
use crate::prelude::*;

/// How the payer pays, and what Paysafe calls the fields that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentType {
    Interac,
    Skrill,
    Neteller,
    /// By the token of a card that Paysafe's script on the casino's page has stored.
    Card,
}

impl PaymentType {
    pub fn parse(text: &str, method: &str) -> Option<Self> {
        match (text, method) {
            ("INTERAC_ETRANSFER", "interac") => Some(Self::Interac),
            ("SKRILL", "e_wallet") => Some(Self::Skrill),
            ("NETELLER", "e_wallet") => Some(Self::Neteller),
            ("CARD", "card") => Some(Self::Card),
            _ => None,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Interac => "INTERAC_ETRANSFER",
            Self::Skrill => "SKRILL",
            Self::Neteller => "NETELLER",
            Self::Card => "CARD",
        }
    }

    pub const fn key(self) -> &'static str {
        match self {
            Self::Interac => "interacEtransfer",
            Self::Skrill => "skrill",
            Self::Neteller => "neteller",
            Self::Card => "card",
        }
    }

    /// Interac moves Canadian dollars; of the others' currencies those that are asked for here.
    pub const fn moves(self, currency: Currency) -> bool {
        match self {
            Self::Interac => matches!(currency, Currency::CAD),
            Self::Skrill | Self::Neteller | Self::Card => {
                matches!(currency, Currency::CAD | Currency::EUR | Currency::GBP)
            }
        }
    }
}

/// What every creation says of itself.
fn base(attempt: AttemptRef, money: Money) -> Json {
    object! {
        "merchantRefNum": attempt,
        "amount": money.minor,
        "currencyCode": money.currency,
        "dupCheck": true,
    }
}

/// Paysafe reads this body strictly: what belongs to the handle is refused here.
fn spending(attempt: AttemptRef, money: Money, payer: &Payer, token: &str) -> Json {
    base(attempt, money).and("paymentHandleToken", token).and("customerIp", payer.ip.as_ref())
}

impl Paysafe {
    /// The records of a resource under our reference.
    pub fn by_reference(&self, resource: &str, attempt: AttemptRef) -> HttpRequest {
        self.api.get(format!("{resource}?merchantRefNum={}", attempt.lower()))
    }

    pub fn by_id(&self, resource: &str, id: &str) -> Option<HttpRequest> {
        Some(self.api.get(format!("{resource}/{}", path_word(id)?)))
    }

    /// A handle for this e-mail address, or for the card with this token.
    fn handle(
        &self,
        kind: &str,
        (attempt, money): (AttemptRef, Money),
        payer: &Payer,
        whose: &str,
    ) -> Json {
        let (first, last) = two_names(payer);
        let card = self.payment_type == PaymentType::Card;
        let email = if card { given(&payer.email) } else { Some(whose) };
        let profile = object! { "firstName": first, "lastName": last, "email": email };
        let handle = base(attempt, money)
            .and("transactionType", kind)
            .and("paymentType", self.payment_type.name())
            .and("accountId", self.account_id.as_ref())
            .and("customerIp", payer.ip.as_ref())
            .and("profile", profile);
        if card {
            return handle.and("paymentHandleTokenFrom", whose);
        }
        // Wallets have one kind of name; Interac is told which of two it is.
        let kind = (self.payment_type == PaymentType::Interac).then_some("EMAIL");
        let instrument = object! { "consumerId": whose, "type": kind };
        handle.and(self.payment_type.key(), instrument)
    }

    /// None without what Paysafe collects from: the payer's e-mail, or the token of a card.
    pub fn deposit_handle(&self, deposit: &DepositRequest) -> Option<HttpRequest> {
        let whose = match (self.payment_type, &deposit.instrument) {
            (PaymentType::Card, Some(Instrument::CardToken(token))) => path_word(token)?,
            (PaymentType::Card, _) => return None,
            _ => deposit.payer.email.as_deref().filter(|email| email.contains('@'))?,
        };
        let back = &deposit.return_url;
        let link = |rel: &str| object! { "rel": rel, "href": back, "method": "GET" };
        let links = ["default", "on_completed", "on_failed", "on_cancelled"].map(link).to_vec();
        let about = (deposit.attempt, deposit.money);
        let handle = self.handle("PAYMENT", about, &deposit.payer, whose);
        Some(self.api.post("paymenthandles", &handle.and("returnLinks", links)))
    }

    pub fn payout_handle(&self, payout: &PayoutRequest) -> Option<HttpRequest> {
        let whose = match (self.payment_type, &payout.destination) {
            (PaymentType::Card, Destination { token: Some(token), .. }) => path_word(token)?,
            (PaymentType::Card, _) => return None,
            (_, Destination { portable: Some(Portable::Email { address, .. }), .. }) => address,
            _ => return None,
        };
        let about = (payout.attempt, payout.money);
        let body = self.handle("STANDALONE_CREDIT", about, &payout.payer, whose);
        Some(self.api.post("paymenthandles", &body))
    }

    pub fn payment(
        &self,
        (attempt, money): (AttemptRef, Money),
        payer: &Payer,
        token: &str,
    ) -> HttpRequest {
        let body = spending(attempt, money, payer, token);
        self.api.post("payments", &body.and("settleWithAuth", true)).for_money()
    }

    pub fn credit(&self, payout: &PayoutRequest, token: &str) -> HttpRequest {
        let body = spending(payout.attempt, payout.money, &payout.payer, token);
        self.api.post("standalonecredits", &body).for_money()
    }

    /// A refund takes its settlement's currency; only the amount is sent.
    pub fn refund(
        &self,
        settlement: &str,
        attempt: AttemptRef,
        money: Money,
    ) -> Option<HttpRequest> {
        let body = object! { "merchantRefNum": attempt, "amount": money.minor, "dupCheck": true };
        let path = format!("settlements/{}/refunds", path_word(settlement)?);
        Some(self.api.post(path, &body).for_money())
    }
}
