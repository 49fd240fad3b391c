//! Parts of a script that are carried out side by side.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use watertight_engine::call::{Call, Caller};
use watertight_engine::{Access, Fed, Future, Player, Tape, both, side_by_side};
use watertight_testbed::raw::{reply, serve};

use crate::bed::{Bed, job, spec};

/// What a part comes to.
type Told = (Option<u16>, String, Duration);

/// A script of several parts, of which each asks twice: what it comes to, in the order of its parts, and what was answered when.
fn script(calls: Vec<Call>) -> impl for<'t> Fn(&'t Tape) -> Future<'t, Vec<Told>> + 'static {
    move |t| {
        let calls = calls.clone();
        Box::pin(async move {
            side_by_side(calls.into_iter().map(async |call| {
                let first = t.call(call.clone()).await;
                // It depends on the order in which the parts go on.
                let unique = t.unique();
                t.wait(Duration::from_millis(1)).await;
                t.call(call).await;
                (first.status(), unique, t.clock())
            }))
            .await
        })
    }
}

#[tokio::test]
async fn parts_are_under_way_at_a_time_and_a_replay_sees_the_answers_in_the_same_order() {
    // The first is answered only when the last one has been.
    let last = Arc::new(Notify::new());
    let (url, _) = serve(move |stream, head| {
        let last = Arc::clone(&last);
        async move {
            if head.starts_with("GET /first ") {
                last.notified().await;
                last.notify_one();
            }
            reply(stream, "", b"").await;
            if head.starts_with("GET /last ") {
                last.notify_one();
            }
        }
    })
    .await;
    let bed = Bed::new(spec(&url, "test", ""));
    let calls: Vec<Call> = ["/first", "/same", "/same", "/last"].map(|path| bed.get(Caller::Anonymous, path)).into();
    let live = bed.run(Access::Write, script(calls.clone())).await;
    assert!(live.iter().all(|(status, ..)| *status == Some(200)));
    let mut player = Player::new(Arc::clone(&bed.spec), bed.tag.clone());
    assert!(matches!(player.begin(job(0, Access::Write, script(calls))), Fed::GoesOn));
    let mut replayed = None;
    for event in bed.events() {
        match player.feed(event) {
            Fed::GoesOn => {}
            Fed::Done(output) => replayed = output,
            Fed::Diverges(divergence) => panic!("{divergence:?}"),
        }
    }
    assert_eq!(replayed, Some(live));
}

#[tokio::test]
async fn what_is_answered_says_which_question_it_answers_and_what_is_asked_in_turn_does_not() {
    let (url, _) = serve(|stream, _| reply(stream, "", b"")).await;
    let bed = Bed::new(spec(&url, "test", ""));
    let calls: Vec<Call> = ["/a", "/b", "/c"].map(|path| bed.get(Caller::Anonymous, path)).into();
    bed.run(Access::Read, move |t| {
        let [a, b, c] = [0, 1, 2].map(|at: usize| calls[at].clone());
        Box::pin(async move {
            both(t.call(a), t.call(b)).await;
            t.call(c).await;
        })
    })
    .await;
    let told: Vec<_> = bed.events().iter().filter_map(|event| event.exchange().map(|_| event.clone())).collect();
    let text = |at: usize| serde_json::to_string(&told[at]).unwrap();
    assert_eq!((0..3).filter(|at| text(*at).contains("\"ask\":1")).count(), 1);
    assert!(!text(2).contains("\"ask\""), "{}", text(2));
}

#[tokio::test]
async fn an_answer_to_what_was_not_asked_is_a_divergence() {
    let (url, _) = serve(|stream, _| reply(stream, "", b"")).await;
    let bed = Bed::new(spec(&url, "test", ""));
    let calls = vec![bed.get(Caller::Anonymous, "/a"), bed.get(Caller::Anonymous, "/b")];
    bed.run(Access::Write, script(calls.clone())).await;
    let mut player = Player::new(Arc::clone(&bed.spec), bed.tag.clone());
    player.begin(job(0, Access::Write, script(calls)));
    let mut of_trial = bed.events().into_iter().filter(|event| event.exchange().is_some());
    let mut changed = of_trial.next().unwrap();
    changed.ask = serde_json::from_value(7.into()).unwrap();
    assert!(matches!(player.feed(changed), Fed::Diverges(_)));
}
