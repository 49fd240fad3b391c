//! `grant = "cookies"`: a session that was begun elsewhere, by a person with a browser.

use secrecy::SecretString;
use url::Url;

use super::principal::{Drafted, Key, keys};
use crate::diagnostic::printable;
use crate::reader::{At, Reader, Table, Value};
use crate::spec::credential::{Credential, StoredCookies};
use crate::storage::cookies_for;

pub(super) fn cookies<'t>(
    reader: &mut Reader<'t, '_>,
    table: &Table<'t>,
    draft: &mut Drafted,
    tenant_url: Option<&Url>,
) -> Option<Credential> {
    let storage = table.get("storage");
    if storage.is_none() {
        reader.need(table, "cookies");
    }
    let cookies = keys(reader, table, "cookies");
    let headers = keys(reader, table, "headers");
    let form = keys(reader, table, "form");
    let stored = storage.map(|value| stored(reader, value, draft, tenant_url));
    let (cookies, headers, form) = (cookies?, headers?, form?);
    if let ([one], []) = (cookies.as_slice(), headers.as_slice()) {
        draft.secrets.push(one.value.0.clone());
    }
    if storage.is_none() && cookies.is_empty() && table.get("cookies").is_some() {
        reader.report.note(table.key_span("cookies"), "no cookie is named", "write the one that holds the session");
        return None;
    }
    let secrets = |keys: Vec<Key>| keys.into_iter().map(|key| (key.name, key.value.1)).collect();
    Some(Credential::Cookies {
        cookies: secrets(cookies),
        stored: stored.map_or(Some(None), |s| s.map(Some))?,
        headers: secrets(headers),
        form: secrets(form),
    })
}

fn stored<'t>(
    reader: &mut Reader<'t, '_>,
    value: &'t Value<'t>,
    draft: &mut Drafted,
    tenant_url: Option<&Url>,
) -> Option<StoredCookies> {
    let file = reader.text(value)?;
    let url = tenant_url?;
    // No name that a shell would give to a variable.
    let variable = format!("{} for {url}", file.value);
    let line = match reader.variables.recorded(&variable) {
        Some(line) => Ok((line, Vec::new())),
        None => reader.beside(file.value).and_then(|text| cookies_for(url, &text)).map(|cookies| {
            let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            (pairs.join("; "), cookies.into_iter().map(|(_, value)| SecretString::from(value)).collect())
        }),
    };
    let (line, values) = match line {
        Ok(read) => read,
        Err(why) => {
            let help = "save it again where someone has logged in there, from Playwright or as a cookies.txt";
            reader.report.note(file.span, format!("`{}` {why}", printable(file.value)), help);
            return None;
        }
    };
    let line = SecretString::from(line);
    reader.variables.note_file(&variable, line.clone());
    draft.secrets.push(At { value: variable.clone(), span: file.span });
    Some(StoredCookies { file: file.value.to_owned(), variable, line, values })
}
