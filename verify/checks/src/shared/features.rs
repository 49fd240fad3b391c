//! Telling two kinds of answers apart: by what is the same in each one of a kind and differs between the kinds.

use std::collections::BTreeMap;

use watertight_engine::call::encode;
use watertight_engine::log::Exchange;

use super::leaves;
use super::opaque::Opaque;

/// Headers that say nothing about what was asked, or follow from the body.
const VOLATILE: &[&str] = &[
    "age",
    "connection",
    "content-length",
    "content-md5",
    "date",
    "digest",
    "etag",
    "expires",
    "keep-alive",
    "last-modified",
    "repr-digest",
    "server-timing",
    "set-cookie",
    "transfer-encoding",
    "vary",
    "x-cache",
    "x-response-time",
    "x-runtime",
];

/// Bytes of a text that changes by itself and tells nothing: a time, the id of a request.
const LONGEST_NOISE: usize = 64;

/// What can be seen of an answer: status, headers, members of the body. What was sent is replaced by a fixed word where answers
/// are compared, since an answer may echo it: in all of them what was sent for any of them, since a small number may be there
/// by chance. A short id may be a part of another text as well, so this is done in two ways, and what tells answers apart must do
/// so in both; and what is the same as it is tells nothing.
#[derive(Clone, Debug)]
pub(crate) struct Features {
    plain: BTreeMap<String, String>,
    /// The ids in the request.
    sent: Vec<String>,
}

/// Where what was sent is replaced.
#[derive(Clone, Copy)]
enum Mask {
    /// Where it is a whole word: in `/items/2`, and in `item-2` and `127.0.0.2` as well.
    Words,
    /// Where nothing is joined to it either: in `/items/2` alone.
    Tokens,
}

impl Features {
    /// `sent` are the ids in the request.
    pub(crate) fn of(exchange: &Exchange, sent: &[String]) -> Self {
        let held = sent.iter().filter_map(|id| Opaque::of(id));
        let held = held.flat_map(|opaque| [opaque.number().map(str::to_owned), Some(opaque.text)]).flatten();
        Self { plain: seen_of(exchange), sent: sent.iter().cloned().chain(held).collect() }
    }

    /// Whether another answer has the same members, whatever is in them.
    pub(crate) fn has_same_members(&self, other: &Self) -> bool {
        self.plain.keys().eq(other.plain.keys())
    }

    /// The status.
    pub(crate) fn status(&self) -> Option<&str> {
        self.plain.get("status").map(String::as_str)
    }

    /// Of the status alone.
    pub(crate) fn of_status(exchange: &Exchange) -> Self {
        let status = exchange.status().map(|status| ("status".to_owned(), status.to_string()));
        Self { plain: status.into_iter().collect(), sent: Vec::new() }
    }
}

fn seen_of(exchange: &Exchange) -> BTreeMap<String, String> {
    let Some(received) = exchange.response() else { return BTreeMap::new() };
    let path = exchange.request.target.split('?').next().unwrap_or_default();
    let plain = |text: &str| text.replace(path, "{path}");
    let headers = received.headers.iter().filter(|(name, _)| !is_volatile(name));
    let mut all: BTreeMap<String, String> =
        headers.map(|(name, value)| (format!("header {name}"), plain(value))).collect();
    all.insert("status".into(), received.status.to_string());
    match exchange.json() {
        Some(json) => {
            let told = leaves(json).into_iter().filter(|(at, value)| !is_how_long(at, value));
            all.extend(told.map(|(at, value)| (format!("body {}", plain(&at)), plain(&value))));
        }
        None => drop(all.insert("body".into(), plain(received.body.text()))),
    }
    all
}

/// Names, in lower case and without punctuation, of what tells how long an answer took. `duration` and the like are none: they
/// may be data, as of a call.
const HOW_LONG: [&str; 6] = ["took", "tookms", "responsetime", "responsetimems", "querytime", "executiontime"];

/// Whether a number tells how long an answer took.
fn is_how_long(at: &str, value: &str) -> bool {
    let name = at.rsplit('.').next().unwrap_or_default();
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    value.parse::<f64>().is_ok() && HOW_LONG.contains(&name.as_str())
}

impl Mask {
    fn replace(self, text: &str, value: &str) -> String {
        let mut replaced = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = String::new();
        while let Some((head, tail)) = rest.split_once(value) {
            before.push_str(head);
            replaced.push_str(head);
            let is_masked = self.covers(before.chars().rev(), tail.chars());
            replaced.push_str(if is_masked { "{sent}" } else { value });
            before.push_str(value);
            rest = tail;
        }
        replaced.push_str(rest);
        replaced
    }

