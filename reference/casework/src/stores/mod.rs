//! The sound ports for tenant data. Each opens `scoped` against the scope it is given, and writes no predicate itself.

mod cases;
mod summaries;
mod tasks;

pub(crate) use cases::ScopedCases;
pub(crate) use summaries::ScopedSummaries;
pub(crate) use tasks::ScopedTasks;
