//! One thing that is wrong with the configuration.

use std::fmt;

/// Names the file (or variable), the key and the reason. Never shows a value that may be secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigFault {
    /// `config/psps.toml`, `INTERLOCK__SERVER__LISTEN`
    pub source: String,
    /// `psps[1].base_url`; empty when it concerns the file as a whole.
    pub key: String,
    pub message: String,
}

impl fmt::Display for ConfigFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}: {}", self.source, self.message)
        } else {
            write!(f, "{}: {}: {}", self.source, self.key, self.message)
        }
    }
}

impl std::error::Error for ConfigFault {}
