//! XML as checks look at it: the same tree as JSON would have, so that a JSONPath names a place in either.
//!
//! ```text
//! <orders total="2"><order id="7"><name>a</name></order></orders>
//! { "orders": { "@total": "2", "order": [ { "@id": "7", "name": "a" } ] } }
//! ```
//!
//! - An element with nothing but text is that text; its attributes are beside it: `"name@lang"`.
//! - Elements of one name are a list. One alone is a list where its parent is named after it (`orders`, `orderList`,
//!   `ArrayOfOrder`), or says that it is one (`type="array"`).
//! - Names are without their prefixes. Text beside elements is `"#text"`.
//!
//! Entities that a document defines are not expanded, and no document is read that is deeper than JSON may be.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

/// Elements within elements.
const DEEPEST: usize = 100;

/// A text as such a tree, if it is an XML document: by its media type, or by its first line. HTML is none.
pub(crate) fn document(text: &str, media_type: Option<&str>) -> Option<Value> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let is_named = media_type.is_some_and(|name| name.contains("xml") && !name.contains("html"));
    (text.starts_with("<?xml") || (is_named && text.starts_with('<'))).then_some(())?;
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) if open.len() <= DEEPEST => open.push(Element::of(&start)?),
            Event::Start(_) => return None,
            Event::Empty(start) => Element::of(&start)?.close_into(open.last_mut()?),
            Event::End(_) => {
                let element = open.pop()?;
                element.close_into(open.last_mut()?);
            }
            Event::Text(text) => open.last_mut()?.text.push_str(&text.decode().ok()?),
            Event::CData(text) => open.last_mut()?.text.push_str(&text.decode().ok()?),
            Event::GeneralRef(name) => {
                let known = name.resolve_char_ref().ok()?.map(String::from);
                let name = name.decode().ok()?;
                let known = known.or_else(|| resolve_xml_entity(&name).map(str::to_owned));
                open.last_mut()?.text.push_str(&known.unwrap_or_else(|| format!("&{name};")));
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    let whole = open.pop().filter(|_| open.is_empty())?;
    let is_document = whole.text.trim().is_empty() && whole.roots == 1 && !whole.children.contains_key("html");
    is_document.then(|| whole.into_value())
}

/// An element that is read.
#[derive(Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: BTreeMap<String, Vec<Value>>,
    /// Elements in it.
    roots: usize,
}

impl Element {
    fn of(start: &BytesStart<'_>) -> Option<Self> {
        let local = |name: &[u8]| String::from_utf8(name.to_vec()).ok();
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let is_of_namespaces = attribute.key.as_ref().starts_with(b"xmlns");
            let value = String::from_utf8(attribute.value.to_vec()).ok()?;
            let value = unescape(&value).map_or_else(|_| value.clone(), |plain| plain.into_owned());
            attributes.extend((!is_of_namespaces).then_some((local(attribute.key.local_name().as_ref())?, value)));
        }
        Some(Self { name: local(start.local_name().as_ref())?, attributes, ..Self::default() })
    }

    /// It ends, and is one of its parent's.
    fn close_into(self, parent: &mut Self) {
        parent.roots = parent.roots.saturating_add(1);
        let name = self.name.clone();
        let text = self.text.trim();
        let is_text = self.children.is_empty() && (!text.is_empty() || self.attributes.is_empty());
        let value = match is_text {
            true => {
                for (attribute, value) in &self.attributes {
                    parent.add(format!("{name}@{attribute}"), Value::from(value.as_str()));
                }
                Value::from(text)
            }
            false => self.into_value(),
        };
        parent.add(name, value);
    }

    fn add(&mut self, name: String, value: Value) {
        self.children.entry(name).or_default().push(value);
    }

    fn into_value(self) -> Value {
        let says_list = self.attributes.iter().any(|(name, value)| name == "type" && value == "array");
        let attributes = self.attributes.into_iter().map(|(name, value)| (format!("@{name}"), Value::from(value)));
        let mut members: Map<String, Value> = attributes.collect();
        if !self.text.trim().is_empty() {
            members.insert("#text".to_owned(), self.text.trim().into());
        }
        let parent = self.name.to_lowercase();
        for (name, mut values) in self.children {
            let is_list = values.len() > 1 || says_list || is_named_after(&parent, &name.to_lowercase());
            let value = if is_list { Value::Array(values) } else { values.pop().unwrap_or_default() };
            members.insert(name, value);
        }
        Value::Object(members)
    }
}

