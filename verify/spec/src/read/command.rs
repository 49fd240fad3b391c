//! `grant = "command"`: a program that prints a token.

use super::principal::{LEAST_LIFETIME, LONGEST_LIFETIME};
use crate::keys::PRINCIPAL;
use crate::reader::{Reader, Table, Value};
use crate::spec::credential::{Credential, TokenCommand};

/// Words of a command.
const MOST_WORDS: usize = 64;

pub(super) fn command<'t>(reader: &mut Reader<'t, '_>, table: &Table<'t>) -> Option<Credential> {
    let words = reader.need(table, "command").and_then(|value| words(reader, value));
    let token = table.get("token").map(|value| reader.json_path(value));
    let header = table.get("header").map(|value| reader.text(value).and_then(|name| reader.header_name(name)));
    let lifetime = table.get("lifetime").map(|value| reader.duration(value, LEAST_LIFETIME..=LONGEST_LIFETIME));
    let mut words = words?.into_iter();
    Some(Credential::Command(TokenCommand {
        program: words.next()?,
        arguments: words.collect(),
        token: token.map_or(Some(None), |token| token.map(Some))?,
        header: header.map_or(Some(None), |header| header.map(Some))?,
        lifetime: lifetime.map_or(Some(None), |lifetime| lifetime.map(Some))?,
    }))
}

/// One or more. No shell looks at them.
fn words<'t>(reader: &mut Reader<'t, '_>, value: &'t Value<'t>) -> Option<Vec<String>> {
    let Some(items) = value.get_ref().as_array() else {
        reader.wrong_type(
            value,
            "`command`",
            "a list: the program, then each of its arguments",
            PRINCIPAL.example("command"),
        );
        return None;
    };
    if items.is_empty() || items.len() > MOST_WORDS {
        let help = format!("from 1 to {MOST_WORDS} words: {}", PRINCIPAL.example("command"));
        reader.report.note(value.span(), format!("a command of {} words", items.len()), help);
        return None;
    }
    reader.texts(value)
}