    /// Whether a value is masked between these characters: those before it, the nearest first, and those after it.
    fn covers(self, mut before: impl Iterator<Item = char>, mut after: impl Iterator<Item = char>) -> bool {
        let is_free = |side: &mut dyn Iterator<Item = char>| match side.next() {
            Some(nearest) if nearest.is_alphanumeric() => false,
            Some('.' | '-' | '_' | ':' | '~' | '+' | '@') => match self {
                Self::Words => true,
                Self::Tokens => !side.next().is_some_and(char::is_alphanumeric),
            },
            _ => true,
        };
        is_free(&mut before) && is_free(&mut after)
    }
}

fn is_volatile(name: &str) -> bool {
    VOLATILE.contains(&name)
        || name.contains("request-id")
        || name.contains("trace")
        || name.contains("ratelimit")
        || name.contains("rate-limit")
        || name.contains("correlation")
}

/// A feature that is the same in all of the one kind, the same in all of the other, and differs between them.
pub(crate) fn told_apart(one: &[Features], other: &[Features]) -> Option<String> {
    let words = Kinds::of(one, other, Mask::Words);
    let tokens = Kinds::of(one, other, Mask::Tokens);
    let name = words.names().find(|name| words.difference(name).is_some() && tokens.difference(name).is_some())?;
    let (one, other) = words.difference(name)?;
    Some(format!("{name}: {} against {}", around_difference(one, other), around_difference(other, one)))
}

/// Characters of a value that are told, and of those before what differs.
const MOST_TOLD: usize = 80;
const BEFORE: usize = 30;

/// A value, from shortly before where it differs from another.
fn around_difference(value: Option<&str>, other: Option<&str>) -> String {
    let (Some(value), other) = (value, other.unwrap_or_default()) else { return "nothing".to_owned() };
    let same = value.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let from = if value.chars().count() <= MOST_TOLD { 0 } else { same.saturating_sub(BEFORE) };
    let told: String = value.chars().skip(from).take(MOST_TOLD).collect();
    if from == 0 { told } else { format!("…{told}") }
}

/// Whether answers of two kinds tell the same: what is there, and what is the same in all of the one kind and in all of the
/// other. What changes by itself does so in both.
pub(crate) fn are_alike(one: &[Features], other: &[Features]) -> bool {
    alike(one, other, Counts::Tell)
}

/// The same of refusals, where a count that has gone on in one kind alone (a revision of the whole tenant) tells nothing if both
/// have been at one. It is no sign that two are told the same.
pub(crate) fn refuse_alike(one: &[Features], other: &[Features]) -> bool {
    alike(one, other, Counts::GoOn)
}

/// What a count tells that has gone on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    Tell,
    GoOn,
}

fn alike(one: &[Features], other: &[Features], counts: Counts) -> bool {
    [Mask::Words, Mask::Tokens].into_iter().any(|mask| Kinds::of(one, other, mask).are_alike(counts))
}

/// Answers of two kinds, masked in one way.
struct Kinds {
    one: Vec<BTreeMap<String, String>>,
    other: Vec<BTreeMap<String, String>>,
    /// All of them as they are.
    plain: Vec<BTreeMap<String, String>>,
}

impl Kinds {
    fn of(one: &[Features], other: &[Features], mask: Mask) -> Self {
        let all = || one.iter().chain(other);
        // The longest first: one may be a part of another.
        let mut sent: Vec<&str> =
            all().flat_map(|features| &features.sent).map(String::as_str).filter(|value| !value.is_empty()).collect();
        sent.sort_unstable_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        sent.dedup();
        let plain = |text: &str| {
            let replaced = |text: String, value: &&str| mask.replace(&mask.replace(&text, value), &encode(value));
            sent.iter().fold(text.to_owned(), replaced)
        };
        let masked = |features: &Features| -> BTreeMap<String, String> {
            features.plain.iter().map(|(name, value)| (plain(name), plain(value))).collect()
        };
        Self {
            one: one.iter().map(masked).collect(),
            other: other.iter().map(masked).collect(),
            plain: all().map(|features| features.plain.clone()).collect(),
        }
    }

    /// The status first: it is what people look at.
    fn names(&self) -> impl Iterator<Item = &str> {
        let all = self.one.iter().chain(&self.other).flat_map(|features| features.keys());
        std::iter::once("status").chain(all.map(String::as_str))
    }

    fn are_alike(&self, counts: Counts) -> bool {
        let mut all = self.one.iter().chain(&self.other);
        let Some(first) = all.next() else { return false };
        all.all(|features| features.keys().eq(first.keys())) && first.keys().all(|name| self.is_alike(name, counts))
    }

    /// The same throughout with nothing masked.
    fn is_same_as_it_is(&self, name: &str) -> bool {
        constant(&self.plain, name).is_some_and(|value| value.is_some())
    }

