//! What a casino asks for: players, deposits, withdrawals; as orders for flows and as commands.

use anyhow::{Context, Result, bail};
use interlock::book::{KeyClaim, KeyId, Part, Payment, Viewer, Wire};
use interlock::decide::command::{News, RequestWithdrawal, Screened, Source};
use interlock::decide::{Answer, Command};
use interlock::domain::{
    AttemptId, Currency, DecisionId, Direction, Instrument, Kyc, KycStatus, Method, Money,
    OperatorId, PartId, PartStatus, PaymentId, PaymentStatus, Player, PlayerId, PlayerKey,
    PlayerStatus, WithdrawalStatus,
};
use interlock::flows::Flows;
use interlock::payments::start_deposit::{DepositOrder, start_deposit};
use interlock::players::put_player::put_player;
use interlock::screening::background::Background;
use interlock::screening::closed_loop::Terms;
use interlock::screening::decision::{About, Decision};
use interlock::screening::exceptions::Exceptions;
use interlock::screening::facts::Match;
use interlock::screening::gather::{self, Setting, Withdrawal};
use interlock::screening::hooks::CheckFacts;
use interlock::screening::split::{Split, Wanted};
use interlock::screening::{Checkpoint, engine};
use psp_contract::{NextAction, Outcome, Portable, Report, Status};
use time::macros::date;

const OPERATOR: &str = "op_demo";

pub fn key(country: &str, number: usize) -> PlayerKey {
    PlayerKey {
        operator: OperatorId::trusted(OPERATOR),
        player: PlayerId::trusted(&format!("p-{country}-{number}")),
    }
}

pub fn claim(key: &PlayerKey, route: &str, unique: &str) -> KeyClaim {
    let id = KeyId {
        operator: key.operator.clone(),
        scope: format!("{OPERATOR} {route}"),
        key: unique.to_owned(),
    };
    KeyClaim { id, fingerprint: [7; 32], viewer: Viewer::Backend, request: "req-1".into() }
}

/// A verified player without limits of their own.
pub async fn put(flows: &Flows, key: PlayerKey, country: &str, currency: Currency) -> Result<()> {
    let now = flows.clock.now();
    let player = Player {
        key,
        version: 0,
        country: country.to_owned(),
        currency,
        full_name: "Erika Mustermann".to_owned(),
        given_name: Some("Erika".to_owned()),
        family_name: Some("Mustermann".to_owned()),
        date_of_birth: date!(1985 - 04 - 01),
        national_id: None,
        email: Some("erika@example.test".to_owned()),
        phone: Some("+491700000000".to_owned()),
        address: None,
        locale: Some("de-DE".to_owned()),
        status: PlayerStatus::Active,
        exclusion: None,
        kyc: Kyc { status: KycStatus::Verified, level: 3, verified_at: Some(now) },
        has_paid: false,
        created_at: now,
        updated_at: now,
    };
    put_player(flows, player).await?;
    Ok(())
}

pub fn order(key: PlayerKey, money: Money, unique: &str) -> DepositOrder {
    DepositOrder {
        claim: claim(&key, "POST /v1/deposits", unique),
        player: key,
        money,
        method: Method::BankTransfer,
        return_url: "https://casino.example/back".to_owned(),
        instrument: None,
        reference: Some(unique.to_owned()),
        metadata: "{}".to_owned(),
        ip: Some("203.0.113.7".to_owned()),
    }
}

