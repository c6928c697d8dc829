//! The course of an operation behind an OAuth 2 token: a token when none is at hand, then one call, or two
//! where the first finds what the second needs.

use crate::adapter::{CachedToken, Exchange, Input, Step, failed, preparation_failed};
use crate::json::Json;
use psp_contract::{HttpRequest, HttpResponse, Method, NotSent, Outcome, Timestamp, Unknown};
use secrecy::SecretString;
use std::sync::Arc;

/// A token is given up this long before it runs out, so that it does not run out on the way.
const TOKEN_MARGIN_SECS: i64 = 60;

/// How a PSP's tokens are got and shown.
pub(crate) trait Authority: Send + Sync {
    fn token_request(&self) -> HttpRequest;

    fn request(&self, call: &Call, token: &SecretString) -> HttpRequest;
}

/// What an answer leads to.
#[allow(clippy::large_enum_variant, reason = "one lives at a time")]
pub(crate) enum Next {
    Done(Outcome),
    Then(Call),
}

type Reader = Box<dyn FnOnce(&HttpResponse) -> Next + Send>;

/// One call, before it is authorised.
pub(crate) struct Call {
    pub step: &'static str,
    pub method: Method,
    pub path: String,
    pub body: Vec<u8>,
    pub moves_money: bool,
    read: Reader,
}

impl Call {
    pub fn get(
        step: &'static str,
        path: String,
        read: impl FnOnce(&HttpResponse) -> Next + Send + 'static,
    ) -> Self {
        let method = Method::Get;
        Self { step, method, path, body: Vec::new(), moves_money: false, read: Box::new(read) }
    }

    /// A PUT that could move money.
    pub fn put(
        step: &'static str,
        path: String,
        body: &Json,
        read: impl FnOnce(&HttpResponse) -> Outcome + Send + 'static,
    ) -> Self {
        let read = Box::new(move |response: &HttpResponse| Next::Done(read(response)));
        Self { step, method: Method::Put, path, body: body.to_bytes(), moves_money: true, read }
    }

    pub fn patch(
        step: &'static str,
        path: String,
        body: &Json,
        read: impl FnOnce(&HttpResponse) -> Outcome + Send + 'static,
    ) -> Self {
        let call = Self::put(step, path, body, read);
        Self { method: Method::Patch, moves_money: false, ..call }
    }
}

pub(crate) struct Course {
    authority: Arc<dyn Authority>,
    now: Timestamp,
    /// Whether the operation as a whole could move money: then a call that could not is a preparation.
    moves_money: bool,
    state: State,
}

#[allow(clippy::large_enum_variant, reason = "one lives at a time")]
enum State {
    Start(Call),
    /// A token was asked for.
    Token(Call),
    /// A token came and is being kept.
    Keeping(Call, SecretString),
    Called(Called),
    /// The call was refused with its token, which is being dropped.
    Dropping(Outcome),
    Over,
}

struct Called {
    moves_money: bool,
    token: SecretString,
    read: Reader,
}

impl Course {
    pub fn new(
        authority: Arc<dyn Authority>,
        now: Timestamp,
        moves_money: bool,
        first: Call,
    ) -> Self {
        Self { authority, now, moves_money, state: State::Start(first) }
    }

    fn make(&mut self, call: Call, token: SecretString) -> Step {
        let request = self.authority.request(&call, &token);
        let Call { step, moves_money, read, .. } = call;
        self.state = State::Called(Called { moves_money, token, read });
        Step::Send(step, request)
    }

    fn answered(&mut self, called: Called, response: &HttpResponse) -> Step {
        match (called.read)(response) {
            Next::Then(call) => self.make(call, called.token),
            Next::Done(outcome) if response.status == 401 => {
                self.state = State::Dropping(outcome);
                Step::Forget
            }
            Next::Done(outcome) => Step::Done(outcome),
        }
    }
}

impl Exchange for Course {
    fn step(&mut self, input: Input) -> Step {
        match (std::mem::replace(&mut self.state, State::Over), input) {
            (State::Start(call), Input::Start { token: Some(token) }) => {
                self.make(call, token.secret)
            }
            (State::Start(call), Input::Start { token: None }) => {
                self.state = State::Token(call);
                Step::Send("token", self.authority.token_request())
            }
            (State::Token(call), Input::Response(response)) => {
                match read_token(&response, self.now) {
                    Some(token) => {
                        self.state = State::Keeping(call, token.secret.clone());
                        Step::Remember(token)
                    }
                    None => Step::Done(Outcome::NotSent(NotSent::PreparationFailed)),
                }
            }
            (State::Token(_), Input::Failed(failure)) => Step::Done(preparation_failed(failure)),
            (State::Keeping(call, token), Input::Remembered) => self.make(call, token),
            (State::Called(called), Input::Response(response)) => self.answered(called, &response),
            (State::Called(called), Input::Failed(failure)) => {
                let preparing = self.moves_money && !called.moves_money;
                Step::Done(if preparing { preparation_failed(failure) } else { failed(failure) })
            }
            (State::Dropping(outcome), Input::Remembered) => Step::Done(outcome),
            (State::Called(called), _) if called.moves_money => {
                Step::Done(Outcome::Unknown(Unknown::Unreadable))
            }
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
