//! Money arrived that names no attempt: whose it is is found out, and the lane books it.
//!
//! It is the player's whose name or address the PSP tells. What belongs to no known player is kept
//! under a player that no casino can name, in suspense, until two people send it back.

use crate::book::Payment;
use crate::decide::command::{PlayerChecks, PutPlayer, ReceivePayin};
use crate::decide::payin::below_unit;
use crate::decide::{Answer, Command, Refusal};
use crate::domain::{
    AttemptId, DecisionId, DepositStatus, Kyc, KycStatus, Method, Money, OperatorId, Origin,
    PaymentId, PaymentStatus, Player, PlayerId, PlayerKey, PlayerStatus, Timestamp,
};
use crate::flows::Flows;
use crate::lane::SubmitError;
use crate::payments::facts::payer_of;
use crate::payments::start_deposit::SCREENINGS_MAX;
use crate::routing::learn::learn_of_payin;
use crate::routing::plan::Route;
use crate::routing::rules::PspAccount;
use crate::screening::Checkpoint;
use crate::screening::hooks::FileFacts;
use crate::screening::signals::Hook;
use crate::store::payins::{self, Address};
use crate::store::{StoreError, read_models};
use crate::vendors::people::ask_checks::{ask_checks_surely, asked};
use crate::vendors::people::give_room_back::give_room_back;
use crate::vendors::people::reserve_room::reserve_room;
use psp_contract::{Payin, PayinTarget};
use std::sync::Arc;
use time::Date;
use uuid::Uuid;

/// What became of an arrival.
#[derive(Debug)]
pub enum Received {
    /// It is not final yet, and moves nothing.
    Unconfirmed,
    /// It was booked before.
    Seen,
    Booked(Arc<Payment>),
}

