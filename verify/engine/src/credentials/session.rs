//! Sessions: what the steps of a log-in have set and told, and what every request then carries.

use std::collections::HashMap;

use serde_json::Value;
use watertight_spec::{Take, Written, WrittenPart};

use crate::render::Text;

/// Of an answer, names lower-case.
type Headers = [(String, Vec<u8>)];

/// Bytes of a value that is kept.
const LONGEST: usize = 16 * 1024;
/// Cookies that are kept of one log-in.
const MOST_COOKIES: usize = 50;

/// What the steps so far have set and told.
#[derive(Clone, Default)]
pub(crate) struct Jar {
    cookies: Vec<(String, Text)>,
    taken: HashMap<String, Text>,
}

impl Jar {
    /// What an answer sets and tells. `hidden` gives what stands for a value that is a secret.
    pub(crate) fn fill(
        &mut self,
        take: &[(String, Take)],
        (headers, body): (&Headers, &str),
        hidden: &mut dyn FnMut(&str) -> String,
    ) {
        for (name, value) in cookies(headers) {
            let text = Text::secret(value.as_str(), hidden(&value));
            self.cookies.retain(|(known, _)| *known != name);
            // One that is set to nothing is taken back (RFC 6265 5.3).
            if !value.is_empty() && self.cookies.len() < MOST_COOKIES {
                self.cookies.push((name, text));
            }
        }
        for (name, from) in take {
            let found = match from {
                Take::Member(path) => {
                    let json: Option<Value> = serde_json::from_str(body).ok();
                    json.and_then(|json| Some(path.query(&json).first()?.as_str()?.to_owned()))
                }
                Take::Header(wanted) => header(headers, wanted),
                Take::Cookie(wanted) => {
                    self.cookies.iter().find(|(known, _)| known == wanted).map(|(_, text)| text.real().to_owned())
                }
                Take::Field(wanted) => field(body, wanted),
            };
            if let Some(value) = found.filter(|value| value.len() <= LONGEST) {
                let text = Text::secret(value.as_str(), hidden(&value));
                self.taken.insert(name.clone(), text);
            }
        }
    }

    /// The `Cookie` header, if there is any cookie.
    pub(crate) fn cookie(&self) -> Option<Text> {
        let line = |value: &dyn Fn(&Text) -> String| {
            let pairs: Vec<String> =
                self.cookies.iter().map(|(name, text)| format!("{name}={}", value(text))).collect();
            pairs.join("; ")
        };
        let is_any = !self.cookies.is_empty();
        is_any.then(|| Text::secret(line(&|text| text.real().to_owned()), line(&|text| text.shown().to_owned())))
    }

    /// A text with what was taken in it; the name of what was not, if there is any.
    pub(crate) fn written(&self, written: &Written) -> Result<Text, String> {
        let (mut real, mut shown) = (String::new(), String::new());
        for part in written.parts() {
            match part {
                WrittenPart::Text(text) => {
                    real.push_str(text);
                    shown.push_str(text);
                }
                WrittenPart::Taken(name) => {
                    let text = self.taken.get(name).ok_or_else(|| name.clone())?;
                    real.push_str(text.real());
                    shown.push_str(text.shown());
                }
            }
        }
        Ok(Text::secret(real, shown))
    }
}

/// Name and value of each cookie that an answer sets (RFC 6265 5.2).
fn cookies(headers: &Headers) -> impl Iterator<Item = (String, String)> {
    let set = headers.iter().filter(|(name, _)| name == "set-cookie");
    set.filter_map(|(_, value)| {
        let text = String::from_utf8_lossy(value);
        let pair = text.split(';').next()?;
        let (name, value) = pair.split_once('=')?;
        let is_kept = !name.trim().is_empty() && value.len() <= LONGEST;
        is_kept.then(|| (name.trim().to_owned(), value.trim().to_owned()))
    })
}

fn header(headers: &Headers, wanted: &str) -> Option<String> {
    let (_, value) = headers.iter().find(|(name, _)| name == wanted)?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// The value of an `input`, or the content of a `meta` element, of this name.
fn field(html: &str, wanted: &str) -> Option<String> {
    html.split('<').find_map(|tag| {
        let is_kind =
            ["input", "meta"].iter().any(|kind| tag.get(..kind.len()).is_some_and(|t| t.eq_ignore_ascii_case(kind)));
        let tag = tag.split('>').next().filter(|_| is_kind)?;
        let is_it = attribute(tag, "name").is_some_and(|name| name == wanted);
        attribute(tag, "value").or_else(|| attribute(tag, "content")).filter(|_| is_it)
    })
}

/// An attribute of a tag, in quotes or without.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag;
    loop {
        let at = rest.find(name)?;
        let before = rest.get(..at)?.chars().next_back();
        let after = rest.get(at.saturating_add(name.len())..)?;
        rest = after;
        let value = after.trim_start().strip_prefix('=').map(str::trim_start);
        if let (Some(true), Some(value)) = (before.map(char::is_whitespace), value) {
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            let text = match quote {
                Some(quote) => value.get(1..)?.split(quote).next()?,
                None => value.split(|c: char| c.is_whitespace() || c == '/').next()?,
            };
            return Some(
                text.replace("&quot;", "\"").replace("&#x27;", "'").replace("&#39;", "'").replace("&amp;", "&"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_name_however_the_tag_is_written() {
        for html in [
            "<form><input type=\"hidden\" name=\"csrf\" value=\"a&amp;b\"></form>",
            "<INPUT value='a&amp;b' name='csrf'/>",
            "<meta name=\"csrf\" content=\"a&amp;b\" />",
            "<input name=other value=x><input name=csrf value=a&amp;b>",
            "<input data-value=\"no\" name=\"csrf\" value=\"a&amp;b\">",
        ] {
            assert_eq!(field(html, "csrf").as_deref(), Some("a&b"), "{html}");
        }
        assert_eq!(field("<input name=\"csrf_other\" value=\"x\">", "csrf"), None);
    }
}
