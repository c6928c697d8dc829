//! One player's book, everybody who can change it, and what must hold after each change.

#[path = "told.rs"]
mod told;
#[path = "words.rs"]
mod words;

use interlock::book::{Book, GameEntry, GameKind, KeyClaim, KeyId, Subject, Viewer};
use interlock::decide::command::{News, OpenReturn, PutPlayer, Source};
use interlock::decide::{Answer, Command, Ctx, Refusal, decide};
use interlock::domain::{
    AttemptId, AttemptStatus, Currency, DecisionId, Direction, Ids, Money, PersonId, Timestamp,
};
use interlock::screening::Facts;
use psp_contract::{Decline, DeclineClass, NextAction, NotSent, Outcome, Report, Status, Unknown};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use told::{Standing, check_tries, moved, standings};
use uuid::Uuid;
use words::{Numbers, World, known_of};

/// One thing that somebody does. Numbers choose among what is there.
#[derive(Debug, Clone)]
pub enum Step {
    Deposit(i64),
    Withdraw(i64),
    Stake(i64),
    News {
        which: u8,
        source: u8,
        what: u8,
        more: i64,
    },
    TakeAttempt(u8),
    TakePayout(u8),
    Cancel(u8),
    AnswerNow(u8),
    Decide {
        which: u8,
        outcome: usize,
    },
    Return(u8),
    /// Seconds.
    Later(i64),
}

const SOURCES: [Source; 6] = [
    Source::Call,
    Source::Replay,
    Source::Inquiry,
    Source::Webhook { hint: false },
    Source::Webhook { hint: true },
    Source::Clock,
];
const OUTCOMES: [&str; 5] = ["approve", "reject", "return", "resolve_paid", "resolve_unpaid"];

pub struct House {
    book: Book,
    now: Timestamp,
    ids: Numbers,
    world: World,
    /// Every posting so far, by account.
    ledger: BTreeMap<String, i64>,
    /// What `payout_paid_twice` put into suspense: the one thing there that no deposit shows.
    paid_twice: i64,
    /// What came in at each PSP less what went out there, by what PSPs and people said of attempts.
    told: BTreeMap<String, i64>,
    newest: Option<Command>,
    /// Attempts in the order in which they succeeded.
    succeeded: Vec<AttemptId>,
    /// What each decision was made from.
    facts: BTreeMap<DecisionId, Facts>,
}

impl House {
    pub fn new() -> Self {
        let world = World::new();
        let book = Book::empty(world.player.key.clone(), world.start);
        let (now, ids) = (world.start, Numbers::default());
        let (ledger, facts, told) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (paid_twice, newest, succeeded) = (0, None, Vec::new());
        let mut house =
            Self { book, now, ids, world, ledger, paid_twice, told, newest, succeeded, facts };
        let player = house.world.player.clone();
        house
            .run(&Command::PutPlayer(Box::new(PutPlayer { player })))
            .expect("a new player is taken");
        house
    }

    fn claim(&self) -> KeyClaim {
        let key = self.ids.next().simple().to_string();
        let operator = self.book.key.operator.clone();
        let id = KeyId { operator, scope: "test".to_owned(), key };
        KeyClaim { id, fingerprint: [0; 32], viewer: Viewer::Backend, request: "req".into() }
    }

