//! L1, the book of one player: everything of theirs that a lane has loaded under their lock, and
//! everything that its commands have decided to write.
//!
//! The functions of [`crate::decide`] change a book and nothing else; the lane then writes what
//! changed, in one transaction. A book is only ever changed through the few doors of [`Book`], so
//! that no status moves without its history and its event, and no money without its posting.
//!
//! Reading order: [`payment`], [`tries`], `fee`, [`as_it_ended`], [`deadline`], [`payin`], [`review`], [`erasure`], [`record`], [`book`],
//! [`game`], [`movements`], [`kyc`].

pub mod as_it_ended;
#[allow(clippy::module_inception, reason = "the room is named after its one aggregate")]
mod book;
pub mod deadline;
pub mod erasure;
mod fee;
pub mod game;
pub mod kyc;
pub mod movements;
pub mod payin;
pub mod payment;
pub mod record;
pub mod review;
pub mod tries;

pub use book::{Book, KeyClaim, KeyId, StoredKey, Viewer};
pub use deadline::Deadline;
pub use erasure::{Erasure, ErasureBasis, ErasureFacts};
pub use game::{GameEntry, GameKind};
pub use kyc::{KycTaken, NewKycTaken, TakenBefore};
pub use payin::{Arrivals, BookedPayin, GivenAddress, PayinKey};
pub use payment::{Attempt, AttemptError, Cancel, Completion, Lease, Part, Payment, Returns, Way};
pub use record::{
    AskedPlace, ChainPlace, Entry, Event, HoldMove, Incident, Record, Subject, Transition,
    VendorCheck, Wire,
};
pub use review::{
    Adjustment, Approval, CaseAct, CaseKind, CaseNews, CasePayload, Desk, Lock, PAYMENT_KINDS,
    PlayerFields, Proposal, ProposalState, ProposedPolicy, Review,
};
