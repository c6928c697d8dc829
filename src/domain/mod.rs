//! L0, the words of the house: ids, statuses, the player, instruments, reasons, market time.
//!
//! Nothing here computes anything that a person could disagree about; the rules are in the rooms
//! above. None of these types is `Serialize`: the shape of JSON belongs to the edge that speaks it.
//!
//! Reading order: [`ids`], [`status`], [`player`], [`instrument`], [`reasons`], [`wallet`].

pub mod country;
pub mod ids;
pub mod instrument;
pub mod pix_key;
pub mod player;
pub mod reasons;
pub mod status;
pub mod wallet;

pub use ids::{
    AttemptId, DecisionId, EndpointId, EventId, Ids, InboxId, IncidentId, OperatorId, PartId,
    PaymentId, PersonId, PlayerId, PlayerKey, ProposalId, ReviewId, SwitchId,
};
pub use instrument::Instrument;
pub use player::{Exclusion, Kyc, KycStatus, Player, PlayerStatus};
pub use psp_contract::{Currency, Money, Timestamp};
pub use reasons::{Audience, Reason};
pub use status::{
    AttemptStatus, DepositStatus, Direction, Method, Origin, PartStatus, PaymentStatus,
    WithdrawalStatus,
};
pub use wallet::{Balance, Fund};
