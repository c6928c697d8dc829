//! The reference that a PSP sees.

use std::fmt;
use uuid::Uuid;

/// An attempt's id as a PSP sees it: 32 hex digits, fixed before the first byte is sent and the
/// same for every resend of that attempt. It is the PSP's idempotency key too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptRef(Uuid);

impl AttemptRef {
    pub const fn new(attempt: Uuid) -> Self {
        Self(attempt)
    }

    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// 32 lower-case hex digits.
    pub fn lower(self) -> String {
        self.0.simple().to_string()
    }

    /// 32 upper-case hex digits, for PSPs that want them.
    pub fn upper(self) -> String {
        format!("{:X}", self.0.simple())
    }

    /// Reads what a PSP echoes: 32 hex digits of either case, or the hyphenated form.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 32 || text.len() == 36;
        if plain { Uuid::try_parse(text).ok().map(Self) } else { None }
    }
}

impl fmt::Display for AttemptRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lower())
    }
}
