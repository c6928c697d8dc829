//! What a player chose to pay a deposit with, as it is sent.

use crate::api::fields::{Fields, FromFields};
use crate::domain::Method;
use psp_contract::Instrument;
use utoipa::ToSchema;

/// A chosen instrument. `Debug` shows no token.
#[derive(Clone, PartialEq, Eq)]
pub struct InstrumentBody(Instrument);

impl std::fmt::Debug for InstrumentBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Instrument::CardToken(_) => f.write_str("InstrumentBody(card)"),
            Instrument::Crypto { asset, network } => {
                write!(f, "InstrumentBody({asset} on {network})")
            }
        }
    }
}

impl InstrumentBody {
    /// The instrument, when it is one to pay by this method with.
    pub fn for_method(self, method: Method) -> Option<Instrument> {
        let fits = match &self.0 {
            Instrument::CardToken(_) => method == Method::Card,
            Instrument::Crypto { .. } => method == Method::Crypto,
        };
        fits.then_some(self.0)
    }
}

impl FromFields for InstrumentBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let known = ("instrument.type_unknown", "card or crypto");
        let kind = fields
            .parsed("type", known, |text| ["card", "crypto"].into_iter().find(|k| *k == text))?;
        if kind == "card" {
            return card_token(fields).map(|token| Self(Instrument::CardToken(token)));
        }
        let fault = ("instrument.asset_malformed", "an asset has 2 to 10 capitals and digits");
        let asset = fields.parsed("asset", fault, |text| {
            let plain = text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
            ((2..=10).contains(&text.len()) && plain).then(|| text.to_owned())
        });
        let fault = (
            "instrument.network_malformed",
            "a network has 2 to 32 small letters, digits, - and _: `ethereum`",
        );
        let network = fields.parsed("network", fault, |text| {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
            ((2..=32).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
        });
        Some(Self(Instrument::Crypto { asset: asset?, network: network? }))
    }
}

/// A PSP's token: visible characters, and no card's number.
pub fn card_token(fields: &mut Fields<'_>) -> Option<String> {
    let fault = (
        "instrument.token_malformed",
        "a token is 1 to 512 visible ASCII characters as the PSP's card page gave it; never send a \
         card's number here",
    );
    fields.parsed("token", fault, |text| {
        let visible = text.bytes().all(|b| b.is_ascii_graphic());
        ((1..=512).contains(&text.len()) && visible && !is_card_number(text))
            .then(|| text.to_owned())
    })
}

/// Whether a text could be the number of a payment card: 12 to 19 digits that begin with 2 to 6 and
/// have a sound check digit (ISO/IEC 7812). Such a number must not come near this service.
fn is_card_number(text: &str) -> bool {
    let digits: Vec<u32> = text
        .bytes()
        .filter(|b| !b"- ".contains(b))
        .map_while(|b| b.is_ascii_digit().then(|| u32::from(b - b'0')))
        .collect();
    let all = text.bytes().filter(|b| !b"- ".contains(b)).count() == digits.len();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, doubled) => doubled / 10 + doubled % 10,
        })
        .sum();
    let issued = digits.first().is_some_and(|first| (2..=6).contains(first));
    all && issued && (12..=19).contains(&digits.len()) && sum.is_multiple_of(10)
}

/// One of the forms by `type`: `card` (`token`, as the PSP's own card page gave it) and `crypto`
/// (`asset` and the `network` that it is sent on).
#[derive(Debug, ToSchema, serde::Serialize)]
#[schema(as = Instrument)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InstrumentSchema {
    Card {
        token: String,
    },
    Crypto {
        #[schema(example = "USDT")]
        asset: String,
        #[schema(example = "ethereum")]
        network: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::fields::read;
    use crate::api::json::Json;

    #[track_caller]
    fn check(text: &str, expected: Result<Instrument, (u16, &str)>) {
        let got = read::<InstrumentBody>(Json::parse(text.as_bytes()).unwrap());
        let got = got
            .map(|body| body.0)
            .map_err(|problem| (problem.status().as_u16(), problem.code().to_owned()));
        let expected = expected.map_err(|(status, code)| (status, code.to_owned()));
        assert_eq!(got, expected, "{text}");
    }

    #[test]
    fn each_type_has_its_own_fields() {
        check(
            r#"{"type":"card","token":"8415718415478572"}"#,
            Ok(Instrument::CardToken("8415718415478572".to_owned())),
        );
        check(
            r#"{"type":"crypto","asset":"USDT","network":"ethereum"}"#,
            Ok(Instrument::Crypto { asset: "USDT".to_owned(), network: "ethereum".to_owned() }),
        );
        check(r#"{"type":"card","token":"t","asset":"BTC"}"#, Err((400, "request.invalid")));
        check(
            r#"{"type":"crypto","asset":"usdt","network":"ethereum"}"#,
            Err((422, "instrument.asset_malformed")),
        );
        check(
            r#"{"type":"crypto","asset":"USDT","network":"ERC 20"}"#,
            Err((422, "instrument.network_malformed")),
        );
        check(r#"{"type":"cheque"}"#, Err((422, "instrument.type_unknown")));
    }

    #[test]
    fn a_cards_number_is_no_token() {
        for number in ["4111111111111111", "4111-1111-1111-1111", "5555555555554444"] {
            let text = format!(r#"{{"type":"card","token":"{number}"}}"#);
            check(&text, Err((422, "instrument.token_malformed")));
        }
    }

    #[test]
    fn an_instrument_is_for_its_own_method_and_shows_no_token() {
        let card = InstrumentBody(Instrument::CardToken("tok_secret".to_owned()));
        assert!(!format!("{card:?}").contains("tok_secret"));
        assert!(card.clone().for_method(Method::Crypto).is_none());
        assert!(card.for_method(Method::Card).is_some());
    }
}
