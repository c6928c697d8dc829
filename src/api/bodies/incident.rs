//! Which incidents are asked for, and what a person found.

use crate::api::extract::Page;
use crate::api::fields::{Fields, FromFields};
use utoipa::{IntoParams, ToSchema};

/// What a person found who looked at an incident.
#[derive(Debug, Clone)]
pub struct CloseBody {
    pub note: String,
}

impl FromFields for CloseBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.line("note", 2000).map(|note| Self { note })
    }
}

/// Which incidents are wanted.
#[derive(Debug, Clone)]
pub struct IncidentQuery {
    /// None: open and closed.
    pub open: Option<bool>,
    pub page: Page,
}

impl FromFields for IncidentQuery {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let known = ("incident.open_unknown", "open is true or false");
        let open = fields.parsed_opt("open", known, |text| text.parse().ok());
        let page = Page::read(fields, "incidents")?;
        Some(Self { open, page })
    }
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct IncidentParams {
    /// `true` or `false`; left out, both.
    pub open: Option<bool>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u16>,
    pub after: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = CloseIncident)]
pub struct CloseSchema {
    /// What was found, 1 to 2000 characters.
    #[schema(example = "Trustly confirms one payout; their notification was wrong.")]
    pub note: String,
}