/// A deposit whose payer is at the bank: all commits of a real one, without the call.
pub async fn open_deposit(
    flows: &Flows,
    key: PlayerKey,
    money: Money,
    unique: &str,
) -> Result<(Payment, AttemptId)> {
    let order = order(key, money, unique);
    let Answer::Payment(payment) = start_deposit(flows, &order).await? else {
        bail!("a new key is no replay")
    };
    let attempt = payment.live_attempt(None).context("the deposit was routed")?;
    let attempt_id = attempt.id;
    let status = Status::Accepted {
        next_action: Some(NextAction::Redirect { url: "https://bank.example/pay".to_owned() }),
        expires_at: None,
    };
    let mut accepted = news(&payment, attempt_id, Source::Call, status);
    accepted.wires.push(Wire {
        attempt: attempt_id,
        purpose: "create",
        step: "create_deposit".to_owned(),
        status: Some(200),
        failure: None,
        duration_ms: 3,
        request_sha256: [1; 32],
    });
    flows.lanes.submit(&payment.player, Command::News(Box::new(accepted))).await?;
    Ok((std::sync::Arc::unwrap_or_clone(payment), attempt_id))
}

fn news(payment: &Payment, attempt: AttemptId, source: Source, status: Status) -> News {
    let report = Report {
        psp_reference: Some(attempt.0.simple().to_string()),
        status,
        payer: None,
        attempt: None,
    };
    News {
        payment: payment.id.uuid,
        direction: payment.direction(),
        attempt,
        source,
        outcome: Outcome::Reported(report),
        wires: Vec::new(),
    }
}

/// The verified webhook that the money is in.
pub fn success(payment: &Payment, attempt: AttemptId) -> Command {
    let status = Status::Succeeded { money: payment.money };
    Command::News(Box::new(news(payment, attempt, Source::Webhook { hint: false }, status)))
}

/// A withdrawal, screened, that reserves a little of the wallet. Made from a deposit's payment.
pub fn reserve(
    flows: &Flows,
    (player, checks): (&Player, &CheckFacts),
    like: &Payment,
    unique: &str,
) -> Command {
    let now = flows.clock.now();
    let money = Money::new(100, like.currency());
    let records = Withdrawal {
        checkpoint: Checkpoint::WithdrawalRequest,
        origin: like.origin,
        player: Some(player),
        money,
        method: like.method,
        owed: &[],
        closed_loop: None,
        payment: None,
        asked_at: None,
        movements: &[],
        background: Background::NOTHING,
        ends: &[],
    };
    let policies = flows.policies.current();
    let mut facts = gather::withdrawal(&records, &Setting::new(&policies, &flows.fx, now));
    facts.checks = checks.clone();
    let screening = engine::screen(&policies, &facts);
    let id = PaymentId::withdrawal(flows.ids.next());
    let about =
        About { id: DecisionId(flows.ids.next()), payment: Some(id), player: like.player.clone() };
    let decision = Decision::new(about, facts, screening);
    let iban = "DE89370400440532013000".to_owned();
    let portable = Portable::Iban { iban, holder_name: "Erika Mustermann".to_owned() };
    let part = Part {
        id: PartId(flows.ids.next()),
        number: 1,
        money,
        instrument: Instrument { portable: Some(portable), ..Instrument::default() },
        status: PartStatus::Held,
        held_minor: money.minor,
        way: None,
    };
    let payment = Payment {
        id,
        status: PaymentStatus::Withdrawal(WithdrawalStatus::Approved),
        money,
        reference: Some(unique.to_owned()),
        return_url: None,
        next_action: None,
        action_told: false,
        answer_owed: None,
        event_sequence: 0,
        decision: decision.id,
        parts: vec![part],
        attempts: Vec::new(),
        created_at: now,
        updated_at: now,
        ..like.clone()
    };
    let claim = claim(&like.player, "POST /v1/withdrawals", unique);
    let screening = Screened { player_version: player.version, decision };
    debug_assert_eq!(payment.direction(), Direction::Withdrawal);
    let wanted = Wanted::Named {
        to: payment.parts[0].instrument.clone(),
        is_known: true,
        whose: Match::Same,
    };
    let (terms, exceptions) = (Terms::default(), Exceptions::default());
    let split = Split { sources: Vec::new(), wanted, terms, exceptions };
    Command::RequestWithdrawal(Box::new(RequestWithdrawal { claim, payment, screening, split }))
}
