//! An exchange of several requests, each of which the answers before it decide.

use crate::adapter::{Exchange, Input, Step, failed, preparation_failed};
use psp_contract::{HttpRequest, HttpResponse, Outcome, Unknown};

/// What comes after an answer.
type Then = Box<dyn FnOnce(&HttpResponse) -> Chain + Send>;

/// The rest of an exchange.
pub(crate) enum Chain {
    Ask {
        step: &'static str,
        request: HttpRequest,
        /// The request only prepares one that could move money: if it is lost, nothing was sent.
        prepares: bool,
        then: Then,
    },
    End(Outcome),
}

impl Chain {
    /// A question or a request for money, whose loss is what the transport says.
    pub fn ask(
        step: &'static str,
        request: HttpRequest,
        then: impl FnOnce(&HttpResponse) -> Chain + Send + 'static,
    ) -> Self {
        Chain::Ask { step, request, prepares: false, then: Box::new(then) }
    }

    /// A step on the way to a request for money.
    pub fn prepare(
        step: &'static str,
        request: HttpRequest,
        then: impl FnOnce(&HttpResponse) -> Chain + Send + 'static,
    ) -> Self {
        Chain::Ask { step, request, prepares: true, then: Box::new(then) }
    }

    /// The last request of an exchange.
    pub fn last(
        step: &'static str,
        request: HttpRequest,
        read: impl FnOnce(&HttpResponse) -> Outcome + Send + 'static,
    ) -> Self {
        Chain::ask(step, request, |response| Chain::End(read(response)))
    }
}

/// A [`Chain`] on its way.
pub(crate) struct Chained {
    rest: Option<Chain>,
    waiting: Option<(bool, Then)>,
}

impl Chained {
    pub fn new(chain: Chain) -> Self {
        Self { rest: Some(chain), waiting: None }
    }

    fn go_on(&mut self, rest: Option<Chain>) -> Step {
        match rest {
            Some(Chain::Ask { step, request, prepares, then }) => {
                self.waiting = Some((prepares, then));
                Step::Send(step, request)
            }
            Some(Chain::End(outcome)) => Step::Done(outcome),
            None => Step::Done(Outcome::Unknown(Unknown::Unreadable)),
        }
    }
}

impl Exchange for Chained {
    fn step(&mut self, input: Input) -> Step {
        match (input, self.waiting.take()) {
            (Input::Response(response), Some((_, then))) => {
                let rest = then(&response);
                self.go_on(Some(rest))
            }
            (Input::Failed(failure), Some((true, _))) => Step::Done(preparation_failed(failure)),
            (Input::Failed(failure), _) => Step::Done(failed(failure)),
            (_, _) => {
                let rest = self.rest.take();
                self.go_on(rest)
            }
        }
    }
}
