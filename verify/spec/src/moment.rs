//! Moments: `{now}`, `{now+1h}`, `{now-30m}`, `{today+3d}`.

use crate::diagnostic::printable;

/// A moment, told from when its request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Moment {
    /// How it is written.
    pub form: MomentForm,
    /// Seconds after that, or before.
    pub offset: i64,
}

/// How a moment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MomentForm {
    /// `{now}`: a time in UTC, in whole seconds (RFC 3339, `date-time`).
    Time,
    /// `{today}`: its day (RFC 3339, `full-date`).
    Day,
}

impl MomentForm {
    /// Every one, by what braces hold.
    pub const ALL: [(&'static str, Self); 2] = [("now", Self::Time), ("today", Self::Day)];
}

/// Seconds of a day.
const DAY: u64 = 86_400;
/// How far from now a moment may be.
const FARTHEST: u64 = 100 * 366 * DAY;

impl Moment {
    /// What braces hold, if it begins as a moment does; else why it is none, and what to write.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, (String, String)>> {
        let begins = |(word, form): &(&'static str, MomentForm)| Some((*word, *form, text.strip_prefix(word)?.trim()));
        let (word, form, rest) = MomentForm::ALL.iter().find_map(begins)?;
        let (is_before, distance) = match (rest.strip_prefix('+'), rest.strip_prefix('-')) {
            (Some(after), _) => (false, after),
            (_, Some(before)) => (true, before),
            (None, None) if rest.is_empty() => return Some(Ok(Self { form, offset: 0 })),
            (None, None) => return None,
        };
        let unit = match form {
            MomentForm::Time => "h",
            MomentForm::Day => "d",
        };
        let refuse = |why: &str, help: String| Some(Err((format!("`{{{}}}` {why}", printable(text)), help)));
        let Ok(distance) = humantime::parse_duration(distance.trim()) else {
            let help = format!("a number and a unit: `{{{word}+1{unit}}}`, `{{{word}-1{unit}}}`");
            return refuse("is no moment", help);
        };
        let seconds = distance.as_secs();
        if distance.subsec_nanos() != 0 {
            return refuse("is between two seconds", "write whole seconds".to_owned());
        }
        if form == MomentForm::Day && seconds % DAY != 0 {
            return refuse("is between two days", "write whole days, `{today+3d}`, or a time, `{now+36h}`".to_owned());
        }
        let Some(offset) = i64::try_from(seconds).ok().filter(|_| seconds <= FARTHEST) else {
            return refuse("is too far away", "a moment is at most a hundred years from now".to_owned());
        };
        Some(Ok(Self { form, offset: if is_before { offset.saturating_neg() } else { offset } }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_word_and_how_far_from_it() {
        let parsed = |text| Moment::parse(text).and_then(Result::ok).map(|moment| (moment.form, moment.offset));
        assert_eq!(parsed("now"), Some((MomentForm::Time, 0)));
        assert_eq!(parsed("now+1h"), Some((MomentForm::Time, 3600)));
        assert_eq!(parsed("now - 1h 30m"), Some((MomentForm::Time, -5400)));
        assert_eq!(parsed("today+3d"), Some((MomentForm::Day, 259_200)));
        assert_eq!(parsed("today-1w"), Some((MomentForm::Day, -604_800)));
        for other in ["nowhere", "now1h", "todays", "tonight+1h", ""] {
            assert_eq!(Moment::parse(other), None, "{other}");
        }
        for wrong in
            ["now+", "now+1", "now+h", "now--1h", "now+1500ms", "today+5h", "now+200y", "now+99999999999999999d"]
        {
            assert!(Moment::parse(wrong).is_some_and(|moment| moment.is_err()), "{wrong}");
        }
    }
}
