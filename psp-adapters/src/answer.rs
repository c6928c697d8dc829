//! Reading answers: the good one as a straight line of `?`, everything else as what it stops with.
//!
//! A reader gives a [`Told`]. What it stops with is an outcome like any other: an [`Unknown`] where
//! nothing can be concluded, a [`Decline`] where the PSP's own lists say that nothing was done.

use crate::common::decline;
use crate::json::Json;
use psp_contract::{
    Decline, DeclineClass, HttpResponse, Money, NextAction, NotSent, Outcome, Report, Status,
    TransportFailure, Unknown,
};

/// What an answer tells, or what the operation ends with instead.
pub(crate) type Told<T = Report> = Result<T, Stop>;

/// What an operation ends with instead of good news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stop(Box<Outcome>);

impl Stop {
    pub fn outcome(self) -> Outcome {
        *self.0
    }

    pub fn is(&self, why: Unknown) -> bool {
        *self.0 == Outcome::Unknown(why)
    }

    /// After a request that was lost.
    pub fn after(failure: TransportFailure) -> Self {
        match failure {
            TransportFailure::NotSent(why) => why.into(),
            TransportFailure::Unknown(why) => why.into(),
        }
    }
}

impl From<Outcome> for Stop {
    fn from(outcome: Outcome) -> Self {
        Stop(Box::new(outcome))
    }
}

impl From<Unknown> for Stop {
    fn from(why: Unknown) -> Self {
        Outcome::Unknown(why).into()
    }
}

impl From<NotSent> for Stop {
    fn from(why: NotSent) -> Self {
        Outcome::NotSent(why).into()
    }
}

impl From<Decline> for Stop {
    fn from(decline: Decline) -> Self {
        Outcome::Reported(Report::new(None, Status::Declined(decline))).into()
    }
}

/// The outcome that a reader's answer comes to.
pub(crate) fn outcome(told: Told) -> Outcome {
    told.map_or_else(Stop::outcome, Outcome::Reported)
}

/// What HTTP statuses that say nothing definite leave us with.
pub(crate) const fn undecided(status: u16) -> Unknown {
    match status {
        409 => Unknown::PspUndecided,
        423 | 429 => Unknown::Throttled,
        500..=599 => Unknown::ServerError,
        _ => Unknown::UnlistedCode,
    }
}

/// The body as strict JSON.
pub(crate) fn json(response: &HttpResponse) -> Result<Json, Unknown> {
    Json::parse(&response.body).ok_or(Unknown::Unreadable)
}

/// The body of an answer: of these statuses good news, else what `refused` makes of it.
pub(crate) fn good(
    response: &HttpResponse,
    statuses: &[u16],
    refused: impl FnOnce(&HttpResponse) -> Stop,
) -> Told<Json> {
    if !statuses.contains(&response.status) {
        return Err(refused(response));
    }
    Ok(json(response)?)
}

/// What the refusal of a request means that could have moved money, by the PSP's own word for it. Of these
/// statuses only that word counts, `meaning` knows it, and what has none comes from something in between;
/// every other status says nothing definite.
pub(crate) fn refused_by_word(
    response: &HttpResponse,
    statuses: &[u16],
    word: impl FnOnce(&Json) -> Option<String>,
    meaning: impl FnOnce(u16, &str) -> Result<DeclineClass, Unknown>,
) -> Stop {
    if !statuses.contains(&response.status) {
        return undecided(response.status).into();
    }
    let Some(word) = Json::parse(&response.body).as_ref().and_then(word) else {
        return Unknown::Unreadable.into();
    };
    match meaning(response.status, &word) {
        Ok(class) => decline(class, &word).into(),
        Err(why) => why.into(),
    }
}

/// The last part of a problem's `type`, `"invalid-parameters"` (RFC 7807).
pub(crate) fn problem(body: &Json) -> Option<String> {
    let kind = body.str("type")?;
    Some(kind.rsplit(['#', '/']).next().unwrap_or(kind).to_owned())
}

/// An id that can be asked about, which `is_id` knows.
pub(crate) fn need_id<'a>(
    body: &'a Json,
    key: &str,
    is_id: fn(&str) -> Option<&str>,
) -> Result<&'a str, Unknown> {
    body.str(key).and_then(is_id).ok_or(Unknown::Unreadable)
}

/// The body of an answer to a question. A refused question says nothing about the payment, and a 404 says
/// that there is none only in the PSP's own words, which `is_error` knows: anything else comes from
/// something in between.
pub(crate) fn found(response: &HttpResponse, is_error: impl FnOnce(&Json) -> bool) -> Told<Json> {
    match (response.status, Json::parse(&response.body)) {
        (200, Some(body)) => Ok(body),
        (404, Some(body)) if is_error(&body) => Err(Outcome::NotFound.into()),
        (200 | 404, _) => Err(Unknown::Unreadable.into()),
        (status, _) => Err(undecided(status).into()),
    }
}

