//! What arrives by itself: recorded cuts, through a stub channel that fills an inbox.

use std::sync::Arc;

use watertight_engine::channel::arrivals::Arrival;
use watertight_engine::log::{AskIx, Body, Called, Event, Inbound, InboundKind, LogReader, Source, TRACE, What};
use watertight_engine::{Access, CALLBACKS, Cut, Fed, Future, Player, Tape, Width};

use crate::bed::{Bed, job, spec};

/// The frames that a script has seen after each look.
fn watching(looks: usize) -> impl for<'t> Fn(&'t Tape) -> Future<'t, Vec<Vec<String>>> + 'static {
    move |t| {
        Box::pin(async move {
            let mut seen = Vec::new();
            for _ in 0..looks {
                let window = t.arrived_since(Cut::beginning(CALLBACKS)).await;
                seen.push(window.events.iter().map(|inbound| inbound.body.text().to_owned()).collect());
                t.wait(std::time::Duration::from_millis(1)).await;
            }
            seen
        })
    }
}

fn frame(seq: u64, text: &str) -> Event {
    let inbound = Inbound { at: 0, kind: InboundKind::Frame, headers: vec![], body: Body::new(text), hits: vec![] };
    Event { seq, source: Source::Inbox(CALLBACKS), ask: AskIx::default(), what: What::Inbound(Box::new(inbound)) }
}

fn own(seq: u64, what: What) -> Event {
    Event { seq, source: Source::Trial(0), ask: AskIx::default(), what }
}

/// Plays a log to one script that looks twice.
fn played(bed: &Bed, events: Vec<Event>) -> Vec<Vec<String>> {
    let mut player = Player::new(Arc::clone(&bed.spec), bed.tag.clone());
    assert!(matches!(player.begin(job(0, Access::Read, watching(2))), Fed::GoesOn));
    for event in events {
        match player.feed(event) {
            Fed::GoesOn => {}
            Fed::Done(seen) => return seen.unwrap(),
            Fed::Diverges(divergence) => panic!("{divergence:?}"),
        }
    }
    panic!("the script does not end");
}

/// A cut says how far was looked: what arrived after it is not seen, wherever it is in the log.
#[tokio::test]
async fn a_check_sees_what_its_cuts_say_whatever_the_interleaving() {
    let bed = Bed::new(spec("http://127.0.0.1:1", "test", ""));
    let (inbox, waited) = (CALLBACKS, || What::Waited { ms: 1 });
    let cut = |upto| What::Cut { inbox, upto };
    let expected = vec![vec!["a".to_owned()], vec!["a".to_owned(), "b".to_owned()]];
    let late = vec![frame(0, "a"), own(1, cut(1)), frame(2, "b"), own(3, waited()), own(4, cut(3)), own(5, waited())];
    assert_eq!(played(&bed, late), expected);
    // The same cuts, with the second frame written before the first cut: it was not looked at then.
    let early = vec![frame(0, "a"), frame(1, "b"), own(2, cut(1)), own(3, waited()), own(4, cut(2)), own(5, waited())];
    assert_eq!(played(&bed, early), expected);
}

/// A channel that is not of the engine's own: the kinds that streams and webhooks will have go through the recorder.
#[tokio::test]
async fn what_a_channel_hands_on_is_scanned_redacted_and_seen_the_same_in_a_replay() {
    let bed = Bed::new(spec("http://127.0.0.1:1", "test", ""));
    let stub = bed.engine.connect(CALLBACKS);
    let secret = crate::bed::SECRET;
    let canary = bed.tag.canary(bed.tenant(1), "planted");
    let called = || Called { method: "POST".into(), path: format!("/hooks/{secret}") };
    let body = format!("{secret} and {canary}");
    for kind in [
        InboundKind::Opened,
        InboundKind::Frame,
        InboundKind::Delivery(called()),
        InboundKind::Callback(called()),
        InboundKind::Closed(format!("bye, {secret}")),
    ] {
        let headers = vec![("authorization".to_owned(), secret.as_bytes().to_vec())];
        stub.push(Arrival { kind, headers, body: body.clone().into_bytes() });
    }
    let mut live = None;
    let late = stub.clone();
    bed.engine
        .run([job(0, Access::Read, watching(2))], Width::Limits, |_, seen: Option<Vec<Vec<String>>>| {
            late.push(Arrival { kind: InboundKind::Frame, headers: vec![], body: b"too late".to_vec() });
            live = seen;
        })
        .await;
    let events: Vec<Event> = LogReader::open(bed.folder.path()).unwrap().map(Result::unwrap).collect();
    let arrived: Vec<&Inbound> = events
        .iter()
        .filter_map(|event| if let What::Inbound(inbound) = &event.what { Some(inbound.as_ref()) } else { None })
        .collect();
    assert_eq!(arrived.len(), 5);
    for inbound in &arrived {
        assert!(inbound.hits.iter().any(|hit| hit.owner == bed.tenant(1)), "{inbound:?}");
        assert!(!serde_json::to_string(inbound).unwrap().contains(secret), "{inbound:?}");
    }
    let seen = live.unwrap();
    assert_eq!(seen.iter().map(Vec::len).collect::<Vec<_>>(), [5, 5]);
    let played_again = events.into_iter().filter(|event| !matches!(event.source, Source::Engine)).collect();
    assert_eq!(played(&bed, played_again), seen);
}

