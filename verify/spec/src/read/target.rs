//! `[target]`, `[limits]`, `[tenancy]`.

use std::path::Path;
use std::time::Duration;

use url::Url;

use crate::diagnostic::printable;
use crate::keys::{LIMITS, ROOT, TARGET, TENANCY, suggest};
use crate::reader::{At, Reader, Table};
use crate::spec::{Limits, Locator, Target, TargetEnvironment, Tenancy};

const SETTLE: Duration = Duration::from_secs(2);
const LONGEST_SETTLE: Duration = Duration::from_secs(300);
const TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(300);
const RUN_TIME: Duration = Duration::from_secs(2 * 3600);
const LEAST_RUN_TIME: Duration = Duration::from_secs(1);
const LONGEST_RUN_TIME: Duration = Duration::from_secs(24 * 3600);

/// A section that must be there.
pub(super) fn needed<'t>(
    reader: &mut Reader<'t, '_>,
    root: &Table<'t>,
    key: &'static str,
    section: &'static crate::keys::Section,
) -> Option<Table<'t>> {
    if root.lacks(key) {
        let keys = section.keys.iter().take(2).map(|(name, example)| format!("`{name} = {example}`"));
        let help = format!("add {}, with {}", ROOT.example(key), keys.collect::<Vec<_>>().join(" and "));
        reader.report.note(root.span.clone(), format!("{} is missing", section.header), help);
    }
    reader.table(root, key, section)
}

/// Notes where variables come from that the environment lacks.
pub(super) fn env_file<'t>(reader: &mut Reader<'t, '_>, root: &Table<'t>, spec: &Path) {
    let target = root.get("target").and_then(|target| target.get_ref().as_table());
    let file = target.and_then(|target| target.get("env_file")).and_then(|value| reader.text(value));
    if let Some(file) = file {
        let folder = spec.parent().unwrap_or_else(|| Path::new(""));
        reader.variables.set_file(folder.join(file.value), file.span);
    }
}

/// `url`, which tenants without one of their own use.
pub(super) enum TargetUrl {
    Absent,
    /// What is wrong with it, or with all of `[target]`, is noted.
    Bad,
    Good(Url),
}

pub(super) fn url<'t>(reader: &mut Reader<'t, '_>, root: &Table<'t>) -> TargetUrl {
    let Some(target) = root.get("target").and_then(|target| target.get_ref().as_table()) else {
        return TargetUrl::Bad;
    };
    match target.get("url") {
        None => TargetUrl::Absent,
        Some(value) => reader.base_url(value).map_or(TargetUrl::Bad, TargetUrl::Good),
    }
}

pub(super) fn target<'t>(reader: &mut Reader<'t, '_>, root: &Table<'t>, url: TargetUrl) -> Option<Target> {
    let table = needed(reader, root, "target", &TARGET)?;
    let name = reader.need(&table, "name").and_then(|value| reader.expanded(value));
    let kinds = [
        ("test", TargetEnvironment::Test),
        ("staging", TargetEnvironment::Staging),
        ("production", TargetEnvironment::Production),
    ];
    let environment = table.get("environment").and_then(|value| reader.choice(value, &kinds));
    let hosts = match table.get("hosts").map(|value| (value, value.get_ref().as_array())) {
        None => Some(Vec::new()),
        Some((_, Some(items))) => items.iter().map(|item| reader.base_url(item)).collect(),
        Some((value, None)) => {
            reader.wrong_type(value, "`hosts`", "a list", TARGET.example("hosts"));
            None
        }
    };
    let settle = table.get("settle").and_then(|value| reader.duration(value, Duration::ZERO..=LONGEST_SETTLE));
    Some(Target {
        name: name?.value,
        url: match url {
            TargetUrl::Absent => None,
            TargetUrl::Bad => return None,
            TargetUrl::Good(url) => Some(url),
        },
        hosts: hosts?,
        environment: environment.unwrap_or(TargetEnvironment::Staging),
        settle: settle.unwrap_or(SETTLE),
    })
}

pub(super) fn limits<'t>(reader: &mut Reader<'t, '_>, root: &Table<'t>) -> Limits {
    let mut limits = Limits {
        requests: 20_000,
        rate: 100,
        timeout: TIMEOUT,
        body: 4 << 20,
        pages: 50,
        concurrency: 8,
        time: RUN_TIME,
    };
    let Some(table) = reader.table(root, "limits", &LIMITS) else { return limits };
    let mut integer = |key, most| table.get(key).and_then(|value| reader.integer(value, 1..=most));
    if let Some(requests) = integer("requests", 10_000_000) {
        limits.requests = requests.into();
    }
    if let Some(rate) = integer("rate", 100_000) {
        limits.rate = rate;
    }
    if let Some(body) = integer("body", 64 << 20) {
        limits.body = usize::try_from(body).unwrap_or(limits.body);
    }
    if let Some(pages) = integer("pages", 10_000) {
        limits.pages = usize::try_from(pages).unwrap_or(limits.pages);
    }
    if let Some(concurrency) = integer("concurrency", 256) {
        limits.concurrency = usize::try_from(concurrency).unwrap_or(limits.concurrency);
    }
    let least = Duration::from_millis(1);
    if let Some(timeout) = table.get("timeout").and_then(|value| reader.duration(value, least..=LONGEST_TIMEOUT)) {
        limits.timeout = timeout;
    }
    if let Some(time) = table.get("time").and_then(|value| reader.duration(value, LEAST_RUN_TIME..=LONGEST_RUN_TIME)) {
        limits.time = time;
    }
    limits
}

/// With the span of the locator.
pub(super) fn tenancy<'t>(reader: &mut Reader<'t, '_>, root: &Table<'t>) -> Option<At<Tenancy>> {
    let table = needed(reader, root, "tenancy", &TENANCY)?;
    let text = reader.need(&table, "locator").and_then(|value| reader.text(value));
    let span = text.as_ref().map(|text| text.span.clone());
    let locator = text.and_then(|text| locator(reader, text));
    let fields = table.get("fields").map(|value| reader.texts(value));
    let tenancy = Tenancy { locator: locator?, fields: fields.unwrap_or_else(|| Some(Vec::new()))? };
    Some(At { value: tenancy, span: span? })
}

fn locator<'t>(reader: &mut Reader<'t, '_>, text: At<&'t str>) -> Option<Locator> {
    match text.value {
        "path" => return Some(Locator::Path),
        "token" => return Some(Locator::Token),
        _ => {}
    }
    if let Some(name) = text.value.strip_prefix("header:") {
        let name = reader.header_name(At { value: name, span: text.span })?;
        return Some(Locator::Header(name.to_ascii_lowercase()));
    }
    let help = suggest(text.value, ["path", "token", "header:NAME"]);
    reader.report.note(text.span, format!("`{}` is no locator", printable(text.value)), help);
    None
}
