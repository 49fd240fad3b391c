//! Clean-up of a run, at its end and before it goes on; and of one that was killed, from its journal.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::watch;
use watertight_engine::journal::{Entry, Item, Journal};
use watertight_engine::log::{CleanUp, Event, Header, LogWriter, Source};
use watertight_engine::marker::RunTag;
use watertight_engine::planted::Planted;
use watertight_engine::{Access, Ended, Engine, Job, MachineClock, Script, Setting, Width, WriteTape};
use watertight_spec::Spec;

use super::RunError;
use crate::clean::{Cleaned, Sweep, clean};
use crate::life::undo;
use crate::results::said;

/// Removes what the run created: children before their parents, those of one depth side by side; then, if something may be
/// there that no answer told of, whatever still carries the run's tag.
///
/// # Errors
/// What it does can't be recorded: nothing more is sent then.
pub(super) async fn clean_up(engine: &Engine, tag: &str, planted: &Rc<Planted>) -> std::io::Result<Cleaned> {
    engine.cleans_up(CleanUp::Begins);
    let cleaned = remove_all(engine, tag, planted).await;
    engine.cleans_up(CleanUp::Ends);
    cleaned
}

async fn remove_all(engine: &Engine, tag: &str, planted: &Rc<Planted>) -> std::io::Result<Cleaned> {
    let (remaining, may_be_more) = engine.left();
    let spec = engine.spec();
    let depth = |item: &Item| {
        let resource = spec.resource_ixs().find(|resource| spec[*resource].name == item.name.resource);
        resource.map_or(0, |resource| spec[resource].depth)
    };
    let mut by_depth: BTreeMap<usize, Vec<Item>> = BTreeMap::new();
    remaining.into_iter().for_each(|item| by_depth.entry(depth(&item)).or_default().push(item));
    // First of all: who is shut out can remove nothing.
    let shut = undo_acts(engine, planted).await?;
    let mut all = Cleaned::default();
    for items in by_depth.into_values().rev() {
        let width = spec.limits.concurrency.min(items.len()).max(1);
        let mut shares: Vec<Vec<Item>> = (0..width).map(|_| Vec::new()).collect();
        for (number, item) in items.into_iter().enumerate() {
            if let Some(share) = shares.get_mut(number % width) {
                share.push(item);
            }
        }
        let jobs: Vec<_> = shares.into_iter().map(|share| removal(tag, share, Sweep::NotNeeded, planted)).collect();
        recorded(engine.run(jobs, Width::Limits, |_, cleaned| all.add(cleaned.unwrap_or_default())).await)?;
    }
    note_gone(engine, &mut all);
    if may_be_more {
        // What could not be removed is tried once more.
        all.left_behind.clear();
        all.stay.clear();
        let job = removal(tag, engine.left().0, Sweep::Needed, planted);
        recorded(engine.run([job], Width::One, |_, cleaned| all.add(cleaned.unwrap_or_default())).await)?;
        note_gone(engine, &mut all);
    }
    all.left_behind.extend(shut);
    if all.left_behind.is_empty() {
        engine.journal(&Entry::Cleaned);
    }
    Ok(all)
}

/// Takes acts back that a run has done and not taken back, as where it was stopped between the two. Returns those that could
/// not be, for people.
async fn undo_acts(engine: &Engine, planted: &Rc<Planted>) -> std::io::Result<Vec<String>> {
    let mut left = Vec::new();
    for done in engine.done() {
        let stays = format!("{} in {} was not taken back", done.act, done.tenant);
        let Some(act) = done.meant(engine.spec()) else {
            left.push(format!("{stays}: the spec has no such act"));
            continue;
        };
        let script = Script::Write(Rc::new(move |w: WriteTape<'_>| {
            Box::pin(async move { undo(w.tape(), &w.spec[act]).await.err() })
        }));
        let job = cleaning("undo", script, planted);
        let mut why = None;
        recorded(engine.run([job], Width::One, |_, stop| why = stop.flatten()).await)?;
        left.extend(why.map(|stop| format!("{stays}: {}", said(&stop))));
    }
    Ok(left)
}

/// A clean-up ends by itself, or because of its log.
fn recorded(ended: Ended) -> std::io::Result<()> {
    match ended {
        Ended::Log(error) => Err(error),
        Ended::All | Ended::Stopped | Ended::OutOfTime => Ok(()),
    }
}

/// What was gone before is not there any more for the journal either.
fn note_gone(engine: &Engine, cleaned: &mut Cleaned) {
    for item in cleaned.gone.drain(..) {
        engine.journal(&Entry::Removed(item.name));
    }
}

fn removal(tag: &str, items: Vec<Item>, sweep: Sweep, planted: &Rc<Planted>) -> Job<Cleaned> {
    let tag: Rc<str> = tag.into();
    let script = Script::Write(Rc::new(move |w| {
        let (tag, items) = (Rc::clone(&tag), items.clone());
        Box::pin(async move { clean(w, &tag, items, sweep).await })
    }));
    cleaning("clean-up", script, planted)
}

fn cleaning<T>(label: &str, script: Script<T>, planted: &Rc<Planted>) -> Job<T> {
    Job {
        source: Source::Cleanup,
        label: label.to_owned(),
        planted: Rc::clone(planted),
        script,
        access: Access::Write,
        caller: None,
        tenants: Vec::new(),
    }
}

/// Cleans up after a run that was killed, from its journal. What is sent is recorded in `folder`.
///
/// # Errors
/// It could not begin.
pub async fn clean_journal(
    spec: &Arc<Spec>,
    journal: Journal,
    folder: &Path,
    stop: watch::Receiver<bool>,
) -> Result<Cleaned, RunError> {
    let tag = journal.tag().unwrap_or_default().to_owned();
    let header = Header::new(spec, rand::random(), serde_json::Value::Null);
    let log = LogWriter::create(folder, &header)?;
    // The engine's own markers are of no use here; only the killed run's tag is looked for.
    let own = RunTag::new(0, header.salt);
    let (observer, clock) = (Box::new(|_: &Event| {}), Box::new(MachineClock));
    let setting = Setting { spec: Arc::clone(spec), tag: own, log, journal, part: 1, observer, clock };
    let engine = Engine::new(setting, stop)?;
    Ok(clean_up(&engine, &tag, &Rc::default()).await?)
}
