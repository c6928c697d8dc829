//! A nonce is used once over all instances.

use crate::cluster::database;
use interlock::access::remember_nonce::{NonceDesk, remember_nonce};
use interlock::shutdown::Shutdown;

#[tokio::test]
async fn two_instances_let_a_nonce_in_once() {
    let url = database().await;
    let tasks = Shutdown::new();
    let (one, two) = (NonceDesk::start(url.clone(), &tasks), NonceDesk::start(url, &tasks));
    for round in 0..20 {
        let nonce = format!("nonce-of-round-{round:04}");
        let (a, b, c) = tokio::join!(
            remember_nonce(&one, "sk_a", &nonce),
            remember_nonce(&two, "sk_a", &nonce),
            remember_nonce(&one, "sk_a", &nonce),
        );
        let let_in = [a, b, c].into_iter().filter(|found| *found.as_ref().unwrap()).count();
        assert_eq!(let_in, 1, "{nonce}");
        assert!(remember_nonce(&two, "sk_b", &nonce).await.unwrap(), "another key's nonce");
    }
}

#[tokio::test]
async fn nobody_is_let_in_while_the_database_is_away() {
    let tasks = Shutdown::new();
    let nowhere = "postgres://interlock_app@127.0.0.1:1/none".to_owned();
    let desk = NonceDesk::start(nowhere, &tasks);
    assert!(remember_nonce(&desk, "sk_a", "nonce-0123456789").await.is_err());
}