/// The one item of a list that was searched for our reference. Two of one reference are for people.
pub(crate) fn only(found: &[Json]) -> Told<&Json> {
    match found {
        [] => Err(Outcome::NotFound.into()),
        [one] => Ok(one),
        _ => Err(Unknown::Mismatch.into()),
    }
}

/// An answer that is about something else is none.
pub(crate) fn must_match(same: bool) -> Result<(), Unknown> {
    if same { Ok(()) } else { Err(Unknown::Mismatch) }
}

/// An answer that may leave amount and currency out, but must not tell others than were asked for. The
/// amount is in minor units.
pub(crate) fn repeats(body: &Json, amount: &str, currency: &str, asked: Money) -> bool {
    let other_amount = body.get(amount).is_some() && body.int(amount) != Some(asked.minor);
    let other_currency =
        body.get(currency).is_some() && body.str(currency) != Some(asked.currency.code());
    !other_amount && !other_currency
}

/// Sends the payer to a page of the PSP's: over https alone, but for a sandbox that speaks plain HTTP
/// itself.
pub(crate) fn redirect(url: Option<&str>, base_url: &str) -> Result<NextAction, Unknown> {
    let url = url.ok_or(Unknown::Unreadable)?;
    let scheme = url::Url::parse(url).map_err(|_| Unknown::Unreadable)?.scheme().to_owned();
    let plain = base_url.starts_with("http:") && scheme == "http";
    if scheme == "https" || plain {
        Ok(NextAction::Redirect { url: url.to_owned() })
    } else {
        Err(Unknown::Unreadable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use psp_contract::Currency;

    fn answer(status: u16, body: &str) -> HttpResponse {
        HttpResponse { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    #[test]
    fn only_the_psps_own_word_says_that_there_is_no_such_payment() {
        let asked = |status, body: &str| {
            found(&answer(status, body), |body| body.get("error").is_some())
                .map_err(Stop::outcome)
                .err()
        };
        assert_eq!(asked(200, "{}"), None);
        assert_eq!(asked(404, r#"{"error":"x"}"#), Some(Outcome::NotFound));
        for (status, body, why) in [
            (404, "{}", Unknown::Unreadable),
            (404, "<html>", Unknown::Unreadable),
            (200, "<html>", Unknown::Unreadable),
            (429, r#"{"error":"x"}"#, Unknown::Throttled),
            (403, r#"{"error":"x"}"#, Unknown::UnlistedCode),
            (500, "", Unknown::ServerError),
        ] {
            assert_eq!(asked(status, body), Some(Outcome::Unknown(why)), "{status} {body}");
        }
    }

    #[test]
    fn what_repeats_the_money_repeats_the_money_that_was_asked_for() {
        let asked = Money::new(1050, Currency::EUR);
        let check = |text: &str| {
            let body = Json::parse(text.as_bytes()).expect("strict");
            repeats(&body, "amount", "currency", asked)
        };
        assert!(check("{}") && check(r#"{"amount":1050}"#));
        assert!(check(r#"{"amount":1050,"currency":"EUR"}"#));
        for other in
            [r#"{"amount":1051}"#, r#"{"amount":"1050"}"#, r#"{"amount":1050,"currency":"SEK"}"#]
        {
            assert!(!check(other), "{other}");
        }
    }

    #[test]
    fn a_payer_is_sent_over_https_or_within_the_sandbox() {
        let may = |url, base| redirect(Some(url), base).is_ok();
        assert!(may("https://psp.test/pay", "https://psp.test"));
        assert!(may("http://127.0.0.1:9/pay", "http://127.0.0.1:9"));
        assert!(!may("http://psp.test/pay", "https://psp.test"));
        assert!(!may("javascript:alert(1)", "http://127.0.0.1:9"));
        assert!(!may("/pay", "https://psp.test"));
        assert_eq!(redirect(None, "https://psp.test"), Err(Unknown::Unreadable));
    }

    #[test]
    fn a_refusal_is_definite_by_the_psps_own_word_alone() {
        let meaning = |status, body: &str| {
            let word = |body: &Json| body.word("error");
            refused_by_word(&answer(status, body), &[400], word, |_, word| match word {
                "used" => Err(Unknown::DuplicateReference),
                _ => Ok(DeclineClass::Limit),
            })
        };
        let limit = Decline::new(DeclineClass::Limit, "x");
        assert_eq!(meaning(400, r#"{"error":"x"}"#), limit.into());
        for (status, body, why) in [
            (400, r#"{"error":"used"}"#, Unknown::DuplicateReference),
            (400, "{}", Unknown::Unreadable),
            (400, "<html>", Unknown::Unreadable),
            (404, r#"{"error":"x"}"#, Unknown::UnlistedCode),
            (503, r#"{"error":"x"}"#, Unknown::ServerError),
        ] {
            assert_eq!(meaning(status, body), why.into(), "{status} {body}");
        }
    }
}
