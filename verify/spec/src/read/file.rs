//! Parts of a multipart body: members and files (RFC 7578).

use std::ops::Range;

use crate::diagnostic::printable;
use crate::keys::FILE;
use crate::reader::{At, Reader, Value};
use crate::template::symbols::Scope;
use crate::template::{FileForm, FileTemplate, PartTemplate, Piece, Symbol, TextTemplate};

/// A document of one empty page (ISO 32000-1, 7.5), up to its identifier.
const PDF: &str = concat!(
    "%PDF-1.4\n",
    "1 0 obj\n",
    "<</Type/Catalog/Pages 2 0 R>>\n",
    "endobj\n",
    "2 0 obj\n",
    "<</Type/Pages/Kids[3 0 R]/Count 1>>\n",
    "endobj\n",
    "3 0 obj\n",
    "<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Resources<<>>>>\n",
    "endobj\n",
    "xref\n",
    "0 4\n",
    "0000000000 65535 f \n",
    "0000000009 00000 n \n",
    "0000000054 00000 n \n",
    "0000000105 00000 n \n",
    "trailer\n",
    "<</Size 4/Root 1 0 R/ID[(",
);

/// What a file of a name holds where the spec does not say: its media type, and what is around the canary.
const KINDS: [(&str, &str, &str, &str); 9] = [
    ("csv", "text/csv", "text\n", "\n"),
    ("html", "text/html", "<!doctype html><title>file</title><p>", "</p>\n"),
    ("ics", "text/calendar", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME:", "\r\nEND:VCALENDAR\r\n"),
    ("json", "application/json", "{\"text\":\"", "\"}\n"),
    ("md", "text/markdown", "", "\n"),
    // Its identifier holds the canary: that is the last of what may be of any length.
    ("pdf", "application/pdf", PDF, ")(1)]>>\nstartxref\n182\n%%EOF\n"),
    (
        "svg",
        "image/svg+xml",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"><desc>",
        "</desc></svg>\n",
    ),
    ("txt", "text/plain", "", "\n"),
    ("xml", "application/xml", "<?xml version=\"1.0\"?>\n<text>", "</text>\n"),
];

/// The same for those that are no texts.
const FORMS: [(&str, &str, FileForm); 5] = [
    ("gif", "image/gif", FileForm::Gif),
    ("jpeg", "image/jpeg", FileForm::Jpeg),
    ("jpg", "image/jpeg", FileForm::Jpeg),
    ("png", "image/png", FileForm::Png),
    ("zip", "application/zip", FileForm::Zip),
];

impl<'t> Reader<'t, '_> {
    /// A member, or a file: `"{file:notes.txt}"`, or `{ name = "notes.txt", type = "text/plain", text = "{canary}" }`.
    pub(super) fn part(&mut self, name: At<&'t str>, value: &'t Value<'t>, scope: &Scope<'_>) -> Option<PartTemplate> {
        let is_plain = !name.value.is_empty() && !name.value.contains(['"', '\r', '\n']);
        if !is_plain {
            let message = format!("`{}` can't name a part", printable(name.value));
            self.report.note(name.span, message, "a name without quotes and line breaks");
            return None;
        }
        let name = name.value.to_owned();
        if let Some(entries) = value.get_ref().as_table() {
            let table = self.open(&FILE, entries, value.span());
            let file = self.need(&table, "name").and_then(|value| self.file_named(value, scope));
            let kind = match table.get("type") {
                Some(value) => Some(self.text(value)?.value.to_owned()),
                None => file.as_ref().map(|file| media_type(end_of(file)).unwrap_or("text/plain").to_owned()),
            };
            let text = self.need(&table, "text").and_then(|value| self.text_template(value, scope));
            let file = FileTemplate { name: file?, kind: kind?, form: FileForm::Text };
            return Some(PartTemplate { name, file: Some(file), text: text? });
        }
        let written = value.get_ref().as_str().and_then(|text| text.strip_prefix("{file:")?.strip_suffix('}'));
        let Some(file) = written else {
            return Some(PartTemplate { name, file: None, text: self.text_template(value, scope)? });
        };
        let file = self.file_name(file, value.span())?;
        if let Some((_, kind, form)) = entry_of(&file, &FORMS, |(end, ..)| end) {
            let file = FileTemplate { name: marked(&file), kind: (*kind).to_owned(), form: *form };
            return Some(PartTemplate { name, file: Some(file), text: TextTemplate(vec![canary()]) });
        }
        let Some((_, kind, before, after)) = entry_of(&file, &KINDS, |(end, ..)| end) else {
            let message = format!("what a file `{}` holds is not known", printable(&file));
            let ends = KINDS.iter().map(|(end, ..)| end).chain(FORMS.iter().map(|(end, ..)| end));
            let known: Vec<_> = ends.map(|end| format!(".{end}")).collect();
            let help = format!(
                "one of {}; or say it: {{ name = \"{}\", type = \"…\", text = \"{{canary}}\" }}",
                known.join(", "),
                printable(&file)
            );
            self.report.note(value.span(), message, help);
            return None;
        };
        let pieces = vec![Piece::Text((*before).to_owned()), canary(), Piece::Text((*after).to_owned())];
        let file = FileTemplate { name: marked(&file), kind: (*kind).to_owned(), form: FileForm::Text };
        Some(PartTemplate { name, file: Some(file), text: TextTemplate(pieces) })
    }

    /// A name that is written out, with symbols of what the run makes up or without.
    fn file_named(&mut self, value: &'t Value<'t>, scope: &Scope<'_>) -> Option<TextTemplate> {
        let name = self.text_template(value, scope)?;
        let is_made_up = |symbol: &Symbol| {
            matches!(symbol, Symbol::Unique | Symbol::Generated(_) | Symbol::Canary | Symbol::CanaryPublic)
        };
        if !name.symbols().all(is_made_up) {
            let help = "`{unique}`, `{canary}` or a value of some form, `{slug}`";
            self.report.note(value.span(), "a file's name may hold what is made up for it, and nothing else", help);
            return None;
        }
        let written = name.0.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Symbol(..) => None,
        });
        let written: String = written.collect();
        let is_symbol = written.is_empty() && !name.0.is_empty();
        (is_symbol || self.file_name(&written, value.span()).is_some()).then_some(name)
    }

    fn file_name(&mut self, name: &str, span: Range<usize>) -> Option<String> {
        let fits = !name.is_empty()
            && name.chars().all(|c| c.is_ascii_graphic() || c == ' ')
            && !name.contains(['"', '\\', '{', '}']);
        if !fits {
            let message = format!("`{}` is no name of a file", printable(name));
            self.report.note(span, message, "ASCII without quotes, backslashes and braces: \"notes.txt\"");
        }
        fits.then(|| name.to_owned())
    }
}

