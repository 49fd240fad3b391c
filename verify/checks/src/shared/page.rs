//! A list that is a page for people: which object a text on it belongs to, by the links around it.

use std::collections::{BTreeMap, BTreeSet};

use watertight_engine::log::{Element, Exchange, elements, texts};
use watertight_engine::object_at;
use watertight_spec::{ObjectId, ResourceIx, Spec};

/// Whether an answer is a page for people.
pub(crate) fn is_page(exchange: &Exchange) -> bool {
    let text = text_of(exchange).trim_start();
    let begins = |with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    begins("<!doctype html") || begins("<html")
}

fn text_of(exchange: &Exchange) -> &str {
    exchange.response().map(|received| received.body.text()).unwrap_or_default()
}

/// Places of a page that are looked at. Of more it is not known what they belong to.
const MOST_PLACES: usize = 1_000;

/// The id of the object to which what stands at each of these bytes of a page belongs: the smallest element around it that
/// leads to objects of the kind leads to this one alone. None where it leads to several, or nothing around it leads to any.
pub(crate) fn ids_at(
    spec: &Spec,
    resource: ResourceIx,
    page: &Exchange,
    places: impl IntoIterator<Item = usize>,
) -> Vec<Option<ObjectId>> {
    let all = elements(text_of(page));
    let leads = |element: &Element| {
        let id = object_at(spec, resource, page, element.link.as_deref()?)?;
        Some((element.begin, id))
    };
    let links: Vec<(usize, ObjectId)> = all.iter().filter_map(leads).collect();
    let id_at = |place: usize| {
        let mut around: Vec<&Element> = all.iter().filter(|one| (one.begin..one.end).contains(&place)).collect();
        around.sort_by_key(|one| one.end.saturating_sub(one.begin));
        let within = |one: &Element| -> BTreeSet<&ObjectId> {
            links.iter().filter(|(at, _)| (one.begin..one.end).contains(at)).map(|(_, id)| id).collect()
        };
        let mut ids = around.into_iter().map(within).find(|ids| !ids.is_empty())?.into_iter();
        ids.next().filter(|_| ids.next().is_none()).cloned()
    };
    let bounded = |(number, place)| if number < MOST_PLACES { id_at(place) } else { None };
    places.into_iter().enumerate().map(bounded).collect()
}

/// The id of the object beside one of these words.
pub(crate) fn id_beside(spec: &Spec, resource: ResourceIx, page: &Exchange, words: &[&str]) -> Option<ObjectId> {
    let places = words.iter().flat_map(|word| text_of(page).match_indices(word)).map(|(at, _)| at);
    ids_at(spec, resource, page, places).into_iter().flatten().next()
}

/// The texts of a page, each by the tag before it and which of several it is: what is added elsewhere moves none of them.
pub(crate) fn texts_on(page: &Exchange) -> BTreeMap<String, String> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = BTreeMap::new();
    for (tag, text) in texts(text_of(page)) {
        let count = known.entry(tag.clone()).or_default();
        *count = count.saturating_add(1);
        all.insert(format!("the text {count} at {tag}"), text.to_owned());
    }
    all
}

/// Numbers of a page that are kept.
const MOST_NUMBERS: usize = 20_000;

/// The numbers in the texts of a page, each by the words around it and which of several it is: what stands in tags is none.
pub(crate) fn numbers_on(page: &Exchange) -> BTreeMap<String, f64> {
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let mut all = BTreeMap::new();
    let mut before = "";
    for (_, text) in texts(text_of(page)) {
        let mut words =
            text.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())).peekable();
        while let Some(word) = words.next() {
            if let Ok(number) = word.parse::<u32>()
                && all.len() < MOST_NUMBERS
            {
                let after = words.peek().copied().filter(|word| is_label(word)).unwrap_or_default();
                let place = format!("the number at {:?}", [before, after].join(" ").trim());
                let count = known.entry(place.clone()).or_default();
                *count = count.saturating_add(1);
                all.insert(if *count == 1 { place } else { format!("{place}, {count}") }, number.into());
            }
            before = if is_label(word) { word } else { "" };
        }
    }
    all
}

