//! What is to be switched off, and why a switch is lifted.

use crate::api::extract::Page;
use crate::api::fields::{Fields, FromFields};
use crate::domain::country::is_country;
use crate::domain::{Direction, Method, Timestamp};
use crate::routing::switches::{Scope, SwitchKind};
use utoipa::{IntoParams, ToSchema};

/// A switch to be set.
#[derive(Debug, Clone)]
pub struct SwitchBody {
    pub kind: SwitchKind,
    pub scope: Scope,
    pub reason: String,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
}

impl FromFields for SwitchBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let kinds = ("switch.kind_unknown", "kind is `kill` or `maintenance`");
        let kind = fields.parsed_opt("kind", kinds, SwitchKind::parse);
        let unknown_country =
            ("country.unknown", "this is no ISO 3166 alpha-2 country code, in capitals: SE");
        let directions = ("direction.unknown", "direction is `deposit` or `withdrawal`");
        let methods = ("method.unknown", "there is no such method");
        let scope = Scope {
            psp: fields.line_opt("psp", 64),
            country: fields.parsed_opt("country", unknown_country, |code| {
                is_country(code).then(|| code.to_owned())
            }),
            direction: fields
                .parsed_opt("direction", directions, |text| text.parse::<Direction>().ok()),
            method: fields.parsed_opt("method", methods, |text| text.parse::<Method>().ok()),
        };
        let (from, until) = (fields.time_opt("from"), fields.time_opt("until"));
        let reason = fields.line("reason", 500)?;
        Some(Self { kind: kind.unwrap_or(SwitchKind::Kill), scope, reason, from, until })
    }
}

/// Why a switch is lifted.
#[derive(Debug, Clone)]
pub struct LiftBody {
    pub reason: String,
}

impl FromFields for LiftBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.line("reason", 500).map(|reason| Self { reason })
    }
}

/// Which switches are wanted.
#[derive(Debug, Clone)]
pub struct SwitchQuery {
    /// Only those that are on, or will be.
    pub only_on: bool,
    pub page: Page,
}

impl FromFields for SwitchQuery {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let known = ("switch.on_unknown", "on is true or false");
        let on = fields.parsed_opt("on", known, |text| text.parse().ok());
        let page = Page::read(fields, "routing-switches")?;
        Some(Self { only_on: on.unwrap_or(false), page })
    }
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SwitchParams {
    /// `true`: only those that are on, or will be.
    pub on: Option<bool>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u16>,
    pub after: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = PostRoutingSwitch)]
pub struct SwitchSchema {
    /// `kill`, which is meant unless said, stays until it is lifted or until `until`; `maintenance` has an
    /// end.
    #[schema(example = "kill")]
    pub kind: Option<String>,
    /// A PSP account. Of `psp`, `country`, `direction` and `method` at least one stands; what is left out
    /// means all of it.
    #[schema(example = "trustly-se")]
    pub psp: Option<String>,
    #[schema(example = "SE")]
    pub country: Option<String>,
    /// `deposit` or `withdrawal`
    pub direction: Option<String>,
    #[schema(example = "bank_transfer")]
    pub method: Option<String>,
    /// Shown with every payment that was kept away: 1 to 500 characters, without personal data.
    #[schema(example = "Their settlements are late.")]
    pub reason: String,
    /// Now, unless said.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = LiftRoutingSwitch)]
pub struct LiftSchema {
    /// 1 to 500 characters.
    #[schema(example = "They have settled.")]
    pub reason: String,
}
