//! What is written for a symbol in the text of a document, so that it stays text there.

/// A value as a text of this media type has it: escaped in XML and HTML, and in JSON as within a string.
pub(super) fn within(media_type: &str, value: String) -> String {
    let kind = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is = |name: &str| kind.ends_with(&format!("/{name}")) || kind.ends_with(&format!("+{name}"));
    match () {
        () if is("xml") || is("html") => in_xml(&value),
        () if is("json") => in_json(value),
        () => value,
    }
}

/// RFC 8259, 7: without the quotes around it.
fn in_json(value: String) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// XML 1.0, 2.4.
fn in_xml(value: &str) -> String {
    let escaped = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&#39;")];
    escaped.iter().fold(value.to_owned(), |text, (plain, written)| text.replace(plain, written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stays_text_in_every_kind_of_document() {
        let odd = || "a<b> & \"c\" 'd'\\".to_owned();
        for kind in ["application/xml", "text/xml; charset=utf-8", "application/soap+xml", "image/svg+xml", "text/html"]
        {
            assert_eq!(within(kind, odd()), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;\\", "{kind}");
        }
        for kind in ["application/json", "application/vnd.api+json"] {
            assert_eq!(within(kind, odd()), r#"a<b> & \"c\" 'd'\\"#, "{kind}");
        }
        assert_eq!(within("application/json", "\"quoted\"".to_owned()), r#"\"quoted\""#);
        assert_eq!(within("text/csv", odd()), odd());
    }
}
