//! One id type a thing. An id carries its type in its text, so that a pasted id tells what it is.

use super::status::Direction;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

macro_rules! typed_id {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// Reads `prefix` + 32 lower-case hex digits, and nothing else.
            pub fn parse(text: &str) -> Option<Self> {
                parse_prefixed(text, $prefix).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0.simple())
            }
        }
    )+};
}

typed_id! {
    /// One try at one PSP. Its digits are the reference and the idempotency key on the wire.
    AttemptId = "att_",
    /// One part of a withdrawal; its hold has the same id.
    PartId = "wdp_",
    DecisionId = "dec_",
    EventId = "evt_",
    /// A casino's endpoint for our webhooks.
    EndpointId = "whe_",
    ReviewId = "rev_",
    ProposalId = "prp_",
    IncidentId = "inc_",
    /// Something that people switched off for payments.
    SwitchId = "sw_",
    /// A stored, verified webhook of a PSP.
    InboxId = "inb_",
}

fn parse_prefixed(text: &str, prefix: &str) -> Option<Uuid> {
    let digits = text.strip_prefix(prefix)?;
    let lower_hex = digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if digits.len() == 32 && lower_hex { Uuid::try_parse(digits).ok() } else { None }
}

/// A deposit (`dep_…`) or a withdrawal (`wd_…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentId {
    pub direction: Direction,
    pub uuid: Uuid,
}

impl PaymentId {
    pub const fn deposit(uuid: Uuid) -> Self {
        Self { direction: Direction::Deposit, uuid }
    }

    pub const fn withdrawal(uuid: Uuid) -> Self {
        Self { direction: Direction::Withdrawal, uuid }
    }

    pub fn parse(text: &str) -> Option<Self> {
        parse_prefixed(text, "dep_")
            .map(Self::deposit)
            .or_else(|| parse_prefixed(text, "wd_").map(Self::withdrawal))
    }
}

impl fmt::Display for PaymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.direction {
            Direction::Deposit => "dep_",
            Direction::Withdrawal => "wd_",
        };
        write!(f, "{prefix}{}", self.uuid.simple())
    }
}

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// 1 to 64 visible ASCII characters.
            pub fn parse(text: &str) -> Option<Self> {
                let visible = text.bytes().all(|b| (0x21..=0x7e).contains(&b));
                if (1..=64).contains(&text.len()) && visible { Some(Self(text.into())) } else { None }
            }

            /// For text that was parsed when it was stored.
            pub fn trusted(text: &str) -> Self {
                Self(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

text_id! {
    /// A casino brand or licensee, `op_…`. Everything belongs to exactly one.
    OperatorId,
    /// The casino's own id of a player, unique within the operator.
    PlayerId,
    /// A human being behind accounts and keys: four eyes means two of these.
    PersonId,
}

impl PlayerId {
    /// Whose money is while it is nobody's. It is the one id that a casino cannot give a player.
    pub fn unclaimed() -> Self {
        Self::trusted("~unclaimed")
    }

    pub fn is_unclaimed(&self) -> bool {
        *self == Self::unclaimed()
    }

    /// As [`PlayerId::parse`], for a player whom a casino names.
    pub fn of_casino(text: &str) -> Option<Self> {
        Self::parse(text).filter(|id| !id.is_unclaimed())
    }
}

/// A player of an operator: what every row about money is keyed by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlayerKey {
    pub operator: OperatorId,
    pub player: PlayerId,
}

/// Makes ids. The one place outside tests where ids come from chance, so that decisions stay pure:
/// they take the ids they need as an argument.
pub trait Ids: Send + Sync {
    /// A fresh UUIDv7.
    fn next(&self) -> Uuid;
}

/// UUIDv7 from the system's clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    fn next(&self) -> Uuid {
        #[allow(clippy::disallowed_methods, reason = "the one source of ids")]
        Uuid::now_v7()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_its_type_and_survives_a_round_trip() {
        let uuid = SystemIds.next();
        let id = AttemptId(uuid);
        assert_eq!(AttemptId::parse(&id.to_string()), Some(id));
        assert_eq!(DecisionId::parse(&id.to_string()), None);
        let deposit = PaymentId::deposit(uuid);
        assert_eq!(PaymentId::parse(&deposit.to_string()), Some(deposit));
        let withdrawal = PaymentId::withdrawal(uuid);
        assert_eq!(PaymentId::parse(&withdrawal.to_string()), Some(withdrawal));
        assert_eq!(PaymentId::parse(&deposit.to_string().to_uppercase()), None);
    }

    #[test]
    fn a_text_id_is_visible_ascii() {
        assert!(PlayerId::parse("p-1").is_some());
        for bad in ["", "a b", "p\n", "ü", &"x".repeat(65)] {
            assert_eq!(PlayerId::parse(bad), None, "{bad:?}");
        }
    }
}
