//! Who is calling, once that is proven.

use super::keys::Scope;
use super::problem::Problem;
use crate::domain::{OperatorId, PersonId, PlayerId, PlayerKey};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use uuid::Uuid;

/// Somebody whose credentials were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A casino's backend, or a human being with a key of their own.
    Key { operator: OperatorId, key_id: String, scopes: Vec<Scope>, person: Option<PersonId> },
    /// A player's browser.
    Player { operator: OperatorId, player: PlayerId, jti: Uuid },
}

impl Caller {
    pub const fn operator(&self) -> &OperatorId {
        match self {
            Caller::Key { operator, .. } | Caller::Player { operator, .. } => operator,
        }
    }

    pub const fn is_player(&self) -> bool {
        matches!(self, Caller::Player { .. })
    }

    /// The player that calls, if one does.
    pub const fn player(&self) -> Option<&PlayerId> {
        match self {
            Caller::Player { player, .. } => Some(player),
            Caller::Key { .. } => None,
        }
    }

    /// The human being behind the key.
    ///
    /// # Errors
    /// 403 `auth.person_required` for a key that is nobody's own.
    pub fn person(&self) -> Result<&PersonId, Problem> {
        match self {
            Caller::Key { person: Some(person), .. } => Ok(person),
            _ => Err(person_required()),
        }
    }

    /// What a route wants of a key.
    ///
    /// # Errors
    /// 403 `auth.scope_missing` or `auth.person_required`.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        let Caller::Key { scopes, person, .. } = self else {
            return Err(Problem::forbidden(
                "auth.scope_missing",
                "A player's token does not reach this; the casino's backend does, with its key.",
            ));
        };
        if !scopes.contains(&scope) {
            let detail = format!("This key lacks the scope `{}`.", scope.as_str());
            return Err(Problem::forbidden("auth.scope_missing", detail));
        }
        if scope.needs_person() && person.is_none() {
            return Err(person_required());
        }
        Ok(())
    }

    /// What a route wants that takes a person's key with either of two scopes.
    ///
    /// # Errors
    /// 403 `auth.scope_missing` or `auth.person_required`.
    pub fn require_person(&self, either: [Scope; 2]) -> Result<(), Problem> {
        let [one, other] = either;
        let Caller::Key { scopes, .. } = self else { return self.require(one) };
        if !either.iter().any(|scope| scopes.contains(scope)) {
            let (one, other) = (one.as_str(), other.as_str());
            let detail = format!("This key has neither the scope `{one}` nor `{other}`.");
            return Err(Problem::forbidden("auth.scope_missing", detail));
        }
        self.person().map(|_| ())
    }

    /// A player of this operator as the caller may name them: a player's token reaches itself
    /// alone, and everybody else is not found.
    ///
    /// # Errors
    /// 404 `player.not_found`.
    pub fn may_see(&self, player: PlayerId) -> Result<PlayerKey, Problem> {
        match self.player() {
            Some(own) if *own != player => Err(player_not_found()),
            _ => Ok(PlayerKey { operator: self.operator().clone(), player }),
        }
    }
}

pub fn player_not_found() -> Problem {
    Problem::not_found("player.not_found", "There is no such player here.")
}

fn person_required() -> Problem {
    Problem::forbidden(
        "auth.person_required",
        "This takes the key of a person (one with a person_id), not a backend's.",
    )
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().cloned();
        // A route outside the authenticated part that asks for a caller is a fault of ours.
        caller.ok_or_else(|| {
            tracing::error!("a handler asked for a caller on a route without authentication");
            Problem::fault()
        })
    }
}
