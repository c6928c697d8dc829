//! Which decisions a key may ask for by their outcome.

use crate::marked::{self, EFFECTS};
use crate::support::{Scene, Told, deposit};
use interlock::screening::Policies;

const OFFICER: &str = "sk_demo";
const BACKEND: &str = "sk_demo_operator";

/// A decision of each outcome that a rule can lead to.
async fn decided() -> Scene {
    let scene = Scene::new().await;
    scene.player("p-1").await;
    let now = scene.flows.clock.now();
    let marked = marked::marked(scene.flows.policies.current().in_force("DE", now).unwrap());
    scene.flows.policies.set(Policies::new(vec![marked.policy]), now);
    for (_, amount, _) in EFFECTS {
        let told = scene.ask(OFFICER, "POST", "/v1/deposits", Some(deposit("p-1", amount))).await;
        assert_eq!(told.status, 201, "{told:?}");
    }
    scene
}

async fn asked(scene: &Scene, who: &str, outcome: &str) -> Told {
    let path = format!("/v1/decisions?player_id=p-1&limit=200&outcome={outcome}");
    scene.ask(who, "GET", &path, None).await
}

/// The outcomes of what is found, each as often as it is.
async fn found(scene: &Scene, who: &str, outcome: &str) -> Vec<String> {
    let told = asked(scene, who, outcome).await;
    assert_eq!(told.status, 200, "{told:?}");
    let found = told.body["data"].as_array().unwrap().iter();
    found.map(|it| it["outcome"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_compliance_may_ask_for_holds_and_is_told_them_apart() {
    let scene = decided().await;
    let holds = found(&scene, OFFICER, "hold").await;
    let reviews = found(&scene, OFFICER, "review").await;
    assert_eq!(holds, ["hold"]);
    assert!(!reviews.is_empty() && reviews.iter().all(|it| it == "review"), "{reviews:?}");
    assert_eq!(found(&scene, OFFICER, "deny").await, ["deny"]);
    // All others are told of a hold as of a review, and find it among the reviews.
    let told = found(&scene, BACKEND, "review").await;
    assert_eq!(told, vec!["review"; reviews.len() + 1]);
    // To them it is no outcome, like any other word that is none.
    let bare = async |who, outcome| {
        let mut told = asked(&scene, who, outcome).await;
        assert_eq!((told.status, told.code()), (400, "decision.outcome_unknown"), "{told:?}");
        told.body["request_id"].take();
        told.body
    };
    assert_eq!(bare(BACKEND, "hold").await, bare(BACKEND, "nonsense").await);
    assert_eq!(bare(OFFICER, "nonsense").await, bare(BACKEND, "nonsense").await);
}
