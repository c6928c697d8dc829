//! What a lane must write in words that are an edge's to choose.

use crate::book::{KeyClaim, Payment, Viewer};
use crate::decide::{Answer, Refusal};

/// Renders what is stored in the commit itself: the idempotent answer, byte for byte, and the
/// snapshot of an event. The edge that speaks JSON implements it.
pub trait Render: Send + Sync {
    /// Status and body of the answer to the request that made this.
    fn answer(&self, answer: &Answer, claim: &KeyClaim) -> (u16, Vec<u8>);
    /// Status and body of a refusal that burns its key.
    fn refusal(&self, refusal: &Refusal, claim: &KeyClaim) -> (u16, Vec<u8>);
    /// Status and body of the answer that tells a deposit.
    fn payment(&self, payment: &Payment, viewer: Viewer) -> (u16, Vec<u8>);
    /// The payment as events show it: a JSON object.
    fn event(&self, payment: &Payment) -> String;
}
