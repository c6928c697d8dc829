//! What an operation is for an adapter: a request, and what its answer leads to; where there are several,
//! each is decided by the answers before it. Where the PSP wants an OAuth 2 token, that one comes first.

use crate::adapter::{CachedToken, Input, Step};
use crate::answer::{self, Stop, Told};
use crate::token;
use psp_contract::{
    HttpRequest, HttpResponse, NotSent, Outcome, Timestamp, TransportFailure, Unknown,
};
use secrecy::{ExposeSecret, SecretString};

/// How an answer is held against what was asked.
pub(crate) type Reads<T> = fn(&HttpResponse, &T) -> Told;
/// What comes after an answer.
type Then = Box<dyn FnOnce(&HttpResponse) -> Told<Plan> + Send>;

/// The rest of an operation.
pub struct Plan(Next);

enum Next {
    Ask { step: &'static str, request: HttpRequest, lost: Lost, then: Then },
    Token { request: HttpRequest, now: Timestamp, then: Box<Plan> },
    End(Outcome),
}

/// What it means that a request was lost on the way.
enum Lost {
    /// What the transport says.
    AsSent,
    /// It only prepared the request for money: that one was never made.
    Prepared,
    Is(Unknown),
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Next::Ask { step, .. } => write!(f, "Plan({step})"),
            Next::Token { .. } => f.write_str("Plan(token)"),
            // What came of it may name a payer.
            Next::End(_) => f.write_str("Plan(end)"),
        }
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.state {
            State::Ready(plan) => write!(f, "Exchange({plan:?})"),
            _ => f.write_str("Exchange(on its way)"),
        }
    }
}

impl Plan {
    /// A question or a request for money, whose loss is what the transport says.
    pub(crate) fn ask(
        step: &'static str,
        request: HttpRequest,
        then: impl FnOnce(&HttpResponse) -> Told<Plan> + Send + 'static,
    ) -> Self {
        Plan(Next::Ask { step, request, lost: Lost::AsSent, then: Box::new(then) })
    }

    /// A step on the way to a request for money.
    pub(crate) fn prepare(
        step: &'static str,
        request: HttpRequest,
        then: impl FnOnce(&HttpResponse) -> Told<Plan> + Send + 'static,
    ) -> Self {
        Plan(Next::Ask { step, request, lost: Lost::Prepared, then: Box::new(then) })
    }

    /// The last request, or the only one.
    pub(crate) fn last(
        step: &'static str,
        request: HttpRequest,
        read: impl FnOnce(&HttpResponse) -> Told + Send + 'static,
    ) -> Self {
        Plan::ask(step, request, |response| Ok(Plan::end(read(response))))
    }

    /// The last request, whose answer is held against what was asked.
    pub(crate) fn about<T: Clone + Send + 'static>(
        step: &'static str,
        request: HttpRequest,
        asked: &T,
        read: Reads<T>,
    ) -> Self {
        let asked = asked.clone();
        Plan::last(step, request, move |response| read(response, &asked))
    }

    pub(crate) fn end(told: Told) -> Self {
        Plan(Next::End(answer::outcome(told)))
    }

    /// What is concluded where this request is lost.
    pub(crate) fn if_lost(mut self, why: Unknown) -> Self {
        if let Next::Ask { lost, .. } = &mut self.0 {
            *lost = Lost::Is(why);
        }
        self
    }

    /// All of it under an access token: the one at hand, or a new one by this request. A token that is
    /// refused by 401 is forgotten.
    pub(crate) fn with_token(self, request: HttpRequest, now: Timestamp) -> Self {
        Plan(Next::Token { request, now, then: Box::new(self) })
    }
}

/// A [`Plan`] on its way: it is told what came of each step and says the next one.
pub struct Exchange {
    state: State,
    /// The token that every request bears.
    bearer: Option<SecretString>,
}

#[allow(clippy::large_enum_variant, reason = "one lives at a time")]
enum State {
    Ready(Plan),
    Asked(Lost, Then),
    /// A token was asked for.
    TokenAsked(Timestamp, Plan),
    /// A token came and is being kept.
    Keeping(SecretString, Plan),
    /// A token was refused and is being dropped.
    Dropping(Outcome),
    Over,
}

impl Exchange {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { state: State::Ready(plan), bearer: None }
    }

    fn go_on(&mut self, plan: Plan, token: Option<CachedToken>) -> Step {
        match plan.0 {
            Next::Ask { step, request, lost, then } => {
                self.state = State::Asked(lost, then);
                Step::Send(step, self.bearing(request))
            }
            Next::Token { request, now, then } => match token {
                Some(token) => self.authorise(token.secret, *then),
                None => {
                    self.state = State::TokenAsked(now, *then);
                    Step::Send("token", request)
                }
            },
            Next::End(outcome) => Step::Done(outcome),
        }
    }

    fn authorise(&mut self, token: SecretString, plan: Plan) -> Step {
        self.bearer = Some(token);
        self.go_on(plan, None)
    }

    fn bearing(&self, request: HttpRequest) -> HttpRequest {
        match &self.bearer {
            Some(token) => {
                request.header("authorization", format!("Bearer {}", token.expose_secret()))
            }
            None => request,
        }
    }

    fn answered(&mut self, response: &HttpResponse, then: Then) -> Step {
        let outcome = match then(response) {
            Ok(Plan(Next::End(outcome))) => outcome,
            Ok(plan) => return self.go_on(plan, None),
            Err(stop) => stop.outcome(),
        };
        if self.bearer.is_some() && response.status == 401 {
            self.state = State::Dropping(outcome);
            return Step::Forget;
        }
        Step::Done(outcome)
    }
}

