//! Secrets in addresses, forms and XML, by the names of parameters and elements.

use std::borrow::Cow;

use super::names::{Telling, is_secret_name};
use super::random::is_random;
use super::{By, Found, Written};

/// Bytes of the name of an element.
const LONGEST_NAME: usize = 200;

/// Parameters of URLs and forms: `…?token=abc&…`.
pub(super) fn by_parameter(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (at, _) in text.match_indices('=') {
        if found.last().is_some_and(|last| at < last.range.end) {
            continue;
        }
        let before = text.get(..at).unwrap_or_default();
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let from = before.rfind(|c: char| !is_name(c)).map_or(0, |last| last.saturating_add(1));
        let from = if before.is_char_boundary(from) { from } else { continue };
        let delimiter = before.get(..from).and_then(|text| text.chars().next_back());
        let Some(name) = before.get(from..).filter(|name| !name.is_empty()) else { continue };
        // A writer of JSON may escape what separates them: `\u0026`.
        let escaped = ["u0026", "u003b", "u003B", "u003f", "u003F", "u0023"].iter().find_map(|e| name.strip_prefix(e));
        let name = match (delimiter, escaped) {
            (Some('\\'), Some(name)) => name,
            (None | Some('?' | '&' | ';' | '#' | '"' | '\''), _) => name,
            _ => continue,
        };
        if !is_secret_name(name) {
            continue;
        }
        let start = at.saturating_add(1);
        let rest = text.get(start..).unwrap_or_default();
        let length = rest.find(|c: char| "&;#\"'<>\\ \n\r,)".contains(c)).unwrap_or(rest.len());
        let Some(raw) = rest.get(..length).filter(|raw| raw.len() >= 8) else { continue };
        let value = percent_encoding::percent_decode_str(raw).decode_utf8_lossy().into_owned();
        found.push(Found {
            range: start..start.saturating_add(length),
            is_telling: is_random(&value),
            value,
            written: Written::Text,
            by: By::NameOrForm,
        });
    }
    found
}

/// Texts of elements: `<token>abc</token>`.
pub(super) fn by_element(text: &str) -> Vec<Found> {
    let ends = text.match_indices("</").filter_map(|(at, _)| {
        let name_at = at.saturating_add(2);
        let length = text.bytes().skip(name_at).take(LONGEST_NAME).position(|byte| byte == b'>')?;
        let name = text.get(name_at..name_at.saturating_add(length))?;
        // Not `key`: that is how a store of files calls the name of one.
        is_secret_name(name.rsplit(':').next()?.trim_end()).then_some(())?;
        let start = text.get(..at)?.rfind('>')?.saturating_add(1);
        let value = text.get(start..at).filter(|value| !value.trim().is_empty() && Telling::Secret.holds_of(value))?;
        let value = quick_xml::escape::unescape(value).map_or_else(|_| value.to_owned(), Cow::into_owned);
        Some(Found {
            range: start..at,
            is_telling: is_random(&value),
            value,
            written: Written::Text,
            by: By::NameOrForm,
        })
    });
    ends.collect()
}
