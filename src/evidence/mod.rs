//! L1 and L3, what shows afterwards that everything was right.
//!
//! **The books.** The nightly proof re-checks every invariant of the ledger; incidents that it raises are
//! closed by people. Each proof that came to its end is on record, and a night without one is made up for.
//!
//! **The log.** Whatever a lane writes for good hangs on a number, (slot, seq), without gaps. Each number
//! has one canonical [`line`]; the lines are the leaves of one Merkle [`tree`]; the tree's head is signed
//! from time to time as a [`checkpoint`], a [`note`] that anybody can check with a public key. Sealing
//! runs after the fact and only reads: no lane ever waits for it. `docs/evidence.md` says what that
//! proves and what it does not, and `docs/decisions/0008` why it is built so.
//!
//! - A record is in the tree once, at a leaf that the checkpoints before it fix.
//! - A checkpoint, once signed, is never signed otherwise: the database takes one for each number, and the
//!   folder of checkpoints takes no file twice.
//! - Nothing personal is in a line.
//!
//! Reading order: [`prove_books`], [`prove_nightly`], [`close_incident`]; pure: [`canonical`], [`line`], [`tree`], [`note`],
//! [`checkpoint`], [`examine`], [`audit`]; then [`seal`], [`folder`], [`log_file`], [`verify_log`],
//! [`pack`], [`export_pack`].

pub mod audit;
pub mod canonical;
pub mod checkpoint;
pub mod close_incident;
pub mod examine;
pub mod export_pack;
pub mod folder;
pub mod line;
pub mod log_file;
pub mod note;
pub mod pack;
pub mod prove_books;
pub mod prove_nightly;
pub mod seal;
pub mod tree;
pub mod verify_log;
