//! What a case is about, what people may say of it, and how it stands: in words.

use super::words;
use crate::book::{CaseKind, CasePayload, Payment, Review};
use crate::domain::{Player, Timestamp};
use crate::screening::attestation::AttestationKind;
use std::borrow::Cow;

/// Why there is a case.
pub fn about(kind: &str) -> &'static str {
    match kind {
        "deposit_review" => "A screening of a deposit asks people.",
        "withdrawal_review" => "A screening of a withdrawal asks people. Its money is held.",
        "deposit_hold" => {
            "A screening holds a deposit. Nobody outside compliance may learn why, and nobody can cancel it."
        }
        "withdrawal_hold" => {
            "A screening holds a withdrawal and its money. Nobody outside compliance may learn why, and nobody \
             can cancel it."
        }
        "awaiting_vendor" => {
            "A vendor is asked. Nobody can decide yet: people are asked once it has answered."
        }
        "money_in" => "Money came that may not be credited as it came. It is in suspense.",
        "return" => "A deposit is to be sent back to where it came from.",
        "wallet_owed" => {
            "The player owes the house, and a withdrawal waits for it. Its money is held."
        }
        "outcome_unknown" => {
            "Nobody tells what became of an attempt. Look at the PSP's own pages before you say it: what is said \
             here is booked."
        }
        "psp_unconfigured" => {
            "An attempt is at a PSP account that is in nobody's configuration. Look at the PSP's own pages."
        }
        "payout_stuck" => {
            "No PSP of its plan took this payout. Its money is held, and no attempt is under way; the reasons say \
             what each PSP answered."
        }
        "paid_twice" => {
            "Two PSPs paid one payout. The player has both, and suspense is short of one. Look at the PSPs' own \
             pages before you say what became of it: what is said here is booked."
        }
        "manual_adjustment" => "A player's wallet is to be corrected.",
        "attestation" => "Something about a player is to be vouched for.",
        "exclusion_end" => "A player's exclusion is to end before its day.",
        "player_fields" => "What a player who has paid may not change alone is to be changed.",
        "name_match" => {
            "A list of names has an entry near the player: is it them? Compare the entry, which the list tells by its \
             id, with the player's record."
        }
        "erasure" => "A player's personal data is to be erased for good.",
        "kill_switch" => "Payments were switched off in an emergency.",
        "policy" => {
            "A version of a policy is to be published. Another text is proposed through the API."
        }
        _ => "",
    }
}

/// What may be proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What the form sends: an outcome, or what an approval is to do.
    pub word: Cow<'static, str>,
    pub does: Cow<'static, str>,
}

/// An outcome, and what it does.
type Outcome = (&'static str, &'static str);

const PSP_SAYS: [Outcome; 2] = [
    ("resolve_paid", "the PSP's own pages say that it was paid, and so it is booked"),
    ("resolve_unpaid", "the PSP's own pages say that it was not paid, and never will be"),
];

/// What may be proposed. The lane has the last word: it knows what became of the payment since.
pub fn choices(review: &Review, payment: Option<&Payment>) -> Vec<Choice> {
    let outcomes = outcomes(review, payment).into_iter();
    outcomes.map(|(word, does)| Choice { word: word.into(), does: does.into() }).collect()
}

fn outcomes(review: &Review, payment: Option<&Payment>) -> Vec<Outcome> {
    if !review.open {
        return Vec::new();
    }
    match (CaseKind::parse(&review.kind), payment) {
        (Some(CaseKind::Policy), _) => Vec::new(),
        (Some(CaseKind::KillSwitch), _) => {
            vec![("approve", "it stays off"), ("reject", "the switch is lifted")]
        }
        (Some(_), _) => {
            let named = review.proposals.iter().any(|proposal| proposal.payload.is_some());
            let all =
                [("approve", "what was proposed last is done"), ("reject", "nothing is done")];
            all.into_iter().filter(|(outcome, _)| named || *outcome == "reject").collect()
        }
        (None, Some(payment)) => of_payment(&review.kind, payment),
        (None, None) => Vec::new(),
    }
}

