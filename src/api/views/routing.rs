//! What is switched off, and how the PSPs do, as operators read it.

use super::time::Time;
use crate::domain::SwitchId;
use crate::routing::describe_health::{PspState, Standing};
use crate::routing::switches::Switch;
use serde::Serialize;
use utoipa::ToSchema;

/// Something that people switched off.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoutingSwitch)]
pub struct SwitchView {
    #[schema(example = "sw_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub id: String,
    /// `kill` or `maintenance`
    pub kind: &'static str,
    /// Null means all of them, here and in the next three.
    #[schema(required)]
    pub psp: Option<String>,
    #[schema(required)]
    pub country: Option<String>,
    #[schema(required)]
    pub direction: Option<&'static str>,
    #[schema(required)]
    pub method: Option<&'static str>,
    pub reason: String,
    /// The person.
    pub set_by: String,
    pub set_at: Time,
    pub from: Time,
    /// Null: until it is lifted.
    #[schema(required)]
    pub until: Option<Time>,
    /// The open review in which people confirm or lift it.
    #[schema(required, example = "rev_0198f3c2a1b27c3d8e4f5a6b7c8d9e0f")]
    pub review_id: Option<String>,
    /// Who proposed to lift a kill switch: until another person agrees it stays off.
    #[schema(required)]
    pub lift_proposed: Option<LiftedView>,
    /// Null until somebody lifts it.
    #[schema(required)]
    pub lifted: Option<LiftedView>,
}

/// Who lifted a switch or proposed it, when and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoutingSwitchLift)]
pub struct LiftedView {
    pub by: String,
    pub at: Time,
    pub reason: String,
}

impl From<Switch> for SwitchView {
    fn from(switch: Switch) -> Self {
        Self {
            id: SwitchId(switch.id).to_string(),
            kind: switch.kind.as_str(),
            psp: switch.scope.psp,
            country: switch.scope.country,
            direction: switch.scope.direction.map(|direction| direction.as_str()),
            method: switch.scope.method.map(|method| method.as_str()),
            reason: switch.reason,
            set_by: switch.set_by.to_string(),
            set_at: switch.set_at.into(),
            from: switch.from.into(),
            until: switch.until.map(Time::from),
            review_id: switch.review.map(|id| id.to_string()),
            lift_proposed: switch.lift_proposed.map(|proposed| LiftedView {
                by: proposed.by.to_string(),
                at: proposed.at.into(),
                reason: proposed.reason,
            }),
            lifted: switch.lifted.map(|lifted| LiftedView {
                by: lifted.by.to_string(),
                at: lifted.at.into(),
                reason: lifted.reason,
            }),
        }
    }
}

/// How every PSP account of the operator does, as the instance that answers knows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RoutingHealth)]
pub struct HealthView {
    /// Of the routing rules in force.
    pub version: String,
    pub psps: Vec<PspStateView>,
}

/// One PSP account in one direction.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PspHealth)]
pub struct PspStateView {
    #[schema(example = "trustly-se")]
    pub psp: String,
    /// `deposit` or `withdrawal`
    pub direction: &'static str,
    /// `well` · `doubtful`: it has just failed or come back, and is asked less · `failing`: it is asked last
    /// · `probing`: it failed, and one call may see whether it is well again
    pub state: &'static str,
    /// What was switched off and holds now.
    pub switched_off: Vec<SwitchView>,
    pub approvals: Vec<ApprovalView>,
}

/// How often payments of one kind are approved there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PspApproval)]
pub struct ApprovalView {
    pub country: String,
    pub method: &'static str,
    pub currency: String,
    /// In hundredths of a percent.
    #[schema(example = 8725)]
    pub usual_bps: i32,
    /// By how many outcomes it is known, at most 2000.
    pub outcomes: i32,
    /// It fell, and others are asked first.
    pub fallen: bool,
}

impl From<PspState> for PspStateView {
    fn from(state: PspState) -> Self {
        let approvals = state.levels.into_iter().map(|level| ApprovalView {
            country: level.bucket.country,
            method: level.bucket.method.as_str(),
            currency: level.bucket.currency.to_string(),
            usual_bps: level.approved_ppm / 100,
            outcomes: level.outcomes,
            fallen: level.demoted,
        });
        Self {
            psp: state.psp,
            direction: state.direction.as_str(),
            state: match state.standing {
                Standing::Well => "well",
                Standing::Doubtful => "doubtful",
                Standing::Failing => "failing",
                Standing::Probing => "probing",
            },
            switched_off: state.switches.into_iter().map(SwitchView::from).collect(),
            approvals: approvals.collect(),
        }
    }
}
