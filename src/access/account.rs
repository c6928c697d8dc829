//! The people of the console: who they are and what they may do there.

use crate::domain::{OperatorId, PersonId, Timestamp};
use uuid::Uuid;

/// What somebody may do in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads what is no secret of compliance.
    Viewer,
    /// Works on cases, and proposes.
    Officer,
    /// Approves what somebody else proposed.
    Approver,
    /// On call: switches payments off and on.
    Operator,
    /// Looks after accounts; on call too.
    Admin,
}

impl Role {
    pub const ALL: [Self; 5] =
        [Self::Viewer, Self::Officer, Self::Approver, Self::Operator, Self::Admin];

    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Officer => "officer",
            Role::Approver => "approver",
            Role::Operator => "operator",
            Role::Admin => "admin",
        }
    }

    /// Whether it reads what tipping-off law keeps from everybody else.
    pub const fn reads_compliance(self) -> bool {
        matches!(self, Role::Officer | Role::Approver)
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// Somebody who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub id: Uuid,
    pub operator: OperatorId,
    /// The human being: the same one in all accounts and API keys of theirs.
    pub person: PersonId,
    /// In small letters.
    pub email: String,
    pub name: String,
    pub roles: Vec<Role>,
    /// Whether codes of an authenticator are set up.
    pub has_totp: bool,
    pub disabled_at: Option<Timestamp>,
}

impl Account {
    /// Whether they may switch payments off and on.
    pub fn may_operate(&self) -> bool {
        self.roles.iter().any(|role| matches!(role, Role::Operator | Role::Admin))
    }

    /// Whether they look after accounts.
    pub fn may_administer(&self) -> bool {
        self.roles.contains(&Role::Admin)
    }

    /// Whether they may read what tipping-off law keeps from everybody else.
    pub fn reads_compliance(&self) -> bool {
        self.roles.iter().any(|role| role.reads_compliance())
    }

    /// Whether they may propose what becomes of a case.
    pub fn may_propose(&self) -> bool {
        self.roles.contains(&Role::Officer)
    }

    /// Whether they may approve what somebody else proposed.
    pub fn may_approve(&self) -> bool {
        self.roles.contains(&Role::Approver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(roles: &[Role]) -> Account {
        Account {
            id: Uuid::nil(),
            operator: OperatorId::trusted("op_demo"),
            person: PersonId::trusted("person_a"),
            email: "a@casino.example".to_owned(),
            name: "A".to_owned(),
            roles: roles.to_vec(),
            has_totp: false,
            disabled_at: None,
        }
    }

    #[test]
    fn every_role_survives_a_round_trip_and_gives_what_it_should() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
            let account = with(&[role]);
            assert_eq!(account.may_operate(), matches!(role, Role::Operator | Role::Admin));
            assert_eq!(account.reads_compliance(), matches!(role, Role::Officer | Role::Approver));
            assert_eq!(account.may_administer(), role == Role::Admin);
            assert_eq!(account.may_propose(), role == Role::Officer);
            assert_eq!(account.may_approve(), role == Role::Approver);
        }
        assert!(!with(&[Role::Viewer, Role::Officer]).may_operate());
    }
}
