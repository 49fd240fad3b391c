//! What arrives by itself: recorded cuts, through a stub channel that fills an inbox.

use std::sync::Arc;

use watertight_engine::log::{Body, Event, Inbound, InboundKind, InboxIx, LogReader, Source, What};
use watertight_engine::{Access, CALLBACKS, Fed, Future, Player, Tape, Width};
use watertight_testbed::raw::{reply, serve};

use crate::bed::{Bed, job, spec};

/// The frames that a script has seen after each look.
fn watching(looks: usize) -> impl for<'t> Fn(&'t Tape) -> Future<'t, Vec<Vec<String>>> + 'static {
    move |t| {
        Box::pin(async move {
            let mut seen = Vec::new();
            for _ in 0..looks {
                let window = t.read_inbox(CALLBACKS).await;
                seen.push(window.events.iter().map(|inbound| inbound.body.text().to_owned()).collect());
                t.wait(std::time::Duration::from_millis(1)).await;
            }
            seen
        })
    }
}

fn frame(seq: u64, text: &str) -> Event {
    let inbound = Inbound { at: 0, kind: InboundKind::Frame, headers: vec![], body: Body::new(text), hits: vec![] };
    Event { seq, source: Source::Inbox(CALLBACKS), what: What::Inbound(Box::new(inbound)) }
}

fn own(seq: u64, what: What) -> Event {
    Event { seq, source: Source::Trial(0), what }
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

#[tokio::test]
async fn a_live_look_is_recorded_and_a_replay_sees_the_same() {
    let (url, _) = serve(|stream, _| reply(stream, "", b"{}")).await;
    let bed = Bed::new(spec(&url, "test", ""));
    let mut live = None;
    bed.engine.run([job(0, Access::Read, watching(2))], Width::Limits, |_, seen| live = seen).await;
    let events: Vec<Event> = LogReader::open(bed.folder.path()).unwrap().map(Result::unwrap).collect();
    let cuts = events.iter().filter(|event| matches!(event.what, What::Cut { inbox: InboxIx(0), .. })).count();
    assert_eq!(cuts, 2);
    let own = events.into_iter().filter(|event| event.source == Source::Trial(0)).collect();
    assert_eq!(Some(played(&bed, own)), live);
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