/// Why an arrival could not be booked now.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    #[error("submitting the arrival")]
    Submit(#[from] SubmitError),
    #[error("finding out whose it is")]
    Store(#[from] StoreError),
    #[error("no PSP account of this name is configured")]
    UnknownAccount,
}

struct Owner {
    player: PlayerKey,
    request: Option<Uuid>,
}

/// Books money that arrived at a PSP account without naming an attempt.
pub async fn receive_payin(
    flows: &Flows,
    account: &str,
    payin: &Payin,
    occurred_at: Option<Timestamp>,
) -> Result<Received, ReceiveError> {
    if !payin.confirmed {
        return Ok(Received::Unconfirmed);
    }
    let serving = flows.accounts.iter().find(|known| known.id == account);
    let serving = serving.ok_or(ReceiveError::UnknownAccount)?;
    let owner = owner_of(flows, serving, payin).await?;
    let asked_at = flows.clock.now();
    let mut tries = SCREENINGS_MAX;
    let (answer, room) = loop {
        let receive = command(flows, serving, &owner, payin).await?;
        let room = room_of(&receive);
        let command = Command::ReceivePayin(Box::new(ReceivePayin { occurred_at, ..receive }));
        tries -= 1;
        match flows.submit_persistently(&owner.player, command).await {
            // Its record changed while others were asked about it.
            Err(SubmitError::Refused(Refusal::PlayerChanged)) => {
                leave_room(flows, room).await;
                if tries == 0 {
                    return Err(SubmitError::Busy.into());
                }
            }
            done => break (done?, room),
        }
    };
    match answer {
        Answer::Payment(payment) => {
            learn_of_payin(flows, &payment, (account, payin.money), asked_at);
            if let Some((currency, _)) = below_unit(payin) {
                metrics::counter!("payins_below_unit_total", "psp" => account.to_owned(),
                    "currency" => currency.code())
                .increment(1);
            }
            if payment.method == Method::Crypto {
                flows.nudges.screenings.notify_one();
            }
            Ok(Received::Booked(payment))
        }
        _ => {
            // It was booked before, as another deposit.
            leave_room(flows, room).await;
            Ok(Received::Seen)
        }
    }
}

/// The file of limits that has room for it, and for which deposit.
fn room_of(receive: &ReceivePayin) -> Option<(String, Uuid)> {
    let told = receive.checks.facts.file.as_ref().filter(|told| told.found.is_ok())?;
    Some((told.file.clone(), receive.payment.id.uuid))
}

async fn leave_room(flows: &Flows, room: Option<(String, Uuid)>) {
    if let Some((file, deposit)) = room {
        give_room_back(flows, &file, deposit).await;
    }
}

/// Takes room for it in the market's file of limits over all operators, where the policy asks for that. What the file
/// refuses is not credited before people have looked.
async fn take_room(
    flows: &Flows,
    player: &Player,
    deposit: Uuid,
    money: Money,
) -> Option<FileFacts> {
    let policies = flows.policies.current();
    let policy = policies.in_force(&player.country, flows.clock.now())?;
    asked(policy, Checkpoint::DepositPost, Hook::CrossOperatorLimit)?;
    let file = flows.checks.file(&player.country)?;
    Some(reserve_room(flows, file, player, (deposit, money)).await)
}

/// The arrival with what is known of its player by now. Nothing has let it come: who its player is by now is asked as
/// when a deposit begins.
async fn command(
    flows: &Flows,
    serving: &PspAccount,
    owner: &Owner,
    payin: &Payin,
) -> Result<ReceivePayin, ReceiveError> {
    let player = match read_models::player(flows.db.pool(), &owner.player).await? {
        Some((player, _)) => player,
        None => keep_unclaimed(flows, &owner.player, payin.money).await?,
    };
    let mut facts = ask_checks_surely(flows, &player, Checkpoint::DepositPost).await?;
    let payment = unsolicited(flows, serving, &player, payin.money);
    if owner.request.is_none() {
        facts.file = take_room(flows, &player, payment.id.uuid, payin.money).await;
    }
    Ok(ReceivePayin {
        psp: serving.id.clone(),
        payin: payin.clone(),
        occurred_at: None,
        request: owner.request,
        payment,
        checks: PlayerChecks { version: Some(player.version), facts },
    })
}

/// The attempt that an arrival is about, as far as anybody knows whose it is.
pub async fn attempt_about(
    flows: &Flows,
    account: &str,
    payin: &Payin,
) -> Result<Option<AttemptId>, ReceiveError> {
    let serving = flows.accounts.iter().find(|known| known.id == account);
    let serving = serving.ok_or(ReceiveError::UnknownAccount)?;
    let player = owner_of(flows, serving, payin).await?.player;
    if player.player.is_unclaimed() {
        return Ok(None);
    }
    let pool = flows.db.pool();
    Ok(payins::attempt_about(pool, account, &payin.psp_reference, &player).await?)
}

async fn owner_of(
    flows: &Flows,
    account: &PspAccount,
    payin: &Payin,
) -> Result<Owner, ReceiveError> {
    let pool = flows.db.pool();
    let found = match &payin.target {
        PayinTarget::PlayerReference(text) => match Uuid::try_parse(text) {
            Ok(pseudonym) => match payins::by_pseudonym(pool, pseudonym).await? {
                Some(player) => {
                    let currency = payin.money.currency;
                    let request =
                        payins::open_request(pool, &account.id, currency, &player).await?;
                    Some(Owner { player, request })
                }
                None => None,
            },
            Err(_) => None,
        },
        PayinTarget::Address { network, asset, address, tag } => {
            let address =
                Address { psp: &account.id, network, asset, address, tag: tag.as_deref() };
            payins::owner_of(pool, &address)
                .await?
                .map(|owner| Owner { player: owner.player, request: owner.open_request })
        }
    };
    let found = found.filter(|owner| account.serves_operator(&owner.player.operator));
    Ok(found.unwrap_or_else(|| Owner { player: nobody(account), request: None }))
}

/// Nobody's money is kept for the operator that the account names first.
fn nobody(account: &PspAccount) -> PlayerKey {
    let operator = account.operators.first().cloned();
    PlayerKey {
        operator: operator.unwrap_or_else(|| OperatorId::trusted("op_unclaimed")),
        player: PlayerId::unclaimed(),
    }
}

/// The lane locks a player's row: nobody's money has one too. Closed and of no licensed country, it
/// passes no screening.
async fn keep_unclaimed(
    flows: &Flows,
    key: &PlayerKey,
    money: Money,
) -> Result<Player, ReceiveError> {
    let now = flows.clock.now();
    let player = Player {
        key: key.clone(),
        version: 0,
        country: "ZZ".to_owned(),
        currency: money.currency,
        full_name: "Unclaimed money".to_owned(),
        given_name: None,
        family_name: None,
        date_of_birth: Date::MIN.replace_year(1900).unwrap_or(Date::MIN),
        national_id: None,
        email: None,
        phone: None,
        address: None,
        locale: None,
        status: PlayerStatus::Closed,
        exclusion: None,
        kyc: Kyc { status: KycStatus::Unverified, level: 0, verified_at: None },
        has_paid: false,
        created_at: now,
        updated_at: now,
    };
    let put = Command::PutPlayer(Box::new(PutPlayer { player: player.clone() }));
    match flows.submit_persistently(key, put).await? {
        Answer::Player(kept) => Ok(*kept),
        _ => Ok(player),
    }
}

fn unsolicited(flows: &Flows, account: &PspAccount, player: &Player, money: Money) -> Payment {
    let now = flows.clock.now();
    Payment {
        id: PaymentId::deposit(flows.ids.next()),
        player: player.key.clone(),
        // The lane decides whether it is credited.
        status: PaymentStatus::Deposit(DepositStatus::InReview),
        origin: Origin::Unsolicited,
        money,
        fee: None,
        country: player.country.clone(),
        method: account.methods.first().copied().unwrap_or(Method::Crypto),
        reference: None,
        return_url: None,
        payer: payer_of(player, None).into(),
        received: None,
        credited: None,
        suspended: None,
        next_action: None,
        action_told: false,
        reasons: Vec::new(),
        route: Route { version: "none".to_owned(), candidates: Vec::new() }.into(),
        metadata: "{}".to_owned(),
        decision: DecisionId(Uuid::nil()),
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
