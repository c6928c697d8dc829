//! L1, what a lane decides under a player's lock: `decide(command, book) → answer or refusal`.
//!
//! Pure: the time, fresh ids, the PSPs' capabilities and the policies come in as arguments
//! ([`Ctx`]). A refused command leaves the book as it was; a refusal that the contract says burns
//! its key is recorded too.
//!
//! **Where is it decided what a timeout of a payout means?** The transport says `Unknown`;
//! [`crate::payments::failover::verdict`] says what that means for the attempt; [`payout`] moves
//! attempt, part and payment; [`crate::payments::resolution`] says how and when to ask again.
//!
//! Reading order: [`command`], [`refusal`], [`needs`], [`ends`], [`dispatch`], then one file per kind of command: [`deposit`],
//! [`withdrawal`] (with [`closed_loop`] and [`deadline`]), [`news`] (with [`deposit_news`], [`completion`],
//! [`money_in`], [`taken_back`], [`payout`], [`psp_answers`], [`stuck`], [`late_payout`], [`bounce`] and [`paid_twice`]), [`payin`], [`attempt`] (with [`session`],
//! [`later_round`] and [`unconfigured`]), [`returns`] (with [`goes_back`]), [`people`],
//! [`vendor`], [`wallet`], [`player`], [`kyc`], [`account`]; and of people's work [`four_eyes`], [`review`],
//! [`approve_deposit`], [`suspense`], [`case`],
//! [`erasure`], [`service_case`], [`desk_work`].

pub mod account;
pub mod approve_deposit;
pub mod attempt;
pub mod bounce;
pub mod case;
pub mod closed_loop;
pub mod command;
pub mod completion;
pub mod deadline;
pub mod deposit;
pub mod deposit_news;
pub mod desk_work;
pub mod dispatch;
pub mod dispute;
pub mod ends;
pub mod erasure;
pub mod four_eyes;
pub mod goes_back;
pub mod idempotency;
pub mod kept;
pub mod kyc;
pub mod late_money;
pub mod late_payout;
pub mod later_round;
pub mod money_in;
pub mod needs;
pub mod news;
pub mod paid_twice;
pub mod payin;
pub mod payout;
pub mod people;
pub mod player;
pub mod psp_answers;
pub mod refusal;
pub mod returns;
pub mod review;
pub mod service_case;
pub mod session;
pub mod source;
pub mod stuck;
pub mod suspense;
pub mod taken_back;
pub mod unconfigured;
pub mod vendor;
pub mod wallet;
pub mod withdrawal;

pub use command::{Answer, Command, Ctx, PspFacts};
pub use dispatch::decide;
pub use needs::Needs;
pub use refusal::Refusal;