    fn run(&mut self, command: &Command) -> Result<Answer, Refusal> {
        let ctx = Ctx {
            now: self.now,
            ids: &self.ids,
            psps: &self.world,
            policies: &self.world.policies,
            fx: &self.world.fx,
            holder: "one",
            lease: Duration::from_secs(60),
            reviews: &self.world.reviews,
            asked: None,
        };
        let before = standings(&self.book);
        let answer = decide(&mut self.book, command, &ctx);
        self.count_told(command, &before);
        for record in self.book.records.drain(..) {
            let decided = record.decisions.iter();
            self.facts.extend(decided.map(|decision| (decision.id, decision.facts.clone())));
            let successes = record.transitions.iter().filter(|moved| moved.to == "succeeded");
            self.succeeded.extend(successes.filter_map(|moved| match moved.subject {
                Subject::Attempt(id) => Some(id),
                _ => None,
            }));
            for entry in &record.entries {
                let sum: i64 = entry.legs.iter().map(|leg| leg.amount).sum();
                assert_eq!(sum, 0, "{} does not balance", entry.kind);
                for leg in &entry.legs {
                    *self.ledger.entry(leg.account.to_string()).or_default() += leg.amount;
                    let twice = matches!(
                        entry.kind,
                        "payout_paid_twice" | "payout_recovered" | "payout_back_credited"
                    );
                    if twice && leg.account.to_string() == "suspense" {
                        self.paid_twice += leg.amount;
                    }
                }
            }
        }
        answer
    }

    /// Counts what this command said to have come in or gone out. Only a step of the attempt that it is
    /// about, or of its deposit, says that it was believed.
    fn count_told(&mut self, command: &Command, before: &BTreeMap<AttemptId, Standing>) {
        for (id, now) in standings(&self.book) {
            let Some(was) = before.get(&id) else { continue };
            let moved = match command {
                Command::News(news) if news.attempt == id => match &news.outcome {
                    Outcome::Reported(Report { status, .. }) => moved(was, &now, status),
                    _ => 0,
                },
                // What two people find paid is what was asked for.
                Command::Approve { .. } => {
                    moved(was, &now, &Status::Succeeded { money: was.asked })
                }
                _ => 0,
            };
            let comes_in = now.direction == Direction::Deposit;
            *self.told.entry(now.psp).or_default() += if comes_in { moved } else { -moved };
        }
    }

    pub fn take(&mut self, step: &Step) {
        let command = match *step {
            Step::Later(seconds) => {
                self.now += time::Duration::seconds(seconds);
                return;
            }
            Step::Deposit(minor) => {
                let start =
                    self.world.deposit(&self.book, &self.ids, self.claim(), minor, self.now);
                Some(Command::StartDeposit(Box::new(start)))
            }
            Step::Withdraw(minor) => {
                let ask =
                    self.world.withdrawal(&self.book, &self.ids, self.claim(), minor, self.now);
                Some(Command::RequestWithdrawal(Box::new(ask)))
            }
            Step::Stake(minor) => Some(self.stake(minor)),
            Step::News { which, source, what, more } => self.news(which, source, what, more),
            Step::TakeAttempt(which) => self.attempt(which).map(|(payment, attempt)| {
                let began = self.facts.get(&self.book.payments[&payment].decision).cloned();
                let known = Some(known_of(&self.book, began));
                Command::TakeAttempt { payment, attempt, known }
            }),
            Step::TakePayout(which) => {
                self.payment(which).map(|payment| Command::TakePayout { payment, answers: None })
            }
            Step::Cancel(which) => {
                self.payment(which).map(|payment| Command::Cancel { payment, by_player: false })
            }
            Step::AnswerNow(which) => {
                self.payment(which).map(|payment| Command::AnswerNow { payment })
            }
            Step::Decide { which, outcome } => return self.two_people(which, outcome),
            Step::Return(which) => self.payment(which).map(|deposit| {
                let open = OpenReturn {
                    claim: self.claim(),
                    deposit,
                    amount: None,
                    reason: "asked".to_owned(),
                    person: PersonId::trusted("ann"),
                };
                Command::OpenReturn(Box::new(open))
            }),
        };
        if let Some(command) = command {
            let _ = self.run(&command);
            self.newest = Some(command);
        }
    }

