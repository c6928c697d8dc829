//! Every call to TrueLayer: a token, when none is at hand, and then the call itself.

use super::Inner;
use super::wire::{self, Call};
use crate::adapter::{CachedToken, Exchange, Input, Step, failed, preparation_failed};
use crate::json::Json;
use psp_contract::{HttpResponse, NotSent, Outcome, Timestamp, Unknown};
use secrecy::SecretString;
use std::sync::Arc;

/// A token is given up this long before it runs out, so that it does not run out on the way.
const TOKEN_MARGIN_SECS: i64 = 60;

type Reader = Box<dyn Fn(&HttpResponse) -> Outcome + Send>;

pub(super) struct Authorised {
    inner: Arc<Inner>,
    step: &'static str,
    call: Call,
    now: Timestamp,
    read: Reader,
    state: State,
}

enum State {
    Start,
    /// A token was asked for.
    Token,
    /// A token came and is being kept.
    Keeping(SecretString),
    /// The call was made.
    Called,
    /// The call was refused with its token, which is being dropped.
    Dropping(Box<Outcome>),
}

impl Authorised {
    pub fn new(
        inner: Arc<Inner>,
        step: &'static str,
        call: Call,
        now: Timestamp,
        read: impl Fn(&HttpResponse) -> Outcome + Send + 'static,
    ) -> Self {
        Self { inner, step, call, now, read: Box::new(read), state: State::Start }
    }

    fn make_call(&mut self, token: &SecretString) -> Step {
        match wire::request(&self.inner, &self.call, token) {
            Some(request) => {
                self.state = State::Called;
                Step::Send(self.step, request)
            }
            None => Step::Done(Outcome::NotSent(NotSent::PreparationFailed)),
        }
    }

    fn keep_token(&mut self, response: &HttpResponse) -> Step {
        let Some(token) = read_token(response, self.now) else {
            return Step::Done(Outcome::NotSent(NotSent::PreparationFailed));
        };
        self.state = State::Keeping(token.secret.clone());
        Step::Remember(token)
    }
}

impl Exchange for Authorised {
    fn step(&mut self, input: Input) -> Step {
        match (std::mem::replace(&mut self.state, State::Start), input) {
            (State::Start, Input::Start { token: Some(token) }) => self.make_call(&token.secret),
            (State::Start, Input::Start { token: None }) => {
                self.state = State::Token;
                Step::Send("token", wire::token_request(&self.inner))
            }
            (State::Token, Input::Response(response)) => self.keep_token(&response),
            (State::Token, Input::Failed(failure)) => Step::Done(preparation_failed(failure)),
            (State::Keeping(token), Input::Remembered) => self.make_call(&token),
            (State::Called, Input::Response(response)) => {
                let outcome = (self.read)(&response);
                if response.status != 401 {
                    return Step::Done(outcome);
                }
                self.state = State::Dropping(Box::new(outcome));
                Step::Forget
            }
            (State::Called, Input::Failed(failure)) => Step::Done(failed(failure)),
            (State::Dropping(outcome), Input::Remembered) => Step::Done(*outcome),
            (State::Called, _) => Step::Done(Outcome::Unknown(Unknown::Unreadable)),
            (_, _) => Step::Done(Outcome::NotSent(NotSent::PreparationFailed)),
        }
    }
}

/// `{access_token, expires_in, token_type}`.
fn read_token(response: &HttpResponse, now: Timestamp) -> Option<CachedToken> {
    if response.status != 200 {
        return None;
    }
    let body = Json::parse(&response.body)?;
    let token = body.str("access_token")?;
    // It becomes a header: nothing but what may stand in one.
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let life_secs = body.int("expires_in")?.clamp(0, 24 * 60 * 60);
    let expires_at = now.checked_add(time::Duration::seconds(life_secs - TOKEN_MARGIN_SECS))?;
    Some(CachedToken { secret: SecretString::from(token), expires_at })
}
