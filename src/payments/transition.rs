//! What every machine says to a step that does not exist.

/// A change of state that does not exist. The news behind it is kept; the state stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no {machine} goes from {from} to {to}")]
pub struct IllegalTransition {
    /// `"deposit"`, `"withdrawal"`, `"part"` or `"attempt"`.
    pub machine: &'static str,
    /// `"new"` when it was to begin there.
    pub from: &'static str,
    pub to: &'static str,
}

/// What a machine that does not exist yet is called in an [`IllegalTransition`].
pub(super) const NEW: &str = "new";