    /// The newest command once more.
    /// Whether this is the answer to a question which a hint has overtaken. It says nothing of what was hinted at;
    /// told once more it is the answer to the question that the hint asks for, and is news.
    pub fn is_overtaken(&self, step: &Step) -> bool {
        let Step::News { which, source, .. } = step else { return false };
        let Some((payment, attempt)) = self.attempt(*which) else { return false };
        let Some(asked) = self.book.payments[&payment].attempt(attempt) else { return false };
        let until = asked.lease.as_ref().map(|lease| lease.until);
        let hinted = until.is_some_and(|until| asked.due_at.is_some_and(|due| due < until));
        SOURCES[usize::from(*source)] == Source::Inquiry && hinted
    }

    pub fn again(&mut self) {
        if let Some(command) = self.newest.clone() {
            let _ = self.run(&command);
        }
    }

    fn stake(&self, minor: i64) -> Command {
        let entry = GameEntry {
            reference: self.ids.next().simple().to_string(),
            kind: GameKind::Stake,
            money: Money::new(minor, Currency::EUR),
            from_cash: 0,
            from_bonus: 0,
            of: None,
            voided: false,
            created_at: self.now,
        };
        Command::WalletEntry { claim: self.claim(), entry }
    }

    fn payment(&self, which: u8) -> Option<Uuid> {
        let ids: Vec<Uuid> = self.book.payments.keys().copied().collect();
        ids.get(usize::from(which) % ids.len().max(1)).copied()
    }

    fn attempt(&self, which: u8) -> Option<(Uuid, AttemptId)> {
        let all: Vec<_> = self
            .book
            .payments
            .values()
            .flat_map(|payment| payment.attempts.iter().map(|it| (payment.id.uuid, it.id)))
            .collect();
        all.get(usize::from(which) % all.len().max(1)).copied()
    }

    fn news(&self, which: u8, source: u8, what: u8, more: i64) -> Option<Command> {
        let (payment, attempt) = self.attempt(which)?;
        let known = &self.book.payments[&payment];
        let found = known.attempt(attempt)?;
        let money = Money::new(found.asked.minor + more, found.asked.currency);
        let decline = |retry_elsewhere, irreversible| {
            let code = "code".to_owned();
            Status::Declined(Decline {
                class: DeclineClass::PspFault,
                code,
                retry_elsewhere,
                irreversible,
            })
        };
        let url = "https://psp.example".to_owned();
        let next_action = Some(NextAction::Redirect { url });
        let reported = |status| {
            let psp_reference = Some(attempt.0.simple().to_string());
            Outcome::Reported(Report { psp_reference, status, payer: None, attempt: None })
        };
        let outcome = match what {
            0 => reported(Status::Accepted { next_action, expires_at: None }),
            1 => reported(Status::Accepted { next_action: None, expires_at: None }),
            2 => reported(Status::Pending),
            3 => reported(Status::Succeeded { money }),
            4 => reported(Status::Won { money }),
            5 => reported(decline(true, false)),
            6 => reported(decline(false, true)),
            7 => reported(Status::Expired),
            8 => reported(Status::Cancelled),
            9 => reported(Status::Returned { money }),
            10 => reported(Status::Reversed { money }),
            11 => Outcome::NotSent(NotSent::ConnectRefused),
            12 => Outcome::Unknown(Unknown::ReadTimeout),
            _ => Outcome::NotFound,
        };
        let news = News {
            payment,
            direction: known.direction(),
            attempt,
            source: SOURCES[usize::from(source)],
            outcome,
            wires: Vec::new(),
        };
        Some(Command::News(Box::new(news)))
    }