fn canary() -> Piece {
    Piece::Symbol(Symbol::Canary, "canary".to_owned())
}

/// What a name ends with, where that is written out.
fn end_of(name: &TextTemplate) -> &str {
    match name.0.last() {
        Some(Piece::Text(end)) => end,
        _ => "",
    }
}

/// A name by which the file is recognised where nothing else of it is shown: `notes-{canary}.txt`.
fn marked(name: &str) -> TextTemplate {
    let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
    TextTemplate(vec![Piece::Text(format!("{stem}-")), canary(), Piece::Text(format!(".{end}"))])
}

fn media_type(file: &str) -> Option<&'static str> {
    let text = entry_of(file, &KINDS, |(end, ..)| end).map(|(_, kind, ..)| *kind);
    text.or_else(|| entry_of(file, &FORMS, |(end, ..)| end).map(|(_, kind, _)| *kind))
}

/// What a table has for the end of a file's name.
fn entry_of<T>(file: &str, table: &'static [T], end_of: impl Fn(&T) -> &str) -> Option<&'static T> {
    let (_, end) = file.rsplit_once('.')?;
    table.iter().find(|entry| end_of(entry).eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pdf_says_where_its_objects_are() {
        let (_, _, before, after) = entry_of("x.PDF", &KINDS, |(end, ..)| end).unwrap();
        let table = before.find("xref\n").unwrap();
        assert!(after.contains(&format!("startxref\n{table}\n")), "{after}");
        for (number, line) in before[table..].lines().skip(3).take(3).enumerate() {
            let at: usize = line.split(' ').next().unwrap().parse().unwrap();
            assert!(before[at..].starts_with(&format!("{} 0 obj", number + 1)), "{line}");
        }
        assert!(
            before.lines().filter(|line| line.ends_with("n ") || line.ends_with("f ")).all(|line| line.len() == 19)
        );
    }
}
