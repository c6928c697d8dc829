//! A policy that is proposed, approved or refused.

use crate::api::extract::Page;
use crate::api::fields::{Fields, FromFields};
use utoipa::{IntoParams, ToSchema};

/// A proposal.
#[derive(Debug, Clone)]
pub struct PolicyBody {
    pub text: String,
}

impl FromFields for PolicyBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.text("text").map(|text| Self { text })
    }
}

/// An approval: of one text, so that nobody approves what was exchanged meanwhile.
#[derive(Debug, Clone)]
pub struct ApprovePolicyBody {
    pub sha256: [u8; 32],
    pub note: String,
}

impl FromFields for ApprovePolicyBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let form = ("policy.sha256_malformed", "sha256 is 64 hex digits");
        let sha256 = fields.parsed("sha256", form, |text| {
            let mut hash = [0; 32];
            hex::decode_to_slice(text, &mut hash).ok().map(|()| hash)
        });
        let note = fields.line_opt("note", 2000).unwrap_or_default();
        sha256.map(|sha256| Self { sha256, note })
    }
}

/// Why a proposal is refused.
#[derive(Debug, Clone)]
pub struct RefusePolicyBody {
    pub note: String,
}

impl FromFields for RefusePolicyBody {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.line("note", 2000).map(|note| Self { note })
    }
}

/// Which proposals are wanted.
#[derive(Debug, Clone)]
pub struct PolicyQuery {
    pub market: Option<String>,
    pub state: Option<String>,
    pub page: Page,
}

/// What became of a proposal.
const STATES: [&str; 4] = ["proposed", "replaced", "refused", "published"];

impl FromFields for PolicyQuery {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let market = fields.line_opt("market", 64);
        let known = ("policy.state_unknown", "a state is proposed, replaced, refused or published");
        let state = fields
            .parsed_opt("state", known, |text| STATES.contains(&text).then(|| text.to_owned()));
        let page = Page::read(fields, "policies")?;
        Some(Self { market, state, page })
    }
}

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PolicyParams {
    #[param(example = "SE")]
    pub market: Option<String>,
    /// `proposed`, `replaced`, `refused` or `published`
    pub state: Option<String>,
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u16>,
    pub after: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = ProposePolicy)]
pub struct PolicySchema {
    /// The whole file, TOML. It must come into force a minute from now or later.
    pub text: String,
}

#[derive(Debug, ToSchema)]
#[schema(as = ApprovePolicy)]
pub struct ApprovePolicySchema {
    /// Of the text that was read, as the proposal tells it.
    pub sha256: String,
    /// Up to 2000 characters, without personal data.
    pub note: Option<String>,
}

#[derive(Debug, ToSchema)]
#[schema(as = RefusePolicy)]
pub struct RefusePolicySchema {
    /// Why: 1 to 2000 characters, without personal data.
    pub note: String,
}