/// Whether a name is that of a list of what the other one names, in small letters: `orders`, `orderlist`, `arrayoforder`. What
/// an answer is called after, as `createorderresponse`, is none.
fn is_named_after(list: &str, one: &str) -> bool {
    if one.len() < 2 {
        return false;
    }
    let stem = one.strip_suffix('y').map(|stem| format!("{stem}ies"));
    let many = [format!("{one}s"), format!("{one}es")].into_iter().chain(stem);
    let is_said = list.split_once(one).is_some_and(|(before, after)| {
        let after = after.trim_start_matches(['-', '_', '.']);
        ["list", "array", "set", "collection", "page"].contains(&after)
            || ["arrayof", "listof"].iter().any(|word| before.ends_with(word))
    });
    is_said || many.into_iter().any(|many| list.contains(&many))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_the_tree_that_json_would_have() {
        let of = |text: &str| document(text, Some("application/xml; charset=utf-8"));
        let order = "<?xml version=\"1.0\"?><o:order xmlns:o=\"urn:o\" id=\"7\"><o:name lang='de'>a &amp; b&#33;</o:name>\
                     <note><![CDATA[<x>]]></note><empty/><to at=\"1\"/></o:order>";
        let tree = json!({ "order": { "@id": "7", "name": "a & b!", "name@lang": "de", "note": "<x>", "empty": "",
                                      "to": { "@at": "1" } } });
        assert_eq!(of(order), Some(tree.clone()));
        assert_eq!(document(order, None), Some(tree));
        assert_eq!(of("<p>one <b>two</b></p>"), Some(json!({ "p": { "#text": "one", "b": "two" } })));
        assert_eq!(of("<id>7</id>"), Some(json!({ "id": "7" })));
    }

    #[test]
    fn one_element_is_a_list_where_its_parent_is_one() {
        let of = |text: &str| document(text, Some("text/xml")).unwrap();
        assert_eq!(of("<all><case><id>1</id></case><case><id>2</id></case></all>")["all"]["case"][1]["id"], "2");
        for list in ["cases", "case-list", "caseList", "ArrayOfCase", "ListCasesResponse"] {
            let tree = of(&format!("<{list}><case><id>1</id></case></{list}>"));
            assert_eq!(tree[list]["case"], json!([{ "id": "1" }]), "{list}");
        }
        assert_eq!(of("<companies><company><id>1</id></company></companies>")["companies"]["company"][0]["id"], "1");
        assert_eq!(of("<all type='array'><case><id>1</id></case></all>")["all"]["case"][0]["id"], "1");
        // As SOAP answers: named after what it holds.
        for one in ["answer", "CreateCaseResponse", "SetCaseResponse", "GetCaseResult", "case-detail"] {
            assert_eq!(of(&format!("<{one}><case><id>1</id></case></{one}>"))[one]["case"]["id"], "1", "{one}");
        }
    }

    #[test]
    fn what_is_no_document_or_no_sane_one_is_none() {
        let of = |text: &str| document(text, Some("application/xml"));
        let deep = format!("{}x{}", "<a>".repeat(200), "</a>".repeat(200));
        for text in ["", "text", "<a>", "<a></b>", "<a/><b/>", "<a/>text", "<html><p/></html>", deep.as_str()] {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(document("<a/>", Some("text/html")), None);
        assert_eq!(document("<a/>", None), None);
        let bomb = "<!DOCTYPE a [<!ENTITY b \"cccccccc\"><!ENTITY d \"&b;&b;&b;&b;\">]><a>&d;&d;</a>";
        assert_eq!(of(bomb), Some(json!({ "a": "&d;&d;" })));
    }
}