    /// The same throughout, or a short text that changes by itself in both kinds: in a long one that does, anything may be.
    fn is_alike(&self, name: &str, counts: Counts) -> bool {
        let may_go_on = counts == Counts::GoOn && name != "status";
        if self.is_same_as_it_is(name) {
            return true;
        }
        match (constant(&self.one, name), constant(&self.other, name)) {
            (Some(one), Some(other)) => one == other,
            (None, Some(Some(still))) if may_go_on => are_counts_about(still, &self.one, name),
            (Some(Some(still)), None) if may_go_on => are_counts_about(still, &self.other, name),
            (None, None) => {
                let mut values = self.one.iter().chain(&self.other).filter_map(|features| features.get(name));
                values.all(|value| value.len() <= LONGEST_NOISE)
            }
            _ => false,
        }
    }

    /// What a feature is throughout the one kind, and throughout the other, if that differs. One that changes by itself is
    /// something where the other kind has none.
    fn difference(&self, name: &str) -> Option<(Option<&str>, Option<&str>)> {
        const CHANGING: Option<&str> = Some("something that changes");
        let is_there = |kind: &[BTreeMap<String, String>]| kind.iter().all(|features| features.contains_key(name));
        if self.is_same_as_it_is(name) {
            return None;
        }
        match (constant(&self.one, name), constant(&self.other, name)) {
            (Some(one), Some(other)) => (one != other).then_some((one, other)),
            (None, Some(None)) if is_there(&self.one) => Some((CHANGING, None)),
            (Some(None), None) if is_there(&self.other) => Some((None, CHANGING)),
            _ => None,
        }
    }
}

/// Whether a feature is a count or a time throughout, and once this one. One digit may be how many it was done to.
fn are_counts_about(still: &str, kind: &[BTreeMap<String, String>], name: &str) -> bool {
    let form = |text: &str| -> String { text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect() };
    let is_count = |text: &str| text.len() <= LONGEST_NOISE && form(text).contains("00");
    let shape = |text: &str| form(text).split('0').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("0");
    let values: Vec<&str> = kind.iter().filter_map(|features| features.get(name).map(String::as_str)).collect();
    let is_such = |value: &&str| is_count(value) && shape(value) == shape(still);
    values.len() == kind.len() && values.contains(&still) && values.iter().all(is_such)
}

