//! HTML, as far as a list of objects needs it: elements within each other, and where their links lead. Nothing is repaired
//! as a browser does it: an element that is never closed ends with the one around it.

/// Elements of a page that are looked at.
const MOST_ELEMENTS: usize = 50_000;
/// Tags of it, those that end an element among them.
const MOST_TAGS: usize = 2 * MOST_ELEMENTS;
/// Bytes of a tag. A longer one is passed over.
const LONGEST_TAG: usize = 16 * 1024;
/// Elements within each other. What is deeper is no element of its own.
const DEEPEST: usize = 256;
/// Elements that have no content (HTML, 13.1.2).
const VOID: [&str; 14] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];

/// An element of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Bytes from its first tag to its last.
    pub begin: usize,
    /// Behind its last byte.
    pub end: usize,
    /// Where it leads: a link, or a form that is sent.
    pub link: Option<String>,
}

/// The elements of a page, in the order in which they begin.
pub fn elements(html: &str) -> Vec<Element> {
    let mut all: Vec<Element> = Vec::new();
    let mut open: Vec<(String, usize)> = Vec::new();
    let mut behind = 0;
    for (begin, _) in html.match_indices('<').take(MOST_TAGS) {
        // Within a tag none begins.
        if begin < behind {
            continue;
        }
        let Some(tag) = tag_at(html, begin) else { continue };
        let end = begin.saturating_add(tag.len()).saturating_add(2);
        let (is_end, named) = tag.strip_prefix('/').map_or((false, tag), |named| (true, named));
        let name: String = named.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
        if name.is_empty() {
            continue;
        }
        behind = end;
        if is_end {
            let Some(at) = open.iter().rposition(|(known, _)| *known == name) else { continue };
            for (_, index) in open.drain(at..) {
                all.get_mut(index).into_iter().for_each(|element| element.end = end);
            }
            continue;
        }
        if all.len() >= MOST_ELEMENTS {
            break;
        }
        if open.len() >= DEEPEST {
            continue;
        }
        let link = attribute(tag, "href").or_else(|| attribute(tag, "action"));
        if !VOID.contains(&name.as_str()) && !tag.ends_with('/') {
            open.push((name, all.len()));
        }
        all.push(Element { begin, end, link });
    }
    for (_, index) in open {
        all.get_mut(index).into_iter().for_each(|element| element.end = html.len());
    }
    all
}

/// What stands between these angle brackets.
fn tag_at(html: &str, begin: usize) -> Option<&str> {
    let from = begin.saturating_add(1);
    let longest = html.as_bytes().get(from..)?.iter().take(LONGEST_TAG).position(|byte| *byte == b'>')?;
    html.get(from..from.saturating_add(longest))
}

/// The texts of a page in order, each with the tag before it: its name, and its class where it has one.
pub fn texts(html: &str) -> impl Iterator<Item = (String, &str)> {
    html.split('<').skip(1).take(MOST_ELEMENTS).filter_map(|part| {
        let (tag, text) = part.split_once('>')?;
        let name: String = tag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect();
        let class = attribute(tag, "class").map(|class| format!(".{class}")).unwrap_or_default();
        Some((format!("{name}{class}"), text.trim())).filter(|(_, text)| !text.is_empty())
    })
}

/// An attribute of a tag, in quotes or without.
pub(crate) fn attribute(tag: &str, name: &str) -> Option<String> {
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
    fn elements_are_within_each_other_whether_they_are_closed_or_not() {
        let html = "<ul><li><a href=\"/c/7/\">one</a><li><form action='/c/8/delete'><input></form></ul><p>x";
        let all: Vec<(&str, Option<String>)> =
            elements(html).into_iter().map(|e| (&html[e.begin..e.end], e.link)).collect();
        let shown: Vec<&str> = all.iter().map(|(text, _)| *text).collect();
        assert_eq!(shown[0], &html[..html.len() - 4]);
        assert_eq!(shown[2], "<a href=\"/c/7/\">one</a>");
        assert_eq!(shown[4], "<form action='/c/8/delete'><input></form>");
        assert_eq!(shown[5..], ["<input>", "<p>x"]);
        let links: Vec<String> = all.into_iter().filter_map(|(_, link)| link).collect();
        assert_eq!(links, ["/c/7/", "/c/8/delete"]);
        let told: Vec<(String, &str)> = texts("<p class=\"a b\"> one</p> two <b></b>").collect();
        assert_eq!(told, [("p.a b".to_owned(), "one"), ("/p".to_owned(), "two")]);
        // Whoever writes a page may write it so that it takes long to look at.
        let deep = "<b>".repeat(200_000) + &"</i>".repeat(200_000);
        assert_eq!(elements(&deep).len(), DEEPEST);
        let long = "<a ".repeat(200_000) + ">";
        assert!(elements(&long).is_empty());
        for broken in ["", "<", "a < b", "</p>", "<p", "<!doctype html>", "<é>"] {
            assert!(elements(broken).is_empty(), "{broken}");
        }
    }
}
