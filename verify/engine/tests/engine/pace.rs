//! A target that refuses for the pace of the run slows it down, and decides nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::AsyncWriteExt as _;
use watertight_engine::call::{Call, Caller};
use watertight_engine::log::What;
use watertight_spec::Effect;
use watertight_testbed::raw::{reply, serve};

use crate::bed::{Bed, spec};

/// Refuses each request that `refuses` picks, by its number.
async fn throttling(refuses: fn(usize) -> bool, header: &'static str) -> (String, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let (url, _) = serve(move |mut stream, _| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            if refuses(number) {
                let head = format!("HTTP/1.1 429 Too Many\r\n{header}content-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).await;
            } else {
                reply(stream, "", b"{}").await;
            }
        }
    })
    .await;
    (url, count)
}

#[tokio::test]
async fn what_is_refused_for_the_pace_is_sent_again_reads_and_refused_writes_alike() {
    let (url, count) = throttling(|number| number % 3 == 0, "").await;
    let bed = Bed::new(spec(&url, "test", ""));
    let write = bed.request(Caller::Anonymous, "POST", "/x").effect(Effect::Create);
    let calls = [vec![bed.get(Caller::Anonymous, "/x"); 8], vec![Call::Api(write); 2]].concat();
    let exchanges = bed.perform(calls).await;
    assert!(exchanges.iter().all(|exchange| exchange.status() == Some(200)));
    let throttled = bed.events().iter().filter(|event| matches!(event.what, What::Throttled(_))).count();
    assert_eq!(count.load(Ordering::SeqCst), 10 + throttled);
    assert!(throttled >= 4, "{throttled}");
}

#[tokio::test]
async fn a_target_that_always_refuses_is_given_up_on_within_bounds() {
    let (url, count) = throttling(|_| true, "").await;
    let bed = Bed::new(spec(&url, "test", ""));
    let exchange = bed.one(bed.get(Caller::Anonymous, "/x")).await;
    assert_eq!(exchange.status(), Some(429));
    assert!(count.load(Ordering::SeqCst) <= 12);
}

#[tokio::test]
async fn the_whole_run_waits_as_long_as_it_is_asked_to() {
    let (url, _) = throttling(|number| number == 0, "retry-after: 1\r\n").await;
    let bed = Bed::new(spec(&url, "test", ""));
    let begun = std::time::Instant::now();
    let exchanges = bed.perform(vec![bed.get(Caller::Anonymous, "/x"), bed.get(Caller::Anonymous, "/y")]).await;
    assert!(exchanges.iter().all(|exchange| exchange.status() == Some(200)));
    assert!(begun.elapsed() >= std::time::Duration::from_millis(900));
}
