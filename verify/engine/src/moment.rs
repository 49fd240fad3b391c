//! Moments in a request: what stands for one until the request goes out, and the time that is then written for it.
//!
//! A check can't know when its request is sent, and nothing of a replay may depend on the clock. So a check writes a mark,
//! of characters that no encoding changes, and the time is put in its place when the request is rendered: in a run by the
//! clock of that part of the run, in a replay by what the log says of when it was sent.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use watertight_spec::{Moment, MomentForm};

use crate::marker::RunTag;

/// Hex digits of how far away a moment is.
const DIGITS: usize = 16;
/// The first and the last second that RFC 3339 can tell, from 1970.
const TELLABLE: (i64, i64) = (0, 253_402_300_799);

/// What stands for a moment.
pub(crate) fn mark(tag: &RunTag, moment: Moment) -> String {
    let form = match moment.form {
        MomentForm::Time => 't',
        MomentForm::Day => 'd',
    };
    format!("{}{form}{:0DIGITS$x}", prefix(tag), moment.offset)
}

fn prefix(tag: &RunTag) -> String {
    format!("wtn{}", tag.text())
}

/// The moments of a part of a run.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    prefix: String,
    /// Seconds since 1970 when that part began.
    started: u64,
}

impl Moments {
    pub(crate) fn new(tag: &RunTag, started: u64) -> Self {
        Self { prefix: prefix(tag), started }
    }

    /// A text with every mark replaced, as it is so many milliseconds after that part of the run began.
    pub(crate) fn put(&self, text: &str, at: u64) -> Option<String> {
        let mut result = String::new();
        let mut rest = text;
        while let Some(begin) = rest.find(&self.prefix) {
            let (before, from) = rest.split_at(begin);
            result.push_str(before);
            let after = from.get(self.prefix.len()..).unwrap_or_default();
            match self.moment(after, at) {
                Some((told, after)) => {
                    result.push_str(&told);
                    rest = after;
                }
                None => {
                    result.push_str(&self.prefix);
                    rest = after;
                }
            }
        }
        (rest.len() < text.len()).then(|| result + rest)
    }

    /// What is written for the mark with this end, and what follows it.
    fn moment<'t>(&self, end: &'t str, at: u64) -> Option<(String, &'t str)> {
        let digits = end.get(1..=DIGITS)?;
        let offset = u64::from_str_radix(digits, 16).ok()?.cast_signed();
        let now = i64::try_from(self.started.saturating_add(at / 1000)).unwrap_or(i64::MAX);
        let (first, last) = TELLABLE;
        let then = OffsetDateTime::from_unix_timestamp(now.saturating_add(offset).clamp(first, last)).ok()?;
        let told = match end.chars().next()? {
            't' => then.format(&Rfc3339).ok()?,
            'd' => then.date().to_string(),
            _ => return None,
        };
        Some((told, end.get(1 + DIGITS..)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_becomes_the_time_at_which_its_request_is_sent() {
        let tag = RunTag::new(1, 2);
        // 2026-03-01T12:00:00Z.
        let moments = Moments::new(&tag, 1_772_366_400);
        let told = |form, offset, at| moments.put(&format!("<{}>", mark(&tag, Moment { form, offset })), at).unwrap();
        assert_eq!(told(MomentForm::Time, 0, 999), "<2026-03-01T12:00:00Z>");
        assert_eq!(told(MomentForm::Time, 3600, 61_000), "<2026-03-01T13:01:01Z>");
        assert_eq!(told(MomentForm::Time, -86_400, 0), "<2026-02-28T12:00:00Z>");
        assert_eq!(told(MomentForm::Day, 3 * 86_400, 43_200_000), "<2026-03-05>");
        assert_eq!(told(MomentForm::Time, i64::MAX, 0), "<9999-12-31T23:59:59Z>");
        assert_eq!(moments.put("nothing of the kind", 0), None);
        // What a target makes of it.
        let broken = format!("{}tzz {0}", prefix(&tag));
        assert_eq!(moments.put(&broken, 0), Some(broken));
    }
}
