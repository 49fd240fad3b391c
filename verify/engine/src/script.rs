//! A script: what the engine runs over a tape. What it is for, the engine doesn't know.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use watertight_spec::{Spec, TenantIx, Who};

use crate::log::{AskIx, Source};
use crate::marker::RunTag;
use crate::planted::Planted;
use crate::tape::{Access, Ask, Reply, Tape, WriteTape};

/// A script under way: it awaits nothing but its tape.
pub type Future<'t, T> = Pin<Box<dyn std::future::Future<Output = T> + 't>>;

/// What a script does with a tape.
pub type Reading<T> = Rc<dyn for<'t> Fn(&'t Tape) -> Future<'t, T>>;
/// What it does with one for writing.
type Writing<T> = Rc<dyn for<'t> Fn(WriteTape<'t>) -> Future<'t, T>>;

/// What is run over a tape; which kind of tape it takes says what it needs.
pub enum Script<T> {
    /// It only reads.
    Read(Reading<T>),
    /// It reads, and plants objects of its own where the run may write ([`Tape::writing`]).
    Plant(Reading<T>),
    /// It writes.
    Write(Writing<T>),
}

impl<T> Clone for Script<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Read(read) => Self::Read(Rc::clone(read)),
            Self::Plant(read) => Self::Plant(Rc::clone(read)),
            Self::Write(write) => Self::Write(Rc::clone(write)),
        }
    }
}

impl<T> Script<T> {
    /// What kind of tape it gets where a run may do `most`; none where the run may not do what it needs.
    pub fn access(&self, most: Access) -> Option<Access> {
        match (self, most) {
            (Self::Read(_), _) | (Self::Plant(_), Access::Read) => Some(Access::Read),
            (Self::Plant(_) | Self::Write(_), Access::Write) => Some(Access::Write),
            (Self::Write(_), Access::Read) => None,
        }
    }
}

/// A script that is to be run, and for whom.
pub struct Job<T> {
    /// Whose events its are.
    pub source: Source,
    /// Makes its markers its own; no two jobs of a run have the same.
    pub label: String,
    /// What it may know of what was planted.
    pub planted: Rc<Planted>,
    /// The script.
    pub script: Script<T>,
    /// What kind of tape it gets.
    pub access: Access,
    /// Who calls for its tenant in place of the one that does by default.
    pub caller: Option<Who>,
    /// The tenants in whose data it looks or writes; empty if it is disturbed by no one.
    pub tenants: Vec<TenantIx>,
}

/// A script under way, with its tape.
pub(crate) struct Running<T> {
    pub(crate) tape: Rc<Tape>,
    pub(crate) access: Access,
    future: Future<'static, Option<T>>,
}

/// What became of a script when it was polled.
pub(crate) enum Progress<T> {
    /// It asks for these now, and awaits what it has asked for before.
    Asks(Vec<(AskIx, Ask)>),
    /// It is done.
    Done(T),
    /// It awaits something else than its tape, or took a tape that it may not have: it will never be done.
    Stuck,
}

impl<T: 'static> Running<T> {
    /// Begins; nothing runs until it is polled.
    pub(crate) fn begin(job: Job<T>, spec: &Arc<Spec>, tag: &RunTag) -> Self {
        let Job { source, label, planted, script, access, caller, .. } = job;
        let tape = Tape::new(Arc::clone(spec), planted, tag.clone(), (source, label), access);
        let tape = Rc::new(tape.called_by(caller));
        let own = Rc::clone(&tape);
        let future = Box::pin(async move {
            match (&script, own.writing()) {
                (Script::Read(read) | Script::Plant(read), _) => Some(read(&own).await),
                (Script::Write(write), Some(tape)) => Some(write(tape).await),
                (Script::Write(_), None) => None,
            }
        });
        Self { tape, access, future }
    }

    /// Goes on, with a reply to something that it asked.
    pub(crate) fn advance(&mut self, reply: Option<(AskIx, Reply)>) -> Progress<T> {
        if let Some((ask, reply)) = reply {
            self.tape.reply(ask, reply);
        }
        // Nothing wakes a script but the engine, which polls it when there is a reply.
        let polled = self.future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        match polled {
            Poll::Ready(Some(output)) => Progress::Done(output),
            Poll::Ready(None) => Progress::Stuck,
            Poll::Pending => {
                let new = self.tape.new_questions();
                if self.tape.awaits() { Progress::Asks(new) } else { Progress::Stuck }
            }
        }
    }
}