fn of_payment(kind: &str, payment: &Payment) -> Vec<Outcome> {
    let is_foreign = payment.suspended.is_some_and(|money| money.currency != payment.currency());
    let credit = ("approve", "what arrived is credited");
    let back = ("return", "it is sent back to where it came from");
    match kind {
        "awaiting_vendor" => Vec::new(),
        "outcome_unknown" | "psp_unconfigured" => PSP_SAYS.to_vec(),
        "money_in" => {
            let by_hand =
                ("sent_by_hand", "it was sent back on the PSP's own pages: suspense is cleared");
            let lost = ("write_off", "it went back twice: the house bears it");
            let all = [credit, back, by_hand, lost];
            all.into_iter().filter(|choice| !is_foreign || *choice != credit).collect()
        }
        "return" => vec![("approve", "it is sent back"), ("reject", "it is not sent back")],
        "paid_twice" => vec![
            ("given_back", "the PSP has given this payment back, and tells nothing of it"),
            ("write_off", "the house bears what suspense is short of, or keeps what it has again"),
        ],
        "payout_stuck" => vec![
            (
                "approve",
                "it is sent again, once: to PSPs that have not had it, and then to those that surely refused it; where \
                 nobody is left, it comes back here",
            ),
            ("reject", "the money goes back to the wallet"),
        ],
        _ if payment.withdrawal_status().is_some() => vec![
            ("approve", "it goes on to its PSP"),
            ("reject", "it ends, and the money goes back to the wallet"),
        ],
        _ if payment.received.is_some() && is_foreign => vec![back],
        _ if payment.received.is_some() => vec![credit, back],
        _ => vec![("approve", "it is screened once more and goes on"), ("reject", "it ends")],
    }
}

/// Whose money it is by name, as a rule compared them.
pub fn names<'a>(
    payment: Option<&'a Payment>,
    player: Option<&'a Player>,
) -> impl Iterator<Item = (&'static str, String)> + 'a {
    let known = player.filter(|player| !player.is_erased());
    let own = known.map(|player| ("Player's name", player.full_name.clone()));
    let accounts = payment.into_iter().flat_map(Payment::accounts).map(|account| {
        let holder = account.holder().unwrap_or("nobody told whose");
        ("Account", format!("{}, {holder}", account.masked))
    });
    own.into_iter().chain(accounts)
}

/// Whose turn it is.
pub fn stands(review: &Review, now: Timestamp) -> String {
    let desk = &review.desk;
    let late = desk.due_at.is_some_and(|due| due <= now);
    let told = if let Some(closed) = review.closed_at.filter(|_| !review.open) {
        return format!("closed {}", words::time(closed));
    } else if let Some(proposal) = review.open_proposal() {
        let (by, outcome) = (&proposal.proposed_by, &proposal.outcome);
        format!("{by} proposes {outcome}: another person must approve")
    } else if review.kind == "awaiting_vendor" {
        "a vendor is asked".to_owned()
    } else if let Some(since) = desk.waiting_since {
        format!("waits for information since {}", words::time(since))
    } else if let Some(lock) = desk.lock.as_ref().filter(|lock| now < lock.until) {
        format!("{} works on it until {}", lock.by, words::time(lock.until))
    } else if let Some(person) = &desk.assigned_to {
        format!("{person} is to propose")
    } else {
        "nobody has proposed anything".to_owned()
    };
    if late { format!("overdue: {told}") } else { told }
}

/// What an approval of a proposal does, where that is more than its outcome.
pub fn payload(payload: &CasePayload) -> String {
    match payload {
        CasePayload::Adjustment { entry, money } => format!("{} {money}", entry.as_str()),
        CasePayload::Attestation(terms, _)
            if terms.kind == AttestationKind::NameException && terms.valid_until.is_none() =>
        {
            format!("the entry {} is not this player", terms.reference)
        }
        CasePayload::Attestation(terms, _) => {
            let amount = terms.amount.map(|money| format!(", up to {money}"));
            let until = terms.valid_until.map(|at| format!(", until {}", words::time(at)));
            let (kind, reference) = (terms.kind.as_str(), &terms.reference);
            let [amount, until] = [amount, until].map(Option::unwrap_or_default);
            format!("{kind}, {reference}{amount}{until}")
        }
        CasePayload::ExclusionEnd(None) => "the exclusion ends".to_owned(),
        CasePayload::ExclusionEnd(Some(which)) => {
            format!("the exclusion by {} since {} ends", which.source, words::time(which.from))
        }
        CasePayload::PlayerFields(fields) => {
            let day = fields.date_of_birth.map(|day| day.to_string());
            let named = [
                ("country", fields.country.clone()),
                ("date_of_birth", day),
                ("national_id", fields.national_id.clone()),
            ];
            let said = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
            said.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
        }
        CasePayload::Exclusion => "the player is excluded without end".to_owned(),
        CasePayload::Erasure => "the personal data is erased".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::PAYMENT_KINDS;
    use crate::screening::test_data::player;

    #[test]
    fn of_who_was_erased_a_case_names_nobody() {
        let mut known = player();
        let named: Vec<_> = names(None, Some(&known)).collect();
        assert_eq!(named, [("Player's name", "Test Person".to_owned())]);
        known.erase();
        assert_eq!(names(None, Some(&known)).count(), 0);
    }

    #[test]
    fn every_kind_of_case_says_what_it_is_about() {
        let others = CaseKind::ALL.iter().map(|kind| kind.as_str());
        for kind in PAYMENT_KINDS.into_iter().chain(others) {
            assert_ne!(about(kind), "", "{kind}");
        }
        assert_eq!(about("no_such_kind"), "");
    }
}
