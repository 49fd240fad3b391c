//! What an object is to a request, by what the place is called that names it: `from` and `into` are two, `page` and `pageId`
//! in a request for pages are one.

use crate::template::spots::Spot;

/// What tells one object of a kind from another one in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// What it is called says no more than of what kind it is.
    Plain,
    /// A further one in the path.
    FurtherInPath,
    /// These words.
    Called(Vec<String>),
}

/// The role of the place that is the n-th to name a kind of this name.
pub(super) fn role_of(spot: &Spot, kind: &str, nth: usize) -> Role {
    match spot {
        Spot::Path(_) if nth == 0 => Role::Plain,
        // A key that is made of several kinds repeats what is before it: `/projects/{project}/issues/{project}-{issue}`.
        Spot::Path(segment) if is_of_several_kinds(segment, kind) => Role::Plain,
        Spot::Path(_) => Role::FurtherInPath,
        Spot::Query(name) | Spot::Header(name) | Spot::Form(name) | Spot::Part(name) => called([name.as_str()], kind),
        Spot::Json(pointer) => called(pointer.rsplit('/'), kind),
        Spot::Text => Role::Plain,
    }
}

/// Whether a segment of a path names this kind once, and others: `{commit}...{commit}` names two of one.
fn is_of_several_kinds(segment: &str, kind: &str) -> bool {
    segment.matches('{').count() > 1 && segment.matches(&format!("{{{kind}}}")).count() == 1
}

/// By the innermost name that says anything.
fn called<'n>(names: impl IntoIterator<Item = &'n str>, kind: &str) -> Role {
    let kind = words(kind);
    let telling = |name: &str| -> Vec<String> {
        let is_of_kind =
            |word: &String| kind.iter().any(|known| word.strip_prefix(known.as_str()).is_some_and(is_ending));
        words(name).into_iter().filter(|word| !is_of_kind(word) && !SAY_NOTHING.contains(&word.as_str())).collect()
    };
    names.into_iter().map(telling).find(|words| !words.is_empty()).map_or(Role::Plain, Role::Called)
}

/// Whether it is what makes a word a plural.
fn is_ending(rest: &str) -> bool {
    matches!(rest, "" | "s" | "es")
}

/// Words of envelopes and of ids.
const SAY_NOTHING: [&str; 35] = [
    "args",
    "arguments",
    "attributes",
    "body",
    "data",
    "entity",
    "eq",
    "equals",
    "fields",
    "filter",
    "id",
    "ids",
    "in",
    "input",
    "item",
    "key",
    "name",
    "node",
    "number",
    "object",
    "params",
    "payload",
    "properties",
    "query",
    "record",
    "ref",
    "relationships",
    "request",
    "resource",
    "slug",
    "uuid",
    "value",
    "variables",
    "where",
    "x",
];

/// The words of a name, in small letters: `pageId` and `page_id` have two.
fn words(name: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut before = None;
    for letter in name.chars() {
        let begins = before
            .is_none_or(|before: char| !before.is_alphanumeric() || (letter.is_uppercase() && !before.is_uppercase()));
        before = Some(letter);
        if !letter.is_alphanumeric() {
            continue;
        }
        match all.last_mut().filter(|_| !begins) {
            Some(word) => word.extend(letter.to_lowercase()),
            None => all.push(letter.to_lowercase().collect()),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(spot: Spot) -> String {
        match role_of(&spot, "page", 1) {
            Role::Plain => String::new(),
            Role::FurtherInPath => "path".to_owned(),
            Role::Called(words) => words.join(" "),
        }
    }

    #[test]
    fn a_place_is_called_by_the_innermost_name_that_says_more_than_the_kind() {
        let json = |pointer: &str| role(Spot::Json(pointer.to_owned()));
        for same in ["/id", "/page", "/pageId", "/page_ids", "/variables/input/id", "/data/relationships/pages/data/id"]
        {
            assert_eq!(json(same), "", "{same}");
        }
        assert_eq!(json("/from"), "from");
        assert_eq!(json("/sourcePageId"), "source");
        assert_eq!(json("/data/relationships/parent/data/id"), "parent");
        assert_eq!(json("/variables/input/intoPage"), "into");
        assert_eq!(role(Spot::Query("with".to_owned())), "with");
        assert_eq!(role(Spot::Header("X-Page-Id".to_owned())), "");
        assert_eq!(role(Spot::Path("{page}".to_owned())), "path");
        assert_eq!(role(Spot::Text), "");
    }
}
