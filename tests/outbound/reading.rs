//! What a stream of server-sent events reads, and when it is woken.

use crate::support::{Scene, deposit};
use interlock::outbox::live::Live;
use interlock::store::outbox_reads::events_of_payment;

#[tokio::test]
async fn a_stream_resumes_after_the_last_event_that_its_reader_has() {
    let scene = Scene::new().await;
    let stranger = scene.stranger().await;
    let payment = deposit();
    for sequence in 1..=4 {
        scene.event(payment, sequence, "deposit.processing").await;
    }
    let read = async |operator, after, limit| -> Vec<i64> {
        let events = events_of_payment(&scene.pool, operator, payment, after, limit).await;
        events.unwrap().iter().map(|event| event.sequence).collect()
    };
    assert_eq!(read(&scene.operator, 0, 100).await, [1, 2, 3, 4]);
    assert_eq!(read(&scene.operator, 2, 100).await, [3, 4]);
    assert_eq!(read(&scene.operator, 0, 2).await, [1, 2]);
    assert!(read(&stranger.operator, 0, 100).await.is_empty());
}

#[tokio::test]
async fn a_stream_is_woken_by_an_event_of_its_payment_and_by_no_other() {
    let scene = Scene::new().await;
    let live = Live::default();
    let (watched, other) = (deposit(), deposit());
    let mut stream = live.watch(watched);
    assert_eq!(live.look(&scene.pool).await.unwrap(), 0);
    scene.event(other, 1, "deposit.processing").await;
    assert_eq!(live.look(&scene.pool).await.unwrap(), 0);
    scene.event(watched, 1, "deposit.processing").await;
    scene.event(watched, 2, "deposit.succeeded").await;
    assert_eq!(live.look(&scene.pool).await.unwrap(), 1);
    assert_eq!(*stream.borrow_and_update(), 2);
    assert_eq!(live.look(&scene.pool).await.unwrap(), 0);
}
