//! What an incident means and what to do about it, in a sentence each. `docs/operations.md` says more; a test
//! holds this table to have its kinds and no others.

/// A kind of incident: what happened, and what to do next.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    pub kind: &'static str,
    pub means: &'static str,
    pub next: &'static str,
}

const fn words(kind: &'static str, means: &'static str, next: &'static str) -> Words {
    Words { kind, means, next }
}

/// Of a kind that a newer release raised.
const UNKNOWN: Words = words(
    "",
    "This release does not know this kind of incident: a newer one raised it.",
    "Read what it says, and the guide of the newer release.",
);

/// What is said of a kind.
pub fn of(kind: &str) -> Words {
    ALL.iter().find(|words| words.kind == kind).copied().unwrap_or(UNKNOWN)
}

/// In the order of the guide.
pub const ALL: &[Words] = &[
    words(
        "deposit.other_amount",
        "Other money arrived than was asked for, or other money was taken back than had arrived.",
        "Its review decides: credit what arrived, or send it back. Where there is no review, ask the PSP, and two \
         people adjust the wallet.",
    ),
    words(
        "deposit.second_success",
        "Two PSPs were paid for one deposit: one payment is credited, the other is in suspense.",
        "Decide the review of the return that was opened.",
    ),
    words(
        "deposit.return_by_hand",
        "The second payment of a deposit is in suspense, and its PSP cannot be told to send it back.",
        "Find it on the PSP's own pages by the attempt's id, and send it back there. If the PSP tells nothing of \
         that, its review takes sent_by_hand.",
    ),
    words(
        "deposit.status_conflict",
        "Money came or went that the deposit's status has no step for. It is booked; the status stayed as it was.",
        "Compare it with the PSP's own pages; where the wallet is wrong, two people adjust it. Tell the casino, \
         and report it as a defect.",
    ),
    words(
        "deposit.not_creditable",
        "Money came for a player who may not be credited.",
        "Decide its review.",
    ),
    words(
        "deposit.unsolicited",
        "Money came without a request, and may not be credited as it came.",
        "Decide its review.",
    ),
    words(
        "deposit.unclaimed",
        "Money came that belongs to no known player.",
        "Find out at the PSP whose it is. Its review can only send it back.",
    ),
    words(
        "payin.unproven",
        "A message about money without a request proves too little, or the PSP has stopped what came. Nothing was \
         booked.",
        "Look at the PSP's own pages. When what stood in its way is mended, have it applied again: interlock \
         webhooks retry.",
    ),
    words(
        "payin.other_amount",
        "A message about money without a request named another amount than the PSP itself. What the PSP answered \
         is booked.",
        "Ask the PSP why; its settlement file tells.",
    ),
    words(
        "deposit.payer_differs",
        "After a deposit was credited its PSP told who paid, and that is not the player by name or tax id.",
        "Compare the payer with the player; send the deposit back where it was somebody else.",
    ),
    words(
        "payout.other_amount",
        "A PSP says that it paid other money than it was told to. Nothing was booked for it.",
        "Look at the PSP's own pages. A payout's review takes resolve_paid or resolve_unpaid; where other money \
         moved than was booked, two people adjust the wallet.",
    ),
    words(
        "attempt.mismatch",
        "A PSP answers about something else than it was asked. Nothing was booked for it.",
        "Look at the PSP's own pages. A payout's review takes resolve_paid or resolve_unpaid; where other money \
         moved than was booked, two people adjust the wallet.",
    ),
    words(
        "attempt.undecided",
        "A PSP had paid a payout, and says now that it does not know what became of it. Nothing was booked, and it \
         is asked again.",
        "Look at the PSP's own pages. If only they say that the money is back, two people credit the player.",
    ),
    words(
        "payout.unknown",
        "Whether a payout was paid has been unknown for too long. It is not sent elsewhere, and its money stays held.",
        "Look at the PSP's own pages, then decide its review.",
    ),
    words(
        "deposit.unknown",
        "Whether a deposit was paid has been unknown for too long.",
        "Look at the PSP's own pages, then decide its review.",
    ),
    words(
        "payout.overdue",
        "A PSP took a payout and has told no end of it for three days.",
        "Look at the PSP's own pages; its review takes resolve_paid or resolve_unpaid.",
    ),
    words(
        "withdrawal.due_soon",
        "A withdrawal is not at its end, and the time that its market allows is nearly over.",
        "Look at what it waits for: its review, its vendors or its PSP.",
    ),
    words(
        "withdrawal.overdue",
        "The time that its market allows passed before the withdrawal was at its end.",
        "Look at what it waits for: its review, its vendors or its PSP. Write down why it is late.",
    ),
    words(
        "payout.paid_late",
        "A withdrawal was paid after its money had been given back. The wallet was debited, and the rest is owed.",
        "Tell the casino; recover what is owed.",
    ),
    words(
        "payout.status_conflict",
        "A withdrawal was paid after it was over in another way. The wallet was debited, and the rest is owed.",
        "Tell the casino; recover what is owed.",
    ),
    words(
        "payout.psp_unreachable",
        "A PSP cannot be reached, and payouts stopped for it: nobody else could pay them.",
        "Is it the PSP or the way to it? Routing tells how it does. Once it is well, approve the reviews \
         payout_stuck, then close this.",
    ),
    words(
        "payout.paid_twice",
        "Two attempts of one payout were paid.",
        "Recover the second from the PSP or the player. Its reviews paid_twice say what became of it.",
    ),
    words(
        "payout.taken_after_all",
        "A PSP has a payout after all that was held not to have reached it, or to be refused. What was to pay it \
         instead is called off.",
        "Look at the PSP's own pages. Its review outcome_unknown takes resolve_paid or resolve_unpaid before the \
         other one can be decided.",
    ),
    words(
        "payout.denied_after_paid",
        "A PSP had paid a payout, and says since that it did not. It counts as paid on: nothing moved.",
        "Ask the PSP whether the money is back with it. If it never tells of a return, two people adjust the wallet.",
    ),
    words(
        "payout.recovered",
        "One of two payments of a payout came back.",
        "Stop recovering the second, or see what becomes of the other: the words below say which.",
    ),
    words(
        "payout.returned_unpaid",
        "A payout came back that its PSP had never said to be paid. Nothing was booked.",
        "Look at the PSP's own pages and compare with the withdrawal.",
    ),
    words(
        "payout.back_after_write_off",
        "A payout that was paid late came back, and two people had forgiven the debt that it left. So much of it \
         is booked to adjustments.",
        "Nothing, where it was forgiven. Where the player has paid that debt, two people credit it.",
    ),
    words(
        "deposit.surplus_taken_back",
        "The second payment of a deposit was charged back.",
        "Reject its open return. What was sent already has left twice: recover it, or write it off in its review.",
    ),
    words(
        "deposit.suspended_taken_back",
        "Money that was never credited was charged back while a return of it is under way. Suspense is short of it.",
        "Reject that return. What was sent already has left twice: recover it, or write it off in its review.",
    ),
    words(
        "deposit.taken_back_again",
        "Money of a deposit was taken back, and the PSP tells of more, or of something else, than was booked.",
        "Ask the PSP whether it is besides what was booked. If it is, two people book it by an adjustment \
         taken_back.",
    ),
    words(
        "deposit.dispute_won",
        "A PSP says that a deposit is paid whose money was taken back. Nothing is booked for it.",
        "Look at the PSP's own pages. If the money is ours again, two people credit the player.",
    ),
    words(
        "deposit.won_after_write_off",
        "A dispute was won, and two people had forgiven the debt that it left. So much of it is booked to \
         adjustments.",
        "Nothing, where it was forgiven. Where the player has paid that debt, two people credit it.",
    ),
    words(
        "payout.returned_again",
        "A payout came back, and its PSP tells of another sum than was booked.",
        "Ask the PSP how much is back in all. Two people credit the player with what is missing.",
    ),
    words(
        "webhook.unmatched",
        "A verified message of a PSP matches no attempt. It is kept.",
        "Find out at the PSP what it is about. When what stood in its way is mended, have it applied again: \
         interlock webhooks retry.",
    ),
    words(
        "webhook.parked",
        "A verified message of a PSP could not be applied. It is kept.",
        "Find out at the PSP what it is about. When what stood in its way is mended, have it applied again: \
         interlock webhooks retry.",
    ),
    words(
        "webhook.waiting",
        "A verified message of a PSP could not be applied for an hour. It is tried every five minutes.",
        "Mend what the words below say. Nothing else: it is applied by itself.",
    ),
    words(
        "webhook.unclear",
        "A PSP told of money that may be a return that bounced. It is kept, and nothing was booked.",
        "Find out at the PSP whose money it is.",
    ),
    words(
        "ledger.broken",
        "The nightly proof found the books wrong.",
        "Stop payouts, keep the database as it is, and call whoever knows the code: interlock prove tells where.",
    ),
    words(
        "ledger.unproven",
        "No proof of the books came to its end for 48 hours.",
        "See that an instance with the role worker runs, and what its log says; interlock prove proves the books \
         now. Close this once a proof has ended.",
    ),
    words(
        "evidence.broken",
        "The log and its checkpoints outside contradict each other, or a record is gone. Nothing more is sealed.",
        "Keep the database and the checkpoints as they are, and call whoever looks after the evidence.",
    ),
    words(
        "rates.ageing",
        "The exchange rates of the configuration may soon not be used any more.",
        "Bring new ones and restart one instance after the other; then close this.",
    ),
    words(
        "rates.too_old",
        "The exchange rates of the configuration are too old: whatever is compared by them goes to people.",
        "Bring new ones and restart one instance after the other; then close this.",
    ),
    words(
        "kyc_undecided",
        "A verification at a vendor of identity came to no decision.",
        "Look at the vendor, or verify the player by hand.",
    ),
    words(
        "kyc_level_unknown",
        "A vendor of identity tells of a level that the configuration does not name. It had no effect.",
        "Name the level in the configuration, or verify the player by hand.",
    ),
    words(
        "kyc_player_unknown",
        "A vendor of identity tells of somebody who is no known player. It had no effect.",
        "Look at the vendor: whose verification is it?",
    ),
    words(
        "kyc_sandbox",
        "A vendor of identity told of a verification in its test environment. It had no effect.",
        "Look at the vendor: why does its test environment send messages here?",
    ),
    words(
        "kyc_leads_elsewhere",
        "A message of a vendor of identity has a link to another host than the vendor's. It was not followed.",
        "Look at the vendor, or verify the player by hand.",
    ),
    words(
        "reservation_unsettled",
        "A file of limits has not taken what became of a deposit. It is told again and again.",
        "Find out why the file does not answer.",
    ),
    words(
        "row_unreadable",
        "Something was written in a way that this release cannot read, or could not be recorded three times in a \
         row. It waits, and all others go on.",
        "Let the newer release run, then close this. Where there is none, look into the log.",
    ),
    words(
        "name_not_matched",
        "A player's name could not be matched for long.",
        "Mend the matcher; the name is matched by itself.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_there_once_and_says_what_to_do() {
        for words in ALL {
            assert_eq!(ALL.iter().filter(|it| it.kind == words.kind).count(), 1, "{}", words.kind);
            assert_eq!(of(words.kind).means, words.means);
            assert!(words.means.ends_with('.') && words.next.ends_with(['.', '?']), "{words:?}");
        }
        assert!(of("payout.of_a_newer_release").means.contains("newer"));
    }
}
