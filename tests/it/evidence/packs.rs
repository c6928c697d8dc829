//! Evidence of one payment or decision, for another machine.

use super::Log;
use interlock::domain::{DecisionId, PaymentId};
use interlock::evidence::export_pack::{ExportError, Subject, export_pack};
use interlock::evidence::pack::Pack;

impl Log {
    async fn pack(&self, subject: Subject) -> Result<Pack, ExportError> {
        // The database has every published text: no file is needed.
        export_pack(self.db.pool(), subject, self.key(), |_| None).await
    }

    async fn id(&self, sql: &str) -> uuid::Uuid {
        self.world.texts(sql).await.remove(0).parse().unwrap()
    }

    async fn payout(&self) -> Subject {
        let sql = "select payment_id::text from payment where direction = 'withdrawal' limit 1";
        Subject::Payment(PaymentId::withdrawal(self.id(sql).await))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_of_a_payment_or_decision_verifies_alone() {
    let log = Log::sealed().await;
    let records = "select count(*) from record where payment_id =
                     (select payment_id from payment where direction = 'withdrawal' limit 1)";
    let pack = log.pack(log.payout().await).await.unwrap();
    let verdict = pack.verify(&log.keys());
    assert_eq!(verdict.faults, Vec::<String>::new());
    assert_eq!(verdict.proven.len() as i64, log.world.number(records).await);
    assert!(verdict.proven.len() > 2, "{verdict:?}");
    assert_eq!(verdict.policies.len(), 1, "{verdict:?}");
    // Through a file, as it travels.
    let copied: Pack = serde_json::from_str(&serde_json::to_string(&pack).unwrap()).unwrap();
    assert_eq!(copied.verify(&log.keys()).faults, Vec::<String>::new());

    let decision =
        log.id("select decision_id::text from decision order by slot, seq limit 1").await;
    let pack = log.pack(Subject::Decision(DecisionId(decision))).await.unwrap();
    let verdict = pack.verify(&log.keys());
    assert_eq!((verdict.faults.len(), verdict.proven.len()), (0, 1), "{verdict:?}");
    let stranger = super::sealing().await;
    assert!(pack.verify(&stranger.signer.verifier().clone().into()).proven.is_empty());
    log.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_was_changed_anywhere_says_so() {
    let log = Log::sealed().await;
    let pack = log.pack(log.payout().await).await.unwrap();
    let refused = |change: &dyn Fn(&mut Pack)| {
        let mut forged = pack.clone();
        change(&mut forged);
        let verdict = forged.verify(&log.keys());
        assert!(!verdict.faults.is_empty(), "{forged:?}");
    };
    for index in 0..pack.records.len() {
        refused(&|pack| {
            let line = &mut pack.records[index].line;
            *line = line.replacen("op_demo", "op_domo", 1);
        });
        refused(&|pack| pack.records[index].leaf += 1);
        refused(&|pack| pack.records[index].checkpoint += 1);
        refused(&|pack| pack.records[index].proof.push("00".repeat(32)));
        refused(&|pack| drop(pack.records[index].proof.pop()));
    }
    refused(&|pack| pack.checkpoints[0] = pack.checkpoints[0].replacen("after", "After", 1));
    refused(&|pack| drop(pack.checkpoints.pop()));
    refused(&|pack| pack.policies[0].text = pack.policies[0].text.replace("\"DE\"", "\"FR\""));
    refused(&|pack| pack.records.clear());
    log.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_under_another_name_or_with_a_record_left_out_says_so() {
    let log = Log::sealed().await;
    let payout = log.pack(log.payout().await).await.unwrap();
    let deposit = "select payment_id::text from payment where direction = 'deposit' limit 1";
    let deposit = Subject::Payment(PaymentId::deposit(log.id(deposit).await));
    let deposit = log.pack(deposit).await.unwrap();
    let faults = |pack: &Pack, about: &str| {
        Pack { about: about.to_owned(), ..pack.clone() }.verify(&log.keys()).faults.join("; ")
    };
    assert_eq!(faults(&payout, &payout.about), "");
    let told = faults(&deposit, &payout.about);
    assert!(told.contains(&format!("is no record of {}", payout.about)), "{told}");
    let told = faults(&payout, &payout.about.replace("wd_", "dep_"));
    assert!(told.contains("event 1 of dep_"), "{told}");
    assert!(faults(&payout, "payout 7").contains("no payment's or decision's id"));
    let decisions = "select decision_id::text from decision order by slot, seq";
    let ids: Vec<uuid::Uuid> =
        log.world.texts(decisions).await.iter().map(|id| id.parse().unwrap()).collect();
    let decision = log.pack(Subject::Decision(DecisionId(ids[0]))).await.unwrap();
    assert_eq!(faults(&decision, &decision.about), "");
    let told = faults(&decision, &DecisionId(ids[1]).to_string());
    assert!(told.contains("is no record of dec_"), "{told}");

    // Of what tells events only the end can be left out unseen.
    let told_by = |line: &str| -> Vec<i64> {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let events = line["events"].as_array().into_iter().flatten();
        let own = events.filter(|event| event["subject"] == payout.about.as_str());
        own.map(|event| event["payment_sequence"].as_i64().unwrap()).collect()
    };
    let told: Vec<Vec<i64>> = payout.records.iter().map(|it| told_by(&it.line)).collect();
    let last = *told.iter().flatten().max().unwrap();
    let within = told.iter().enumerate().filter(|(_, it)| !it.is_empty() && !it.contains(&last));
    let mut tried = 0;
    for (index, sequences) in within {
        let mut forged = payout.clone();
        forged.records.remove(index);
        let expected = format!("event {} of {} is missing", sequences[0], payout.about);
        let found = faults(&forged, &payout.about);
        assert!(found.contains(&expected), "{index} of {told:?}: {found}");
        tried += 1;
    }
    assert!(tried > 0, "{told:?}");
    log.end().await;
}

/// A return begins with a command of its deposit.
#[tokio::test(flavor = "multi_thread")]
async fn a_pack_of_a_return_holds_the_record_that_opened_it() {
    let log = Log::new().await;
    let player = log.world.player("DE").await;
    let deposit = log.world.deposit(&player, super::eur(2_500)).await;
    let less = serde_json::json!({"outcome": "succeeded", "amount": "20.00"});
    log.world.complete_with(&deposit, less).await;
    let held = log.world.settled(deposit.id, "in_review").await;
    log.world.two_people(&held, "return").await;
    log.world.settled(deposit.id, "returned").await;
    log.seal().await;
    let back = "select payment_id::text from payment where origin = 'return'";
    let back = PaymentId::withdrawal(log.id(back).await);
    for payment in [back, deposit.id] {
        let pack = log.pack(Subject::Payment(payment)).await.unwrap();
        let verdict = pack.verify(&log.keys());
        assert_eq!(verdict.faults, Vec::<String>::new(), "{payment}");
        assert!(pack.records[0].line.contains(&format!("\"subject\":\"{payment}\"")), "{payment}");
    }
    log.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_not_sealed_yet_has_no_pack_yet() {
    let log = Log::new().await;
    let player = log.world.rich_player("DE", 10_000).await;
    let withdrawal = log.world.withdraw(&player, super::eur(1_000)).await;
    log.world.settled(withdrawal.id, "paid").await;
    let error = log.pack(Subject::Payment(withdrawal.id)).await.unwrap_err();
    assert!(matches!(error, ExportError::Unsealed(_)), "{error}");
    log.seal().await;
    log.pack(Subject::Payment(withdrawal.id)).await.unwrap();
    let nobody = Subject::Decision(DecisionId(uuid::Uuid::nil()));
    assert!(matches!(log.pack(nobody).await, Err(ExportError::Unknown)));
    log.end().await;
}
