//! The log on disk: whole at every moment, each changed byte named, and of bounded memory.

use std::fs;
use std::io::Write as _;

use watertight_engine::call::Caller;
use watertight_engine::log::{BODIES, Event, LogError, LogReader, LogWriter, Lookup, TRACE, What};
use watertight_engine::{Access, Ended, Width};
use watertight_testbed::raw::{reply, serve};

use crate::bed::{Bed, spec};

/// A log with short and long bodies, some of them twice.
async fn recorded() -> Bed {
    let (url, _) = serve(|stream, head| async move {
        let length: usize = head.split('/').nth(1).and_then(|path| path.split(' ').next()?.parse().ok()).unwrap_or(0);
        reply(stream, "", "ä line of text, ".repeat(length).as_bytes()).await;
    })
    .await;
    let bed = Bed::new(spec(&url, "test", ""));
    let paths = ["/1", "/500", "/1", "/500", "/3000"];
    bed.perform(paths.iter().map(|path| bed.get(Caller::Anonymous, path)).collect()).await;
    bed
}

fn events(bed: &Bed) -> Result<Vec<Event>, LogError> {
    LogReader::open(bed.folder.path())?.collect()
}

#[tokio::test]
async fn what_is_read_is_what_was_recorded_and_a_body_is_written_once() {
    let bed = recorded().await;
    let events = events(&bed).unwrap();
    let bodies: Vec<usize> =
        events.iter().filter_map(|event| Some(event.exchange()?.response()?.body.text().chars().count())).collect();
    assert_eq!(bodies, [16, 8_000, 16, 8_000, 48_000]);
    let stored = fs::metadata(bed.folder.path().join(BODIES)).unwrap().len();
    assert!(stored < 2_000, "{stored}");
    let mut lookup = Lookup::open(bed.folder.path()).unwrap();
    for event in &events {
        assert_eq!(lookup.event(event.seq).as_ref(), Some(event));
    }
    assert_eq!(lookup.event(99), None);
}

#[tokio::test]
async fn a_changed_byte_is_named_by_its_line_in_the_trace_and_in_the_bodies() {
    let bed = recorded().await;
    let trace = bed.folder.path().join(TRACE);
    let sound = fs::read_to_string(&trace).unwrap();
    let changed = sound.replacen("\"seq\":2,", "\"seq\":9,", 1);
    assert_ne!(sound, changed);
    fs::write(&trace, changed).unwrap();
    assert!(matches!(events(&bed), Err(LogError::Line { line: 4, seq: Some(2), .. })), "{:?}", events(&bed));
    fs::write(&trace, sound).unwrap();
    let bodies = bed.folder.path().join(BODIES);
    let mut bytes = fs::read(&bodies).unwrap();
    bytes[20] ^= 1;
    fs::write(&bodies, bytes).unwrap();
    assert!(matches!(events(&bed), Err(LogError::Line { seq: Some(2), .. })), "{:?}", events(&bed));
}

#[tokio::test]
async fn a_line_that_a_kill_cut_off_is_left_out_and_written_over() {
    let bed = recorded().await;
    let whole = events(&bed).unwrap();
    let path = bed.folder.path().join(TRACE);
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"hash\":\"0123").unwrap();
    fs::OpenOptions::new().append(true).open(bed.folder.path().join(BODIES)).unwrap().write_all(b"half").unwrap();
    let mut reader = LogReader::open(bed.folder.path()).unwrap();
    assert_eq!(reader.by_ref().filter_map(Result::ok).count(), whole.len());
    assert!(reader.tip().is_cut_off);
    let mut log = LogWriter::resume(bed.folder.path(), reader.tip()).unwrap();
    let seq = log.next_seq();
    let event = log.append(watertight_engine::log::Source::Engine, What::Waited { ms: 1 }).unwrap();
    log.flush().unwrap();
    assert_eq!(event.seq, seq);
    assert_eq!(events(&bed).unwrap().len(), whole.len() + 1);
}

#[tokio::test]
async fn a_line_that_is_too_long_is_neither_written_nor_read() {
    const TOO_LONG: usize = 65 << 20;
    let bed = recorded().await;
    let mut reader = LogReader::open(bed.folder.path()).unwrap();
    let whole: Vec<Event> = reader.by_ref().collect::<Result<_, _>>().unwrap();
    let mut log = LogWriter::resume(bed.folder.path(), reader.tip()).unwrap();
    let mut long = whole.iter().find_map(Event::exchange).unwrap().clone();
    long.request.body = Some("x".repeat(TOO_LONG));
    let refused = log.append(watertight_engine::log::Source::Engine, What::Exchange(Box::new(long))).unwrap_err();
    assert!(refused.to_string().contains("longer than a log may have"), "{refused}");
    log.append(watertight_engine::log::Source::Engine, What::Waited { ms: 1 }).unwrap();
    log.flush().unwrap();
    assert_eq!(events(&bed).unwrap().len(), whole.len() + 1, "what is refused leaves the log whole");
    // Nor is it taken for what a kill cut off.
    let trace = fs::OpenOptions::new().append(true).open(bed.folder.path().join(TRACE)).unwrap();
    trace.set_len(trace.metadata().unwrap().len() + TOO_LONG as u64).unwrap();
    let error = events(&bed).unwrap_err();
    assert!(matches!(&error, LogError::Line { what, .. } if what.contains("longer")), "{error}");
}

/// What is not recorded shows nothing; and after half an event the next one would be at the wrong place.
#[tokio::test]
async fn where_the_disk_is_full_nothing_more_is_sent_or_recorded() {
    let (url, heads) = serve(|stream, _| async move { reply(stream, "", &[b'x'; 5_000]).await }).await;
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join(BODIES)).unwrap();
    let bed = Bed::within(folder, spec(&url, "test", ""));
    let mut told = Vec::new();
    for number in 0..2 {
        let call = bed.get(Caller::Anonymous, "/");
        let script = crate::bed::job(number, Access::Read, move |t| Box::pin(t.call(call.clone())));
        let ended = bed.engine.run([script], Width::Limits, |_, _| {}).await;
        told.push(matches!(ended, Ended::Log(error) if error.kind() == std::io::ErrorKind::StorageFull));
    }
    assert_eq!(told, [true, true]);
    assert_eq!(heads.lock().unwrap().len(), 1, "the second was not sent");
}

#[tokio::test]
async fn a_script_that_awaits_anything_but_its_tape_is_never_done() {
    let bed = Bed::new(spec("http://127.0.0.1:1", "test", ""));
    let mut done = Vec::new();
    let job = crate::bed::job(0, Access::Read, |_| {
        Box::pin(async {
            tokio::task::yield_now().await;
            7
        })
    });
    bed.engine.run([job], Width::Limits, |owner, output| done.push((owner, output))).await;
    assert_eq!(done, [(watertight_engine::log::Source::Trial(0), None)]);
}