/// The value of a feature (or that it is absent), if it is the same throughout.
fn constant<'f>(kind: &'f [BTreeMap<String, String>], name: &str) -> Option<Option<&'f str>> {
    let mut values = kind.iter().map(|features| features.get(name).map(String::as_str));
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(values: &[&[(&str, &str)]]) -> Vec<Features> {
        let of = |f: &[(&str, &str)]| {
            let all: BTreeMap<String, String> = f.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            Features { plain: all, sent: Vec::new() }
        };
        values.iter().map(|f| of(f)).collect()
    }

    #[test]
    fn answers_are_alike_in_all_that_does_not_change_by_itself() {
        fn of<'t>(at: &'t str, text: &'t str) -> Vec<(&'static str, &'t str)> {
            vec![("status", "200"), ("at", at), ("body", text)]
        }
        let two = |one: Vec<(&str, &str)>, other: Vec<(&str, &str)>| kind(&[&one, &other]);
        let (here, nowhere) = (two(of("1", "none"), of("2", "none")), two(of("3", "none"), of("4", "none")));
        assert!(are_alike(&here, &nowhere));
        assert!(!are_alike(&two(of("1", "some"), of("2", "some")), &nowhere));
        assert!(!are_alike(&two(of("1", "none"), of("1", "none")), &nowhere), "it changes in one kind alone");
        // A count of the whole tenant has gone on before the others were asked for, or a time.
        let (gone_on, still) = (two(of("107", "no"), of("125", "no")), two(of("125", "no"), of("125", "no")));
        assert!(refuse_alike(&gone_on, &still));
        assert!(!are_alike(&gone_on, &still), "a total of one tenant, and that of another");
        assert!(refuse_alike(&two(of("09:59", "no"), of("10:00", "no")), &two(of("10:00", "no"), of("10:00", "no"))));
        assert!(!refuse_alike(&two(of("1", "no"), of("0", "no")), &two(of("0", "no"), of("0", "no"))), "one was done");
        assert!(!refuse_alike(&two(of("107", "no"), of("107", "no")), &two(of("107", "no"), of("99", "some"))));
        assert!(!refuse_alike(&two(of("yes", "no"), of("no", "no")), &two(of("no", "no"), of("no", "no"))));
        // A whole document that changes: nothing in it was compared.
        let (page, other) = ("data of the victim, at 1 ".repeat(9), "data of the victim, at 2 ".repeat(9));
        let (none, no) = ("not found, at 3 ".repeat(9), "not found, at 4 ".repeat(9));
        assert!(!are_alike(&two(of("1", &page), of("2", &other)), &two(of("3", &none), of("4", &no))));
    }

    #[test]
    fn what_was_sent_is_replaced_as_a_whole_alone() {
        let both = |text, value| (Mask::Words.replace(text, value), Mask::Tokens.replace(text, value));
        let same = |text: &str| (text.to_owned(), text.to_owned());
        assert_eq!(both("127.0.0.1", "2"), same("127.0.0.1"));
        assert_eq!(both("no /items/2, and no 2.", "2"), same("no /items/{sent}, and no {sent}."));
        assert_eq!(both("22 2 222", "2"), same("22 {sent} 222"));
        assert_eq!(both("127.0.0.2", "2"), ("127.0.0.{sent}".to_owned(), "127.0.0.2".to_owned()));
        assert_eq!(both("item-2-a", "2"), ("item-{sent}-a".to_owned(), "item-2-a".to_owned()));
        assert_eq!(both("naïve é", "é"), same("naïve {sent}"));
    }

    fn answers(text: &str, sent: &str) -> Vec<Features> {
        let plain = BTreeMap::from([("body".to_owned(), text.to_owned())]);
        vec![Features { plain, sent: vec![sent.to_owned()] }]
    }

    /// What differs because a part of it is taken for an id differs in one way of masking alone.
    #[test]
    fn an_id_within_another_text_tells_nothing_apart() {
        assert_eq!(told_apart(&answers("127.0.0.2", "2"), &answers("127.0.0.2", "7")), None);
        // An echo that is joined to a word.
        assert_eq!(told_apart(&answers("item-2", "2"), &answers("item-7", "7")), None);
        assert!(told_apart(&answers("10.0.0.1", "2"), &answers("127.0.0.2", "7")).is_some());
    }

    /// The revision of a tenant was 117 when its document 117 was asked for; and user 3 asked for record 3.
    #[test]
    fn a_number_that_is_the_id_by_chance_tells_nothing_apart() {
        assert_eq!(told_apart(&answers("117", "117"), &answers("117", "4711")), None);
        assert!(are_alike(&answers("117", "117"), &answers("117", "4711")));
        assert!(told_apart(&answers("117", "117"), &answers("118", "4711")).is_some());
        let refused = |id: &str| answers(&format!("no record ({id},), user 3"), id);
        assert_eq!(told_apart(&refused("3"), &refused("1562246")), None);
        assert!(are_alike(&refused("3"), &refused("1562246")));
    }

    #[test]
    fn how_long_an_answer_took_tells_nothing() {
        assert!(is_how_long("$.extensions.tookMs", "0.23") && is_how_long("$.took", "7"));
        assert!(!is_how_long("$.took", "a loan") && !is_how_long("$.total", "7") && !is_how_long("$.duration", "7"));
    }

    #[test]
    fn a_difference_is_told_where_it_is() {
        let long = |end: &str| answers(&format!("{}{end}", "the same words ".repeat(9)), "x");
        let told = told_apart(&long("here"), &long("nowhere")).unwrap();
        assert!(told.contains("same words here against …") && told.ends_with("nowhere"), "{told}");
    }

    #[test]
    fn only_what_is_constant_within_and_differs_between_tells_apart() {
        let foreign = kind(&[&[("status", "403"), ("id", "1")], &[("status", "403"), ("id", "2")]]);
        let nowhere = kind(&[&[("status", "404"), ("id", "3")], &[("status", "404"), ("id", "3")]]);
        assert_eq!(told_apart(&foreign, &nowhere).as_deref(), Some("status: 403 against 404"));
        assert_eq!(told_apart(&foreign, &foreign), None);
        let noisy = kind(&[&[("status", "404"), ("id", "5")], &[("status", "403"), ("id", "6")]]);
        assert_eq!(told_apart(&foreign, &noisy), None);
        // What changes by itself, and is in the answers of one kind alone.
        let changing = kind(&[&[("status", "404"), ("at", "1")], &[("status", "404"), ("at", "2")]]);
        let still = kind(&[&[("status", "404")], &[("status", "404")]]);
        assert_eq!(told_apart(&changing, &still).as_deref(), Some("at: something that changes against nothing"));
        let extra =
            kind(&[&[("status", "403"), ("hint", "x"), ("id", "7")], &[("status", "403"), ("hint", "x"), ("id", "8")]]);
        assert_eq!(told_apart(&foreign, &extra).as_deref(), Some("hint: nothing against x"));
    }
}