impl Exchange {
    pub fn step(&mut self, input: Input) -> Step {
        match (std::mem::replace(&mut self.state, State::Over), input) {
            (State::Ready(plan), Input::Start { token }) => self.go_on(plan, token),
            (State::Asked(_, then), Input::Response(response)) => self.answered(&response, then),
            (State::Asked(lost, _), Input::Failed(failure)) => Step::Done(lost.outcome(failure)),
            (State::TokenAsked(now, then), Input::Response(response)) => {
                match token::read(&response, now) {
                    Some(token) => {
                        self.state = State::Keeping(token.secret.clone(), then);
                        Step::Remember(token)
                    }
                    None => Step::Done(Outcome::NotSent(NotSent::PreparationFailed)),
                }
            }
            (State::TokenAsked(..), Input::Failed(failure)) => {
                Step::Done(Lost::Prepared.outcome(failure))
            }
            (State::Keeping(token, then), Input::Remembered) => self.authorise(token, then),
            (State::Dropping(outcome), Input::Remembered) => Step::Done(outcome),
            (_, _) => Step::Done(Outcome::Unknown(Unknown::Unreadable)),
        }
    }
}

impl Lost {
    fn outcome(&self, failure: TransportFailure) -> Outcome {
        match (self, failure) {
            (Lost::Is(why), _) => Outcome::Unknown(*why),
            (Lost::Prepared, TransportFailure::Unknown(_)) => {
                Outcome::NotSent(NotSent::PreparationFailed)
            }
            (_, failure) => Stop::after(failure).outcome(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use psp_contract::{Report, Status};

    const NOT_PREPARED: Outcome = Outcome::NotSent(NotSent::PreparationFailed);

    fn request() -> HttpRequest {
        HttpRequest::get("https://psp.test/")
    }

    fn answer(status: u16, body: &str) -> Input {
        let body = body.as_bytes().to_vec();
        Input::Response(HttpResponse { status, headers: Vec::new(), body })
    }

    /// The names of the steps, and what came of them.
    fn run(plan: Plan, inputs: Vec<Input>) -> (Vec<&'static str>, Option<Outcome>) {
        let mut exchange = Exchange::new(plan);
        let mut steps = Vec::new();
        for input in [Input::Start { token: None }].into_iter().chain(inputs) {
            steps.push(match exchange.step(input) {
                Step::Send(step, _) => step,
                Step::Remember(_) => "remember",
                Step::Forget => "forget",
                Step::Done(outcome) => return (steps, Some(outcome)),
            });
        }
        (steps, None)
    }

    fn paying() -> Plan {
        Plan::prepare("find", request(), |_| {
            Ok(Plan::last("pay", request(), |_| Ok(Report::new("7", Status::ACCEPTED))))
        })
    }

    const LOST: Input = Input::Failed(TransportFailure::Unknown(Unknown::ReadTimeout));

    #[test]
    fn a_lost_preparation_sent_nothing_and_a_lost_request_is_unknown() {
        assert_eq!(run(paying(), vec![LOST]), (vec!["find"], Some(NOT_PREPARED)));
        let (steps, outcome) = run(paying(), vec![answer(200, ""), LOST]);
        assert_eq!(steps, ["find", "pay"]);
        assert_eq!(outcome, Some(Outcome::Unknown(Unknown::ReadTimeout)));
        let told = paying().if_lost(Unknown::PspUndecided);
        let (_, outcome) = run(told, vec![LOST]);
        assert_eq!(outcome, Some(Outcome::Unknown(Unknown::PspUndecided)));
        let (_, outcome) = run(paying(), vec![Input::Remembered]);
        assert_eq!(outcome, Some(Outcome::Unknown(Unknown::Unreadable)));
    }

    #[test]
    fn a_token_is_got_kept_and_dropped_when_it_is_refused() {
        let plan = || {
            let pay = Plan::last("pay", request(), |_| Err(Unknown::UnlistedCode.into()));
            pay.with_token(request(), Timestamp::UNIX_EPOCH)
        };
        let token = || answer(200, r#"{"access_token":"t","expires_in":3600}"#);
        let unlisted = Some(Outcome::Unknown(Unknown::UnlistedCode));
        let refused = vec![token(), Input::Remembered, answer(401, ""), Input::Remembered];
        let steps = vec!["token", "remember", "pay", "forget"];
        assert_eq!(run(plan(), refused), (steps, unlisted.clone()));
        let (steps, outcome) = run(plan(), vec![token(), Input::Remembered, answer(400, "")]);
        assert_eq!((steps, outcome), (vec!["token", "remember", "pay"], unlisted));
        for bad in [answer(401, ""), answer(200, "{}"), LOST] {
            assert_eq!(run(plan(), vec![bad]), (vec!["token"], Some(NOT_PREPARED)));
        }
    }

    #[test]
    fn every_request_but_the_tokens_own_bears_the_token() {
        let mut exchange = Exchange::new(paying().with_token(request(), Timestamp::UNIX_EPOCH));
        let token = answer(200, r#"{"access_token":"t","expires_in":3600}"#);
        let inputs = [Input::Start { token: None }, token, Input::Remembered, answer(200, "")];
        let mut borne = Vec::new();
        for input in inputs {
            if let Step::Send(step, request) = exchange.step(input) {
                let told = request.headers.into_iter().find(|(name, _)| *name == "authorization");
                borne.push((step, told.map(|(_, value)| value)));
            }
        }
        let bearer = Some("Bearer t".to_owned());
        assert_eq!(borne, [("token", None), ("find", bearer.clone()), ("pay", bearer)]);
    }
}
