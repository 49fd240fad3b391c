//! What a request brings.

use serde_json::Value;
use watertight_spec::FileForm;

use super::files::file_of;
use super::{Secrets, Text};
use crate::call::{BOUNDARY, Payload, UploadedFile};
use crate::log::{Written, escaped};
use crate::redact::Goes;

/// A value that may have come from the target.
pub(super) fn returned(text: &str, secrets: &dyn Secrets) -> Text {
    Text::secret(secrets.as_it_was(text, Goes::Bare), text)
}

/// What a request brings; `form` is what every form has of the session, in place of members of its own.
pub(super) fn body_of(payload: &Payload, form: &[(String, Text)], secrets: &dyn Secrets) -> Text {
    let is_own = |name: &str| !form.iter().any(|(other, _)| other == name);
    match payload {
        Payload::Json(json) => returned_json(json, secrets),
        Payload::Form(members) => {
            let own = members.iter().filter(|(name, _)| is_own(name));
            let own = own.map(|(name, value)| (name.clone(), returned(value, secrets)));
            form_body(&own.chain(form.iter().cloned()).collect::<Vec<_>>())
        }
        Payload::Multipart(parts) => {
            let own = parts.iter().filter(|part| is_own(&part.name));
            let own = own.map(|part| (part.name.as_str(), part.file.as_ref(), returned(&part.text, secrets)));
            let further = form.iter().map(|(name, text)| (name.as_str(), None, text.clone()));
            multipart_body(&own.chain(further).collect::<Vec<_>>(), payload.written())
        }
        Payload::Text { text, .. } => returned(text, secrets),
    }
}

/// RFC 7578 4: each part with its name, and a file with its own and its type.
fn multipart_body(parts: &[(&str, Option<&UploadedFile>, Text)], written: Written) -> Text {
    let show = |bytes: &[u8]| match written {
        Written::Plain => String::from_utf8_lossy(bytes).into_owned(),
        Written::Escaped => escaped(bytes),
    };
    let whole = |pick: &dyn Fn(&Text) -> String| {
        let mut body = String::new();
        for (name, file, text) in parts {
            let mut head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"");
            if let Some(UploadedFile { name, kind, .. }) = file {
                head += &format!("; filename=\"{name}\"\r\ncontent-type: {kind}");
            }
            let content = file_of(file.map_or(FileForm::Text, |file| file.form), pick(text).as_bytes());
            body += &format!("{}\r\n\r\n{}\r\n", show(head.as_bytes()), show(&content));
        }
        body + &format!("--{BOUNDARY}--\r\n")
    };
    Text::secret(whole(&|text| text.real().to_owned()), whole(&|text| text.shown().to_owned()))
}

/// The same in every text of a document.
fn returned_json(json: &Value, secrets: &dyn Secrets) -> Text {
    fn real(json: &Value, secrets: &dyn Secrets) -> Value {
        match json {
            Value::String(text) => Value::String(secrets.as_it_was(text, Goes::Bare)),
            Value::Array(items) => items.iter().map(|item| real(item, secrets)).collect(),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(name, value)| (name.clone(), real(value, secrets))).collect())
            }
            other => other.clone(),
        }
    }
    Text::secret(real(json, secrets).to_string(), json.to_string())
}

pub(super) fn form_text(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(super) fn form_body(fields: &[(String, Text)]) -> Text {
    let encode = |pick: &dyn Fn(&Text) -> String| {
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", form_text(name), pick(value))).collect();
        pairs.join("&")
    };
    Text::secret(encode(&|value| form_text(value.real())), encode(&|value| value.shown_in(form_text)))
}
