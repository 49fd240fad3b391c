//! `totp`: one-time codes from a seed, which a log-in sends as `{totp}`.

use std::time::Duration;

use super::principal::{Drafted, Home};
use super::written::{Names, written};
use crate::reader::{At, Reader, Table};
use crate::spec::credential::{CODE, LoginValue, Totp, TotpAlgorithm};

/// RFC 6238 leaves it open; shorter ones are none that a person could type.
const LEAST_PERIOD: Duration = Duration::from_secs(10);
const LONGEST_PERIOD: Duration = Duration::from_secs(120);
/// RFC 6238 5.2 recommends it.
const USUAL_PERIOD: Duration = Duration::from_secs(30);

/// None where it can't be read; without one where there is none.
pub(super) fn totp<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>, draft: &mut Drafted) -> Option<Option<Totp>> {
    let digits = table.get("totp_digits").map(|value| reader.integer(value, 6..=8));
    let period = table.get("totp_period").map(|value| period(reader, value));
    let known = [("SHA1", TotpAlgorithm::Sha1), ("SHA256", TotpAlgorithm::Sha256), ("SHA512", TotpAlgorithm::Sha512)];
    let algorithm = table.get("totp_algorithm").map(|value| reader.choice(value, &known));
    let is_named = digits.is_some() || period.is_some() || algorithm.is_some();
    if table.get("totp").is_none() && !is_named {
        return Some(None);
    }
    let (name, seed) = reader.need(table, "totp").and_then(|value| reader.secret("totp", value))?;
    draft.secrets.push(name);
    Some(Some(Totp {
        seed,
        digits: digits.unwrap_or(Some(6))?,
        period: period.unwrap_or(Some(USUAL_PERIOD))?,
        algorithm: algorithm.unwrap_or(Some(TotpAlgorithm::Sha1))?,
    }))
}

fn period<'t>(reader: &mut Reader<'t, '_>, value: &'t crate::reader::Value<'t>) -> Option<Duration> {
    let period = reader.duration(value, LEAST_PERIOD..=LONGEST_PERIOD)?;
    if period.subsec_nanos() != 0 {
        reader.report.note(value.span(), "a period has whole seconds (RFC 6238 4.1)", "for example \"30s\"");
        return None;
    }
    Some(period)
}

/// A text that `grant = "login"` sends. Only where the principal has a seed a brace is more than a brace.
pub(super) fn login_text<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    home: &Home<'_>,
    text: &At<&str>,
) -> Option<LoginValue> {
    let code = format!("{{{CODE}}}");
    if table.get("totp").is_none() && text.value != code {
        return Some(LoginValue::Plain(home.entering(text.value)));
    }
    let known: &[&str] = if table.get("totp").is_some() { &[CODE] } else { &[] };
    written(reader, text, &Names::only(home, known)).map(LoginValue::Written)
}

/// A seed from which no code is ever sent is a mistake. None where that was said.
pub(super) fn note_unsent(reader: &mut Reader<'_, '_>, table: &Table<'_>) -> Option<()> {
    if table.get("totp").is_none() {
        return Some(());
    }
    let help = "write `{totp}` where the platform expects the code: json = { otp = \"{totp}\" }";
    reader.report.note(table.key_span("totp"), "nothing sends a code made from `totp`", help);
    None
}
