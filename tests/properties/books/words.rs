//! The world around the book: a player, a policy, two PSPs, payments as a casino asks for them.

use interlock::book::{Book, KeyClaim, Part, Payment};
use interlock::decide::PspFacts;
use interlock::decide::command::{PlayerChecks, RequestWithdrawal, Screened, StartDeposit};
use interlock::decide::completion::KnownBefore;
use interlock::decide::erasure::Retention;
use interlock::decide::four_eyes::ReviewTerms;
use interlock::domain::{
    Currency, DecisionId, DepositStatus, Direction, Ids, Instrument, Kyc, KycStatus, Method, Money,
    OperatorId, Origin, PartId, PartStatus, PaymentId, PaymentStatus, Player, PlayerId, PlayerKey,
    PlayerStatus, Timestamp, WithdrawalStatus,
};
use interlock::payments::facts::payer_of;
use interlock::routing::plan::{Candidate, Route};
use interlock::screening::closed_loop::Terms;
use interlock::screening::decision::{About, Decision};
use interlock::screening::exceptions::Exceptions;
use interlock::screening::facts::Match;
use interlock::screening::file;
use interlock::screening::gather::{self, Setting};
use interlock::screening::policy::{FxTable, MarketPolicy, Policies};
use interlock::screening::split::{Split, Wanted};
use interlock::screening::{Checkpoint, Facts, engine};
use psp_contract::{
    Capabilities, Charset, DepositCapability, IdempotencyCapability, InquiryCapability, KeyReplay,
    PayoutCapability, Portable, ReferenceRule, WebhookAuthenticity, WebhookCapability,
    WebhookProof, WebhookReplyKind,
};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use time::macros::{date, datetime};
use uuid::Uuid;

/// Nobody has anything to say of the player as they are.
pub fn known_of(book: &Book, began: Option<Facts>) -> Box<KnownBefore> {
    let version = book.player.as_ref().map(|player| player.version);
    let checks = PlayerChecks { version, ..PlayerChecks::default() };
    Box::new(KnownBefore { began, checks })
}

/// Ids by counting, so that a history is the same every time.
#[derive(Default)]
pub struct Numbers(AtomicU64);

impl Ids for Numbers {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::Relaxed)) + 1)
    }
}

pub struct World {
    pub start: Timestamp,
    pub player: Player,
    pub policies: Policies,
    pub fx: FxTable,
    pub reviews: ReviewTerms,
    /// One PSP can be asked and replays; the other can neither.
    psps: BTreeMap<&'static str, Capabilities>,
}

impl PspFacts for World {
    fn capabilities(&self, psp: &str) -> Option<&Capabilities> {
        self.psps.get(psp)
    }
}

impl World {
    pub fn new() -> Self {
        let start = datetime!(2026-11-20 12:00 UTC);
        let psps = BTreeMap::from([("open", psp(true)), ("silent", psp(false))]);
        let eur_per_unit = BTreeMap::new();
        let fx = FxTable {
            source: "test".to_owned(),
            date: date!(2026 - 11 - 19),
            eur_per_unit,
            age_max_days: None,
        };
        let day = Duration::from_secs(86_400);
        let reviews = ReviewTerms {
            approvals_needed: 1,
            lock: day,
            due: day,
            info: day,
            // Steps go on for weeks; what people proposed stands until they decide.
            proposal_life: day * 10_000,
            escalate_every: day,
            retention: Retention::default(),
        };
        let policies = Policies::new(vec![policy()]);
        Self { start, player: player(start), policies, fx, reviews, psps }
    }

    pub fn deposit(
        &self,
        book: &Book,
        ids: &Numbers,
        claim: KeyClaim,
        minor: i64,
        now: Timestamp,
    ) -> StartDeposit {
        let money = Money::new(minor, Currency::EUR);
        let records = gather::Deposit {
            checkpoint: Checkpoint::DepositPre,
            player: book.player.as_ref(),
            payment: None,
            origin: Origin::Request,
            money,
            method: Method::BankTransfer,
            limits: &book.limits,
            movements: &book.movements,
            background: &book.background,
            source: None,
        };
        let facts = gather::deposit(&records, &Setting::new(&self.policies, &self.fx, now));
        let id = PaymentId::deposit(ids.next());
        let about = self.about(book, ids, id);
        let screening = engine::screen(&self.policies, &facts);
        let decision = Decision::new(about, facts, screening);
        let player_version = decision.player_version();
        let status = PaymentStatus::Deposit(DepositStatus::Processing);
        let payment = self.payment(id, status, money, decision.id, now);
        StartDeposit { claim, payment, screening: Screened { player_version, decision } }
    }