/// Whether a word may say what a number counts: what was searched for, or is someone's, is none.
fn is_label(word: &str) -> bool {
    !word.is_empty() && word.len() <= LONGEST_LABEL && word.chars().all(char::is_alphabetic)
}

const LONGEST_LABEL: usize = 16;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;
    use watertight_engine::log::{Body, Outcome, Received};

    use super::*;

    const SPEC: &str = r#"
[target]
name = "t"
url = "http://127.0.0.1:1"
[tenancy]
locator = "token"
[[tenant]]
id = "north"
principal = [{ name = "p", grant = "basic", username = "n", password = "$N" }]
[[tenant]]
id = "south"
principal = [{ name = "p", grant = "basic", username = "s", password = "$S" }]
[[resource]]
name = "course"
path = "/courses/"
create = { title = "{canary}" }
"#;

    fn beside(html: &str) -> Option<String> {
        let env = BTreeMap::from([("N".to_owned(), "n".to_owned()), ("S".to_owned(), "s".to_owned())]);
        let today = time::macros::date!(2026 - 01 - 01);
        let spec = watertight_spec::parse(Path::new("t.toml"), SPEC, &env, today).unwrap();
        let page = page(html);
        let course = spec.resource_ixs().next().unwrap();
        id_beside(&spec, course, &page, &["mine"]).map(|id| id.to_string())
    }

    fn page(html: &str) -> Exchange {
        let mut page: Exchange = serde_json::from_value(json!({
            "at": 0, "took": 0, "sender": "anonymous", "by": "x", "intent": "own",
            "request": { "method": "GET", "origin": "http://127.0.0.1:1", "target": "/courses/", "headers": [] },
            "outcome": { "failed": { "kind": "timeout", "text": "" } },
        }))
        .unwrap();
        let body = Body::new(html);
        page.outcome = Outcome::Response(Received { status: 200, headers: Vec::new(), body, length: 0 });
        page
    }

    #[test]
    fn a_number_of_a_page_is_known_by_the_words_around_it() {
        let numbers = |html: &str| numbers_on(&page(html));
        let plain = numbers("<p>12 tickets</p><dl><dt>Open:</dt><dd>(7)</dd></dl><p id=5>searched for wtp1x: 3</p>");
        let expected =
            [("the number at \"Open\"", 7.0), ("the number at \"\"", 3.0), ("the number at \"tickets\"", 12.0)];
        assert_eq!(plain, expected.map(|(place, number)| (place.to_owned(), number)).into());
        let moved = numbers("<li>Ticket 4<li>Ticket 9<p>2 tickets</p>");
        assert_eq!(moved.get("the number at \"Ticket\", 2"), Some(&9.0));
        assert_eq!(moved.get("the number at \"tickets\""), Some(&2.0));
    }

    #[test]
    fn a_text_belongs_to_the_object_to_which_the_smallest_element_around_it_leads() {
        for html in [
            "<ul><li><a href='/courses/6/'>other</a><li><a href='/courses/7/'>mine</a></ul>",
            "<table><tr><td>other<td><a href='/courses/6/'>open</a></td></tr>
             <tr><td>mine</td><td><a href='/courses/7/'>open</a> <a href='/courses/7/?tab=2'>more</a></td></tr></table>",
            "<nav><a href='/courses/'>all</a></nav><div>mine <form action='/courses/7/'></form></div>",
        ] {
            assert_eq!(beside(html).as_deref(), Some("7"), "{html}");
        }
        for html in [
            "<p>mine</p>",
            "<div><b>mine</b> <a href='/courses/6/'>6</a> <a href='/courses/7/'>7</a></div>",
            "<p>mine</p><a href='/other/7/'>7</a>",
        ] {
            assert_eq!(beside(html), None, "{html}");
        }
    }
}
