//! What is asked of a PSP, what it answers, and what it tells by itself.

/// What is asked of a PSP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Deposit,
    /// A deposit with an instrument that the casino's page collected.
    DepositByToken,
    Complete,
    PayoutByToken,
    PayoutToIban,
    PayoutToUkAccount,
    PayoutToPixKey,
    PayoutToCrypto,
    PayoutToPhone,
    PayoutToEmail,
    Return,
    Cancel,
    AskDeposit,
    AskPayout,
    AskReturn,
    AskDepositByOurs,
    AskPayoutByOurs,
    AskReturnByOurs,
    AskLedger,
    Lookup,
}

impl Act {
    pub const ALL: [Act; 20] = [
        Act::Deposit,
        Act::DepositByToken,
        Act::Complete,
        Act::PayoutByToken,
        Act::PayoutToIban,
        Act::PayoutToUkAccount,
        Act::PayoutToPixKey,
        Act::PayoutToCrypto,
        Act::PayoutToPhone,
        Act::PayoutToEmail,
        Act::Return,
        Act::Cancel,
        Act::AskDeposit,
        Act::AskPayout,
        Act::AskReturn,
        Act::AskDepositByOurs,
        Act::AskPayoutByOurs,
        Act::AskReturnByOurs,
        Act::AskLedger,
        Act::Lookup,
    ];

    pub const PAYOUTS: [Act; 7] = [
        Act::PayoutByToken,
        Act::PayoutToIban,
        Act::PayoutToUkAccount,
        Act::PayoutToPixKey,
        Act::PayoutToCrypto,
        Act::PayoutToPhone,
        Act::PayoutToEmail,
    ];

    pub fn asks(self) -> bool {
        matches!(
            self,
            Act::AskDeposit
                | Act::AskPayout
                | Act::AskReturn
                | Act::AskDepositByOurs
                | Act::AskPayoutByOurs
                | Act::AskReturnByOurs
                | Act::AskLedger
                | Act::Lookup
        )
    }

    pub fn asks_about_a_deposit(self) -> bool {
        matches!(self, Act::AskDeposit | Act::AskDepositByOurs)
    }

    pub fn moves_money(self) -> bool {
        !self.asks() && self != Act::Cancel
    }
}

/// What the PSP answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Accepted,
    /// A code of its list of definite refusals.
    Refused,
    Unlisted,
    Duplicate,
    ServerError,
    Throttled,
    /// 200 with a page of something in between.
    Html,
    Empty,
    CutShort,
    /// Right in every way but signed by nobody or somebody else.
    Forged,
    /// About another amount.
    OtherAmount,
    NotFound,
    Pending,
    /// The payer has approved, and the PSP waits for our second call.
    Approved,
    Succeeded,
    Failed,
    CameBack,
}

impl Case {
    pub const ALL: [Case; 17] = [
        Case::Accepted,
        Case::Refused,
        Case::Unlisted,
        Case::Duplicate,
        Case::ServerError,
        Case::Throttled,
        Case::Html,
        Case::Empty,
        Case::CutShort,
        Case::Forged,
        Case::OtherAmount,
        Case::NotFound,
        Case::Pending,
        Case::Approved,
        Case::Succeeded,
        Case::Failed,
        Case::CameBack,
    ];
}

/// What a webhook says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    DepositApproved,
    DepositSucceeded,
    PayoutSucceeded,
    PayoutFailed,
    /// Money that names no attempt.
    Payin,
}

impl News {
    pub const ALL: [News; 5] = [
        News::DepositApproved,
        News::DepositSucceeded,
        News::PayoutSucceeded,
        News::PayoutFailed,
        News::Payin,
    ];
}