    pub fn withdrawal(
        &self,
        book: &Book,
        ids: &Numbers,
        claim: KeyClaim,
        minor: i64,
        now: Timestamp,
    ) -> RequestWithdrawal {
        let money = Money::new(minor, Currency::EUR);
        let records = gather::Withdrawal {
            checkpoint: Checkpoint::WithdrawalRequest,
            player: book.player.as_ref(),
            money,
            method: Method::BankTransfer,
            origin: Origin::Request,
            owed: &[],
            closed_loop: None,
            payment: None,
            asked_at: None,
            movements: &book.movements,
            background: &book.background,
            ends: &[],
        };
        let facts = gather::withdrawal(&records, &Setting::new(&self.policies, &self.fx, now));
        let id = PaymentId::withdrawal(ids.next());
        let about = self.about(book, ids, id);
        let screening = engine::screen(&self.policies, &facts);
        let decision = Decision::new(about, facts, screening);
        let player_version = decision.player_version();
        let status = PaymentStatus::Withdrawal(WithdrawalStatus::Approved);
        let mut payment = self.payment(id, status, money, decision.id, now);
        // Every third withdrawal goes to two accounts.
        let second = if minor % 3 == 0 { minor / 3 } else { 0 };
        for (minor, number) in [minor - second, second].into_iter().zip(1..) {
            if 0 < minor {
                payment.parts.push(part(ids, number, minor));
            }
        }
        let named = payment.parts[0].instrument.clone();
        let wanted = Wanted::Named { to: named, is_known: false, whose: Match::Unknown };
        let (sources, terms, exceptions) = (Vec::new(), Terms::default(), Exceptions::default());
        let split = Split { sources, wanted, terms, exceptions };
        let screening = Screened { player_version, decision };
        RequestWithdrawal { claim, payment, screening, split }
    }

    fn about(&self, book: &Book, ids: &Numbers, payment: PaymentId) -> About {
        About { id: DecisionId(ids.next()), payment: Some(payment), player: book.key.clone() }
    }

    fn payment(
        &self,
        id: PaymentId,
        status: PaymentStatus,
        money: Money,
        decision: DecisionId,
        now: Timestamp,
    ) -> Payment {
        // The last one is in nobody's configuration any more.
        let candidates = ["open", "silent", "gone"].iter().zip(1..).map(|(psp, rank)| Candidate {
            psp: (*psp).to_owned(),
            rank: Some(rank),
            reason: String::new(),
        });
        let deposit = id.direction == Direction::Deposit;
        Payment {
            id,
            player: self.player.key.clone(),
            status,
            origin: Origin::Request,
            money,
            fee: None,
            country: "DE".to_owned(),
            method: Method::BankTransfer,
            reference: None,
            return_url: deposit.then(|| "https://casino.example".to_owned()),
            payer: payer_of(&self.player, None).into(),
            received: None,
            credited: None,
            suspended: None,
            next_action: None,
            action_told: false,
            reasons: Vec::new(),
            route: Route { version: "1".to_owned(), candidates: candidates.collect() }.into(),
            metadata: "{}".to_owned(),
            decision,
            event_sequence: 0,
            answer_owed: None,
            due_at: None,
            source: None,
            returns: None,
            instrument: None,
            parts: Vec::new(),
            attempts: Vec::new(),
            created_at: now,
            updated_at: now,
        }
    }
}

