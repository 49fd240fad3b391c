//! A target that limits the rate slows the run down, and decides nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use watertight_engine::call::{Call, Caller};
use watertight_engine::log::What;
use watertight_engine::marker::RunTag;
use watertight_engine::{Access, Width};
use watertight_spec::Effect;
use watertight_testbed::raw::{reply, serve};

use crate::bed::{Bed, job, spec};

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
async fn what_is_refused_because_of_the_rate_is_sent_again_for_reads_and_writes() {
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
async fn a_target_that_always_refuses_is_asked_no_longer_than_the_run_may_take() {
    let (url, _) = throttling(|_| true, "").await;
    let bed = Bed::new(spec(&url, "test", "time = \"2s\""));
    let begun = std::time::Instant::now();
    let exchange = bed.one(bed.get(Caller::Anonymous, "/x")).await;
    assert!(!exchange.succeeded(), "{exchange:?}");
    let took = begun.elapsed();
    assert!(took >= std::time::Duration::from_millis(1_900), "it was asked again as long as there was time: {took:?}");
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

/// Only 429 says that nothing was done.
#[tokio::test]
async fn a_write_that_was_answered_503_is_not_sent_a_second_time() {
    let (url, seen) = serve(|mut stream, _| async move {
        let head = "HTTP/1.1 503 Unavailable\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let _ = stream.write_all(head.as_bytes()).await;
    })
    .await;
    let bed = Bed::new(spec(&url, "test", ""));
    let write = bed.request(Caller::Anonymous, "POST", "/x").effect(Effect::Create);
    assert_eq!(bed.one(Call::Api(write)).await.status(), Some(503));
    assert_eq!(seen.lock().unwrap().len(), 1);
    bed.one(bed.get(Caller::Anonymous, "/x")).await;
    assert!(seen.lock().unwrap().len() > 2, "a read is tried again");
}

#[tokio::test]
async fn a_refusal_that_shows_another_tenants_data_is_for_the_check_to_see() {
    let canary = RunTag::new(1, 2);
    let souths = {
        let bed = Bed::new(spec("http://127.0.0.1:1", "test", ""));
        canary.canary(bed.tenant(1), "x").secret
    };
    let (url, seen) = serve(move |mut stream, _| {
        let head = format!("HTTP/1.1 429 Too Many\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", souths.len());
        let answer = head + &souths;
        async move { stream.write_all(answer.as_bytes()).await.unwrap() }
    })
    .await;
    let bed = Bed::new(spec(&url, "test", ""));
    let exchange = bed.one(bed.get(Caller::Anonymous, "/x")).await;
    assert!(exchange.shows(bed.tenant(1)), "{exchange:?}");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

/// A request that waits longer than its token lives would be refused, and that refusal would show nothing.
#[tokio::test]
async fn a_token_that_expires_while_its_request_waits_is_fetched_anew() {
    let tokens = Arc::new(AtomicUsize::new(0));
    let answers = Arc::new(AtomicUsize::new(0));
    let (url, seen) = serve(move |mut stream, head| {
        let is_first = !head.starts_with("POST /token") && answers.fetch_add(1, Ordering::SeqCst) == 0;
        let number = if head.starts_with("POST /token") { Some(tokens.fetch_add(1, Ordering::SeqCst)) } else { None };
        async move {
            if let Some(number) = number {
                let token = format!("{{\"access_token\":\"token-number-{number}\",\"expires_in\":2}}");
                reply(stream, "", token.as_bytes()).await;
            } else if is_first {
                let head = "HTTP/1.1 429 Too Many\r\nretry-after: 2\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(head.as_bytes()).await;
            } else {
                reply(stream, "", b"{}").await;
            }
        }
    })
    .await;
    let bed = Bed::new(spec(&url, "test", ""));
    assert_eq!(bed.one(bed.get(Caller::Own(bed.north()), "/x")).await.status(), Some(200));
    let wire = seen.lock().unwrap();
    assert!(wire.last().unwrap().contains("Bearer token-number-1"), "{wire:?}");
}

/// A script that waits is not done: the next one may undo what it waits to see.
#[tokio::test]
async fn one_after_the_other_a_script_begins_when_the_one_before_is_done_waiting() {
    let (url, heads) = serve(|stream, _| async move { reply(stream, "", b"").await }).await;
    let bed = Bed::new(spec(&url, "test", ""));
    let jobs = (0..3).map(|number| {
        let [first, second] =
            ["first", "second"].map(|which| bed.get(Caller::Anonymous, &format!("/{number}/{which}")));
        job(number, Access::Write, move |t| {
            let (first, second) = (first.clone(), second.clone());
            Box::pin(async move {
                t.call(first).await;
                t.wait(Duration::from_millis(20)).await;
                t.call(second).await;
            })
        })
    });
    bed.engine.run(jobs, Width::One, |_, _| {}).await;
    let sent: Vec<String> =
        heads.lock().unwrap().iter().map(|head| head.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(sent, ["/0/first", "/0/second", "/1/first", "/1/second", "/2/first", "/2/second"]);
}
