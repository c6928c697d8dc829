//! What is behind an address, by its last six digits: an integrator scripts a case by choosing where the
//! coins go. Any `0x` address may end so; chains with check sums in their addresses need a rule instead.

use time::Duration;

use super::{Fault, Waits};

/// What a vendor finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Clean,
    /// A sanctioned owner.
    Severe,
    /// Stolen funds, at second hand.
    High,
    Gambling,
    Mixing,
    /// The vendor has no opinion.
    NoScore,
}

impl Finding {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Severe => "severe",
            Self::High => "high",
            Self::Gambling => "gambling",
            Self::Mixing => "mixing",
            Self::NoScore => "null_score",
        }
    }
}

/// What an address asks for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scripted {
    pub(super) finding: Option<Finding>,
    pub(super) pending: Waits,
    pub(super) fault: Option<Fault>,
}

pub(super) fn of_address(address: &str) -> Scripted {
    let lower = address.to_lowercase();
    let tail =
        lower.strip_prefix("0x").and_then(|digits| digits.get(digits.len().checked_sub(6)?..));
    let finding = |finding| Scripted { finding: Some(finding), ..Scripted::default() };
    let fault = |fault| Scripted { fault: Some(fault), ..Scripted::default() };
    let pending = |after| Scripted { pending: Some(after), ..Scripted::default() };
    match tail.unwrap_or_default() {
        "bad001" => finding(Finding::Severe),
        "bad002" => finding(Finding::High),
        "bad003" => finding(Finding::Gambling),
        "bad004" => finding(Finding::Mixing),
        "bad005" => finding(Finding::NoScore),
        "bad006" => pending(Some(Duration::seconds(5))),
        "bad007" => pending(None),
        "bad008" => fault(Fault::Http429),
        "bad009" => fault(Fault::MalformedBody),
        "bad00a" => fault(Fault::BadSignature),
        "bad00b" => fault(Fault::Late),
        "bad00c" => fault(Fault::Http500),
        _ => super::people::fault_of_name(address).map(fault).unwrap_or_default(),
    }
}