fn player(start: Timestamp) -> Player {
    let (operator, id) = (OperatorId::trusted("op_demo"), PlayerId::trusted("p-1"));
    Player {
        key: PlayerKey { operator, player: id },
        version: 0,
        country: "DE".to_owned(),
        currency: Currency::EUR,
        full_name: "E M".to_owned(),
        given_name: None,
        family_name: None,
        date_of_birth: date!(1990 - 01 - 01),
        national_id: None,
        email: None,
        phone: None,
        address: None,
        locale: None,
        status: PlayerStatus::Active,
        exclusion: None,
        kyc: Kyc { status: KycStatus::Verified, level: 3, verified_at: Some(start) },
        has_paid: false,
        created_at: start,
        updated_at: start,
    }
}

/// Some withdrawals go to two people.
const POLICY: &str = r#"
market = "DE"
version = "1"
effective_from = "2026-01-01T00:00:00Z"
currencies = ["EUR"]

[player_limits]
rise_delay_hours = 1
rise_confirm = "any_time"
source = "test"
source_date = "2026-01-01"

[withdrawals]
player_may_cancel = true
source = "test"
source_date = "2026-01-01"

[[rules]]
id = "method.allowed"
effect = "deny"
allowed = ["bank_transfer"]
source = "test"
source_date = "2026-01-01"

[[rules]]
id = "kyc.level"
effect = "deny"
deposit_min = 1
withdrawal_min = 1
source = "test"
source_date = "2026-01-01"

[[rules]]
id = "dual_approval"
effect = "review"
from_eur = "40.00"
source = "test"
source_date = "2026-01-01"

[[rules]]
id = "payer.name"
effect = "review"
source = "test"
source_date = "2026-01-01"

[[rules]]
id = "payer.tax_id"
effect = "review"
source = "test"
source_date = "2026-01-01"
"#;

fn policy() -> MarketPolicy {
    file::read("1.toml", POLICY).expect("the policy of the tests is sound")
}

fn psp(can_be_asked: bool) -> Capabilities {
    let inquiry = InquiryCapability {
        by_our_reference: can_be_asked,
        by_psp_reference: true,
        by_ledger: false,
        of_arrivals: false,
        min_interval: Duration::from_secs(5),
        ledger_min_interval: Duration::from_secs(900),
        not_found_quiet: Duration::from_secs(60),
    };
    let replay = if can_be_asked { KeyReplay::SameAnswer } else { KeyReplay::DuplicateError };
    Capabilities {
        deposit: Some(DepositCapability {
            needs_our_answer: can_be_asked,
            // The other one waits for our word after the payer's approval.
            needs_completion: !can_be_asked,
            payer_brings: None,
            can_cancel: can_be_asked,
            any_amount: false,
            wins_like_success: can_be_asked,
            session_life: Duration::from_secs(1_800),
        }),
        payout: Some(PayoutCapability {
            portable_iban: true,
            portable_uk_account: false,
            portable_pix_key: false,
            portable_crypto: false,
            portable_phone: false,
            portable_email: false,
            same_owner_check: false,
            by_token: true,
            success_reversible: true,
        }),
        return_deposit: true,
        unsolicited_deposits: false,
        deposit_inquiry: inquiry.clone(),
        payout_inquiry: inquiry.clone(),
        return_inquiry: inquiry,
        idempotency: IdempotencyCapability {
            reference: ReferenceRule { len_min: 1, len_max: 64, charset: Charset::Alphanumeric },
            replay,
            key_life: Duration::from_secs(6 * 3_600),
            margin: Duration::from_secs(3_600),
        },
        webhook: WebhookCapability {
            authenticity: WebhookAuthenticity::Signature,
            proof: WebhookProof::Everything,
            batch: false,
            reply: WebhookReplyKind::Plain,
            has_timestamp: true,
            tolerance: Duration::from_secs(300),
        },
    }
}

fn part(ids: &Numbers, number: i16, minor: i64) -> Part {
    let iban = format!("DE8937040044053201300{number}");
    let portable = Some(Portable::Iban { iban, holder_name: "E M".to_owned() });
    Part {
        id: PartId(ids.next()),
        number,
        money: Money::new(minor, Currency::EUR),
        instrument: Instrument { portable, ..Instrument::default() },
        status: PartStatus::Held,
        held_minor: minor,
        way: None,
    }
}