/// How much a script has seen, and whether that was not all.
fn look(t: &Tape) -> Future<'_, (usize, bool)> {
    Box::pin(async move {
        let window = t.arrived_since(Cut::beginning(CALLBACKS)).await;
        (window.events.len(), window.is_cut_short)
    })
}

/// What a flood leaves out is told: a check that found nothing knows that it may have been there.
#[tokio::test]
async fn an_inbox_of_which_something_was_lost_says_so_live_and_in_a_replay() {
    let bed = Bed::new(spec("http://127.0.0.1:1", "test", ""));
    let stub = bed.engine.connect(CALLBACKS);
    let flood = |count: usize| {
        for _ in 0..count {
            stub.push(Arrival { kind: InboundKind::Frame, headers: vec![], body: b"x".to_vec() });
        }
    };
    let mut looks = Vec::new();
    for count in [900, 1_200] {
        flood(count);
        bed.engine.run([job(looks.len(), Access::Read, look)], Width::Limits, |_, seen| looks.extend(seen)).await;
    }
    assert_eq!(looks, [(900, false), (1_900, true)]);
    let events: Vec<Event> = LogReader::open(bed.folder.path()).unwrap().map(Result::unwrap).collect();
    let mut player = Player::new(Arc::clone(&bed.spec), bed.tag.clone());
    let mut replayed = Vec::new();
    for number in 0..2 {
        assert!(matches!(player.begin(job(number, Access::Read, look)), Fed::GoesOn));
    }
    for event in events {
        if let Fed::Done(seen) = player.feed(event) {
            replayed.extend(seen);
        }
    }
    assert_eq!(replayed, looks);
    // And nothing more of it goes to the log.
    let before = fs_len(&bed);
    flood(900);
    bed.engine.run([job(2, Access::Read, look)], Width::Limits, |_, seen| looks.extend(seen)).await;
    assert_eq!(looks.last(), Some(&(1_900, true)));
    assert!(fs_len(&bed) - before < 1_000, "only the cut");
}

fn fs_len(bed: &Bed) -> u64 {
    std::fs::metadata(bed.folder.path().join(TRACE)).unwrap().len()
}

/// Where an inbox is.
fn take_cut(t: &Tape) -> Future<'_, (Cut, usize)> {
    Box::pin(async move { (t.cut(CALLBACKS).await, 0) })
}

/// How much has arrived since then.
fn since(cut: Cut) -> impl for<'t> Fn(&'t Tape) -> Future<'t, (Cut, usize)> + 'static {
    move |t| Box::pin(async move { (cut, t.arrived_since(cut).await.events.len()) })
}

/// What was there before the window began belongs to whoever looked then.
#[tokio::test]
async fn a_window_has_what_arrived_between_two_cuts_live_and_in_a_replay() {
    let bed = Bed::new(spec("http://127.0.0.1:1", "test", ""));
    let stub = bed.engine.connect(CALLBACKS);
    let push = |count: usize| {
        for _ in 0..count {
            stub.push(Arrival { kind: InboundKind::Frame, headers: vec![], body: b"x".to_vec() });
        }
    };
    let (mut cut, mut seen) = (None, Vec::new());
    push(3);
    bed.engine.run([job(0, Access::Read, take_cut)], Width::Limits, |_, out| cut = out.map(|(cut, _)| cut)).await;
    let cut = cut.unwrap();
    push(2);
    let jobs = || [job(1, Access::Read, since(cut)), job(2, Access::Read, since(Cut::beginning(CALLBACKS)))];
    bed.engine.run(jobs(), Width::Limits, |_, out| seen.extend(out)).await;
    assert_eq!(seen.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [2, 5]);

    let mut player = Player::new(Arc::clone(&bed.spec), bed.tag.clone());
    for job in std::iter::once(job(0, Access::Read, take_cut)).chain(jobs()) {
        assert!(matches!(player.begin(job), Fed::GoesOn));
    }
    let mut replayed = Vec::new();
    for event in LogReader::open(bed.folder.path()).unwrap() {
        if let Fed::Done(out) = player.feed(event.unwrap()) {
            replayed.extend(out);
        }
    }
    assert_eq!(replayed, [vec![(cut, 0)], seen].concat());
}

/// A part of a run that was interrupted has its own inbox: the next one begins with none.
#[tokio::test]
async fn what_arrived_before_an_interruption_is_not_seen_after_it() {
    let bed = Bed::new(spec("http://127.0.0.1:1", "test", ""));
    let mut player: Player<Vec<Vec<String>>> = Player::new(Arc::clone(&bed.spec), bed.tag.clone());
    assert!(matches!(player.feed(frame(0, "a")), Fed::GoesOn));
    player.interrupt();
    assert!(matches!(player.begin(job(0, Access::Read, watching(1))), Fed::GoesOn));
    player.feed(own(1, What::Cut { inbox: CALLBACKS, upto: 1 }));
    let Fed::Done(Some(seen)) = player.feed(own(2, What::Waited { ms: 1 })) else { panic!("the script does not end") };
    assert_eq!(seen, [Vec::<String>::new()]);
}
