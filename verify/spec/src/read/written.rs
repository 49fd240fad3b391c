//! Texts of log-ins and acts, in which names stand for what is known only when they are sent.

use url::Url;

use super::principal::Home;
use crate::diagnostic::printable;
use crate::reader::{At, Reader};
use crate::spec::credential::{CODE, UNIQUE, Written, WrittenPart};

/// What a name between braces may stand for.
#[derive(Clone)]
pub(super) struct Names<'h> {
    home: &'h Home<'h>,
    /// What earlier requests have taken, and what each log-in has anew.
    known: Vec<String>,
}

impl<'h> Names<'h> {
    /// Those that every log-in knows.
    pub(super) fn of(home: &'h Home<'h>) -> Self {
        Self { home, known: vec![UNIQUE.to_owned()] }
    }

    /// None but these.
    pub(super) fn only(home: &'h Home<'h>, known: &[&str]) -> Self {
        Self { home, known: known.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// And these.
    pub(super) fn add(&mut self, names: impl IntoIterator<Item = String>) {
        self.known.extend(names);
    }

    /// A one-time code is good for one request.
    pub(super) fn without_code(mut self) -> Self {
        self.known.retain(|name| name != CODE);
        self
    }

    fn has(&self, name: &str) -> bool {
        self.known.iter().any(|known| known == name)
    }
}

/// A text with `{name}` for what is known when it is sent. A brace itself is written twice.
pub(super) fn written(reader: &mut Reader<'_, '_>, text: &At<&str>, names: &Names<'_>) -> Option<Written> {
    let mut parts = Parts::default();
    let mut rest = text.value;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        parts.text(before);
        if let Some(after) = from.strip_prefix("{{") {
            parts.text("{");
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}") {
            parts.text("}");
            rest = after;
        } else if let Some((name, after)) = from.strip_prefix('{').and_then(|from| from.split_once('}')) {
            match names.home.symbol(name) {
                Some(of_tenant) => parts.text(of_tenant),
                None if names.has(name) => parts.0.push(WrittenPart::Taken(name.to_owned())),
                None => {
                    note_unknown(reader, text, name, names);
                    return None;
                }
            }
            rest = after;
        } else {
            let (brace, after) = from.split_at(1);
            parts.text(brace);
            rest = after;
        }
    }
    parts.text(rest);
    Some(Written(parts.0))
}

/// `METHOD /path`, or a whole URL: method, origin, and what is asked for there.
pub(super) fn request_at<'t>(
    reader: &mut Reader<'t, '_>,
    text: At<&'t str>,
    methods: &[&str],
    names: &Names<'_>,
) -> Option<(String, Url, Written)> {
    let Some((method, place)) = text.value.split_once(' ').filter(|(method, _)| methods.contains(method)) else {
        let help = "method, space, URL or path: \"POST /login\"";
        reader.report.note(text.span, format!("this is a {} request", methods.join(" or ")), help);
        return None;
    };
    let whole = match place.strip_prefix('/') {
        Some(path) => format!("{}/{path}", names.home.url?.as_str().trim_end_matches('/')),
        None => place.to_owned(),
    };
    let written = written(reader, &At { value: whole.as_str(), span: text.span.clone() }, names)?;
    // What is sent in place of a name is known later: until then a word that no URL changes stands for it.
    let stand_in = |number: usize| format!("wt-{number}-taken");
    let mut taken = Vec::new();
    let mut plain = String::new();
    for part in written.parts() {
        match part {
            WrittenPart::Text(text) => plain.push_str(text),
            WrittenPart::Taken(name) => {
                plain.push_str(&stand_in(taken.len()));
                taken.push(name.clone());
            }
        }
    }
    let url = reader.url_of(&At { value: plain, span: text.span.clone() })?;
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let mut parts = Parts::default();
    let mut rest = target.as_str();
    for (number, name) in taken.into_iter().enumerate() {
        let Some((before, after)) = rest.split_once(&stand_in(number)) else {
            let help = "a name may stand in the path and the query of a request, not in its host";
            reader.report.note(text.span, format!("`{{{}}}` can't stand there", printable(&name)), help);
            return None;
        };
        parts.text(before);
        parts.0.push(WrittenPart::Taken(name));
        rest = after;
    }
    parts.text(rest);
    Some((method.to_owned(), url, Written(parts.0)))
}

/// What a text is made of so far.
#[derive(Default)]
struct Parts(Vec<WrittenPart>);

impl Parts {
    fn text(&mut self, more: &str) {
        match self.0.last_mut() {
            _ if more.is_empty() => {}
            Some(WrittenPart::Text(text)) => text.push_str(more),
            _ => self.0.push(WrittenPart::Text(more.to_owned())),
        }
    }
}

fn note_unknown(reader: &mut Reader<'_, '_>, text: &At<&str>, name: &str, names: &Names<'_>) {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let taken: Vec<String> =
        names.known.iter().filter(|name| *name != UNIQUE).map(|name| format!("{{{name}}}")).collect();
    let help = match (is_name, taken.is_empty()) {
        (true, _) if name == CODE => {
            "a log-in sends it, no later request does; its seed is the principal's: totp = \"$NORTH_TOTP\"".to_owned()
        }
        (false, _) => "a brace itself is written twice, `{{`; a GraphQL document goes under `graphql`".to_owned(),
        (true, true) => "an earlier step must take it: take = { csrf = \"field:csrf\" }".to_owned(),
        (true, false) => format!("earlier steps have taken {}", taken.join(", ")),
    };
    let message = match name == CODE {
        true => "`{totp}` stands for no one-time code here".to_owned(),
        false => format!("no earlier step has taken `{{{}}}`", printable(name)),
    };
    reader.report.note(text.span.clone(), message, help);
}
