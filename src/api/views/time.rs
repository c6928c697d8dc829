//! A point in time as the API tells it.

use crate::domain::Timestamp;
use serde::{Serialize, Serializer};
use time::UtcOffset;
use utoipa::ToSchema;

/// RFC 3339 in UTC with `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-03-01T12:00:00.25Z")]
pub struct Time(pub Timestamp);

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self(time)
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        time::serde::rfc3339::serialize(&self.0.to_offset(UtcOffset::UTC), to)
    }
}
