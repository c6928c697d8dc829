//! What hooks outside the house have found, as facts of a decision, and how a hook fails.
//!
//! A hook that fails, is late or stale has an outcome of its own in the policy. Nothing here can be
//! read as "approve" by leaving it out: a rule that finds no answer finds a failure.

use super::signals::Hook;
use crate::domain::{Money, Timestamp};
use rust_decimal::Decimal;

/// Why a hook has no answer to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookFailure {
    /// The market's policy asks, and nobody is configured to answer.
    NotConfigured,
    /// The player's record lacks what must be told to be recognised.
    RecordIncomplete,
    /// No connection, or one that was lost.
    Unreachable,
    /// No whole answer within the deadline.
    Late,
    /// An error status.
    Refused,
    /// An answer that is not what was documented.
    Unreadable,
    /// The only answer is older than the policy allows.
    Stale,
    /// The answer is still being made.
    Pending,
    /// Another rule had denied before: there was nothing to ask for.
    NotAsked,
    /// Nobody has ever said anything of the player.
    NothingKnown,
}

impl HookFailure {
    pub const ALL: [HookFailure; 10] = [
        Self::NotConfigured,
        Self::RecordIncomplete,
        Self::Unreachable,
        Self::Late,
        Self::Refused,
        Self::Unreadable,
        Self::Stale,
        Self::Pending,
        Self::NotAsked,
        Self::NothingKnown,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotConfigured => "not_configured",
            Self::RecordIncomplete => "record_incomplete",
            Self::Unreachable => "unreachable",
            Self::Late => "late",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
            Self::Stale => "stale",
            Self::Pending => "pending",
            Self::NotAsked => "not_asked",
            Self::NothingKnown => "nothing_known",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|failure| failure.as_str() == text)
    }
}

/// How a register of excluded people knows a player.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    Excluded,
    NotExcluded,
    /// The register could not tell who that is: that is no "not excluded".
    UnknownPerson,
}

impl Standing {
    pub const ALL: [Standing; 3] = [Self::Excluded, Self::NotExcluded, Self::UnknownPerson];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::NotExcluded => "not_excluded",
            Self::UnknownPerson => "unknown_person",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == text)
    }
}

/// A register's answer about a player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterAnswer {
    pub standing: Standing,
    /// The register's own mark of its answer: what is shown when somebody asks whether we asked.
    pub reference: String,
    /// By the register's clock, or by ours when its clock is ahead.
    pub answered_at: Timestamp,
}

/// What the market's register said, or why it said nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterFacts {
    pub register: String,
    pub found: Result<RegisterAnswer, HookFailure>,
}

/// What the market's file of limits over all operators said about one deposit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAnswer {
    /// The room for this deposit is reserved.
    pub granted: bool,
    pub reference: String,
    /// What is left for the player over all operators, where the file tells.
    pub remaining: Option<Money>,
}

/// The file's answer, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    pub file: String,
    pub found: Result<FileAnswer, HookFailure>,
}

/// What a list entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    Sanctions,
    Pep,
    Other,
}

impl Topic {
    pub const ALL: [Topic; 3] = [Self::Sanctions, Self::Pep, Self::Other];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sanctions => "sanctions",
            Self::Pep => "pep",
            Self::Other => "other",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.as_str() == text)
    }
}

/// One entry of a list that looks like the player. Whether it is the player, the policy's
/// thresholds say, and then people: a matcher only measures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameHit {
    /// The list, and the entry's id in it: never the entry's name.
    pub list: String,
    pub entity: String,
    pub topic: Topic,
    /// 0 to 1, as told.
    pub score: Decimal,
    /// Two people have said that this entry is not this player.
    pub excepted: bool,
}

/// What one matcher found for a player's name and birth date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAnswer {
    pub hits: Vec<NameHit>,
    /// The algorithm by its own name, and the hashes of the lists: without both, nobody can say
    /// later why it matched.
    pub version: String,
    pub asked_at: Timestamp,
}

/// A matcher's answer, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameFacts {
    pub matcher: String,
    pub found: Result<NameAnswer, HookFailure>,
}

/// How a verification of identity stands at the vendor that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KycStanding {
    Verified,
    /// It is being looked at.
    Pending,
    /// The player is to show something again.
    Retry,
    /// The player did not finish it.
    Abandoned,
    /// The vendor is sure that this is not as it should be.
    Rejected,
}

impl KycStanding {
    pub const ALL: [KycStanding; 5] =
        [Self::Verified, Self::Pending, Self::Retry, Self::Abandoned, Self::Rejected];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Pending => "pending",
            Self::Retry => "retry",
            Self::Abandoned => "abandoned",
            Self::Rejected => "rejected",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == text)
    }
}

/// What a vendor of identity said last of a player. Why it rejected somebody is not in here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KycAnswer {
    pub standing: KycStanding,
    /// What the vendor's own level is worth here, 0 to 3.
    pub level: i16,
    /// The vendor's mark of the verification.
    pub reference: String,
    /// The vendor's level or workflow.
    pub version: String,
    /// By the vendor's own clock.
    pub told_at: Timestamp,
}

/// What a vendor of identity said, or why there is nothing to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KycFacts {
    pub vendor: String,
    pub found: Result<KycAnswer, HookFailure>,
}

/// Everything that was found about the player outside the house.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckFacts {
    /// None: the market's register was not asked.
    pub register: Option<RegisterFacts>,
    /// None: the market's file of limits was not asked.
    pub file: Option<FileFacts>,
    /// One a matcher that was asked.
    pub names: Vec<NameFacts>,
    /// None: no rule wanted to know what a vendor says of the player's identity.
    pub kyc: Option<KycFacts>,
}

impl CheckFacts {
    /// Whether somebody who answers for this hook has not been asked.
    pub fn is_unasked(&self, hook: Hook) -> bool {
        const NOT_ASKED: HookFailure = HookFailure::NotAsked;
        match hook {
            Hook::Register => {
                self.register.as_ref().is_some_and(|told| told.found == Err(NOT_ASKED))
            }
            Hook::CrossOperatorLimit => {
                self.file.as_ref().is_some_and(|told| told.found == Err(NOT_ASKED))
            }
            Hook::Names => self.names.iter().any(|told| told.found == Err(NOT_ASKED)),
            _ => false,
        }
    }
}