    fn two_people(&mut self, which: u8, outcome: usize) {
        let open: Vec<_> = self.book.reviews.values().filter(|review| review.open).collect();
        let Some(review) = open.get(usize::from(which) % open.len().max(1)) else { return };
        let (review, payment) = (review.id.0, review.payment);
        let propose = Command::Propose {
            review,
            payment,
            proposal: self.ids.next(),
            outcome: OUTCOMES[outcome].to_owned(),
            note: "seen".to_owned(),
            payload: None,
            person: PersonId::trusted("ann"),
        };
        let Ok(Answer::Review { proposal: Some(proposal), .. }) = self.run(&propose) else {
            return;
        };
        let (proposal, person) = (proposal.id.0, PersonId::trusted("ann"));
        let own = Command::Approve { review, payment, proposal, person, known: None };
        assert_eq!(self.run(&own).expect_err("one person is not two"), Refusal::SamePerson);
        let by = |known| {
            let person = PersonId::trusted("bob");
            Command::Approve { review, payment, proposal, person, known }
        };
        if let Ok(Answer::AnswersWanted(deposit)) = self.run(&by(None)) {
            let known = known_of(&self.book, self.facts.get(&deposit.decision).cloned());
            let _ = self.run(&by(Some(known)));
        }
    }

    pub fn attempts(&self) -> BTreeMap<AttemptId, AttemptStatus> {
        let payments = self.book.payments.values();
        payments.flat_map(|it| it.attempts.iter().map(|it| (it.id, it.status))).collect()
    }

    /// Everything that news may change but counters of questions.
    pub fn money_and_states(&self) -> String {
        let states: Vec<_> = self
            .book
            .payments
            .values()
            .map(|it| {
                let parts: Vec<_> =
                    it.parts.iter().map(|part| (part.status, part.held_minor)).collect();
                let attempts: Vec<_> = it.attempts.iter().map(|a| (a.number, a.status)).collect();
                (it.status, parts, attempts, it.received, it.credited, it.event_sequence)
            })
            .collect();
        format!("{:?} {states:?}", self.ledger)
    }

    /// Which attempt's money a deposit's is does not depend on clocks.
    pub fn check_first_successes(&self) {
        for payment in self.book.payments.values() {
            let of = |id: &&AttemptId| payment.attempt(**id).is_some();
            let known = payment.first_success().map(|attempt| attempt.id);
            assert_eq!(known.as_ref(), self.succeeded.iter().find(of), "the first to succeed");
        }
    }

    pub fn check_books(&self) {
        let account = |name: &str| self.ledger.get(name).copied().unwrap_or(0);
        assert_eq!(self.ledger.values().sum::<i64>(), 0, "the ledger sums to zero");
        let wallet = self.book.wallet(Currency::EUR);
        assert!(0 <= wallet.cash && 0 <= wallet.held && 0 <= wallet.owed);
        let shown = (wallet.cash, wallet.held, -wallet.owed);
        let booked = ("player_cash", "player_held", "player_receivable");
        assert_eq!(shown, (account(booked.0), account(booked.1), account(booked.2)));
        let held = |suspense: bool| -> i64 {
            let of = |it: &&interlock::book::Payment| {
                it.returns.as_ref().is_some_and(|returns| returns.from_suspense) == suspense
            };
            let payments = self.book.all_payments().filter(of);
            payments.flat_map(|it| &it.parts).map(|part| part.held_minor).sum()
        };
        assert_eq!(wallet.held, held(false), "what parts hold is what the wallet holds");
        assert_eq!(account("payouts_in_transit"), held(true), "what returns hold is in transit");
        let suspended: i64 =
            self.book.payments.values().filter_map(|it| it.suspended).map(|it| it.minor).sum();
        assert_eq!(account("suspense") - self.paid_twice, suspended, "suspense has its deposits");
        for (psp, told) in &self.told {
            let clearing = account(&format!("psp_clearing:{psp}"));
            assert_eq!(-clearing, *told, "what is booked at {psp} is what it told");
        }
        for payment in self.book.payments.values() {
            let live: Vec<_> = payment
                .attempts
                .iter()
                .filter(|attempt| attempt.status.is_live())
                .map(|attempt| attempt.part)
                .collect();
            let different: BTreeSet<_> = live.iter().collect();
            assert_eq!(live.len(), different.len(), "one live attempt a deposit or part");
        }
        check_tries(&self.book);
    }
}
