//! A nonce is used once over all instances.

use crate::cluster::database;
use interlock::access::remember_nonce::{NonceDesk, remember_nonce};
use interlock::shutdown::Shutdown;
use interlock::store::request_nonce::{connect, insert_new};
use std::time::Duration;

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

#[tokio::test]
async fn overlapping_batches_wait_for_each_other_in_one_order_alone() {
    let url = database().await;
    let pairs = |nonces: [&str; 3]| {
        (vec!["sk_a".to_owned(); 3], nonces.map(|last| format!("nonce-0123456789-{last}")).to_vec())
    };
    let (keys, up) = pairs(["a", "m", "z"]);
    let (_, down) = pairs(["z", "m", "a"]);
    // A third batch holds the pair in the middle, until the two others have what comes before it and wait.
    let mut third = connect(&url).await.unwrap();
    sqlx::query("begin").execute(&mut third).await.unwrap();
    assert_eq!(insert_new(&mut third, &keys[..1], &up[1..2]).await.unwrap().len(), 1);
    let batch = |nonces: Vec<String>| {
        let (url, keys) = (url.clone(), keys.clone());
        tokio::spawn(async move {
            let mut connection = connect(&url).await.unwrap();
            insert_new(&mut connection, &keys, &nonces).await
        })
    };
    let (one, two) = (batch(up), batch(down));
    let mut watcher = connect(&url).await.unwrap();
    let waits = "select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'";
    let both_wait = async {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut watcher).await.unwrap() < 2 {
            tick.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), both_wait).await.expect("both wait");
    sqlx::query("commit").execute(&mut third).await.unwrap();
    let (one, two) = (one.await.unwrap().unwrap(), two.await.unwrap().unwrap());
    assert_eq!(one.len() + two.len(), 2, "each of the two others is new once: {one:?} {two:?}");
    assert!(one.is_disjoint(&two));
}
