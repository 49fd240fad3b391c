//! `[[exclude]]`: each with a reason and an end.

use crate::diagnostic::printable;
use crate::keys::{EXCLUDE, suggest};
use crate::reader::{Reader, Table, Value};
use crate::spec::{Exclude, Operation};

const MOST_EXCLUDES: usize = 500;

pub(super) fn excludes<'t>(
    reader: &mut Reader<'t, '_>,
    root: &Table<'t>,
    operations: &[Operation],
    whole: Whole,
    today: time::Date,
) -> Option<Vec<Exclude>> {
    let tables = reader.tables(root, "exclude", &EXCLUDE, MOST_EXCLUDES);
    let excludes: Vec<_> = tables.iter().map(|table| exclude(reader, table, operations, whole, today)).collect();
    excludes.into_iter().collect()
}

/// Whether every operation could be read; if not, an unknown one may be among the rest.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whole {
    Yes,
    No,
}

fn exclude<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    operations: &[Operation],
    whole: Whole,
    today: time::Date,
) -> Option<Exclude> {
    let check = reader.need(table, "check").and_then(|value| reader.text(value));
    let operation = table.get("operation").and_then(|value| reader.text(value));
    if let Some(operation) = &operation
        && whole == Whole::Yes
        && !operations.iter().any(|known| known.name == operation.value)
    {
        let help = suggest(operation.value, operations.iter().map(|known| known.name.as_str()));
        reader.report.note(
            operation.span.clone(),
            format!("no operation is named `{}`", printable(operation.value)),
            help,
        );
    }
    let reason = reader.need(table, "reason").and_then(|value| reader.text(value));
    let expires = reader.need(table, "expires").and_then(|value| expiry(reader, value, today));
    Some(Exclude {
        check: check?.value.to_owned(),
        operation: operation.map(|operation| operation.value.to_owned()),
        reason: reason?.value.to_owned(),
        expires: expires?,
    })
}

fn expiry<'t>(reader: &mut Reader<'t, '_>, value: &'t Value<'t>, today: time::Date) -> Option<time::Date> {
    let written =
        value.get_ref().as_datetime().filter(|written| written.time.is_none()).and_then(|written| written.date);
    let Some(written) = written else {
        reader.wrong_type(value, "`expires`", "a date without quotes and time", EXCLUDE.example("expires"));
        return None;
    };
    let month = time::Month::try_from(written.month).ok()?;
    let date = time::Date::from_calendar_date(i32::from(written.year), month, written.day).ok();
    if date.is_none_or(|date| date < today) {
        let message = format!("this exclusion expired: today is {today}");
        reader.report.note(value.span(), message, "fix what it leaves out and delete it, or give it a later day");
        return None;
    }
    date
}
