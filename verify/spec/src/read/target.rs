//! `[target]`, `[limits]`, `[tenancy]`.

use std::path::Path;
use std::time::Duration;

use url::Url;

use crate::diagnostic::printable;
use crate::keys::{LIMITS, ROOT, TARGET, TENANCY, suggest};
use crate::locator::{Locator, write_header, write_parameter};
use crate::reader::{At, Reader, Table, Value, in_order};
use crate::spec::{Address, Limits, RequestTemplate, Target, TargetEnvironment, Tenancy};
use crate::template::{Piece, TextTemplate};

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
    /// It holds `{tenant}`: each tenant has its own.
    OfEach(At<String>),
}

pub(super) fn url<'t>(reader: &mut Reader<'t, '_>, root: &Table<'t>) -> TargetUrl {
    let Some(target) = root.get("target").and_then(|target| target.get_ref().as_table()) else {
        return TargetUrl::Bad;
    };
    match target.get("url") {
        None => TargetUrl::Absent,
        Some(value) => match reader.expanded(value) {
            Some(text) if text.value.contains("{tenant") => TargetUrl::OfEach(text),
            Some(text) => reader.base_url_of(&text).map_or(TargetUrl::Bad, TargetUrl::Good),
            None => TargetUrl::Bad,
        },
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
    let address = match table.get("address") {
        None => Some(None),
        Some(value) => address(reader, value).map(Some),
    };
    let settle = table.get("settle").and_then(|value| reader.duration(value, Duration::ZERO..=LONGEST_SETTLE));
    Some(Target {
        name: name?.value,
        url: match url {
            TargetUrl::Absent | TargetUrl::OfEach(_) => None,
            TargetUrl::Bad => return None,
            TargetUrl::Good(url) => Some(url),
        },
        address: address?,
        hosts: hosts?,
        environment: environment.unwrap_or(TargetEnvironment::Staging),
        settle: settle.unwrap_or(SETTLE),
    })
}

/// What every request has besides what is written for it.
#[derive(Default)]
pub(super) struct Common {
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

impl Common {
    /// What the request has itself is kept.
    pub(super) fn write_into(&self, request: &mut RequestTemplate) {
        for (name, value) in &self.headers {
            write_header(name, TextTemplate(vec![Piece::Text(value.clone())]), request);
        }
        for (name, value) in &self.query {
            write_parameter(name, Piece::Text(value.clone()), request);
        }
    }
}

/// `headers` and `query`.
pub(super) fn common<'t>(reader: &mut Reader<'t, '_>, root: &Table<'t>) -> Common {
    let target = root.get("target").and_then(|target| target.get_ref().as_table());
    let mut members = |key| {
        let entries = target.and_then(|target| target.get(key)).map(|value| (value, value.get_ref().as_table()));
        match entries {
            None => Vec::new(),
            Some((_, Some(entries))) => in_order(entries),
            Some((value, None)) => {
                reader.wrong_type(value, &format!("`{key}`"), "a table", TARGET.example(key));
                Vec::new()
            }
        }
    };
    let (headers, query) = (members("headers"), members("query"));
    let mut common = Common::default();
    for (name, value) in headers {
        let name = reader.header_name(name);
        let value = reader.text(value).and_then(|text| {
            let fits = text.value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            if !fits {
                reader.report.note(
                    text.span.clone(),
                    "a header holds one line of ASCII",
                    "write it without other characters",
                );
            }
            fits.then(|| text.value.to_owned())
        });
        common.headers.extend(name.zip(value));
    }
    for (name, value) in query {
        let plain = |text: &str| {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"&=#?%+{}".contains(&byte))
        };
        if !plain(name.value) {
            let message = format!("`{}` is no parameter of a query", printable(name.value));
            reader.report.note(name.span, message, "its name alone: { api-version = \"2026-01-01\" }");
            continue;
        }
        let value =
            reader.text(value).map(|text| url::form_urlencoded::byte_serialize(text.value.as_bytes()).collect());
        common.query.extend(value.map(|value: String| (name.value.to_owned(), value)));
    }
    common
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

/// `host:port`, perhaps from a variable.
fn address<'t>(reader: &mut Reader<'t, '_>, value: &'t Value<'t>) -> Option<Address> {
    let text = reader.expanded(value)?;
    // A URL says what an address may be, IPv6 in brackets among it.
    let parsed = Url::parse(&format!("tcp://{}", text.value)).ok().filter(|url| {
        url.username().is_empty() && url.path().is_empty() && url.query().is_none() && url.fragment().is_none()
    });
    let parsed = parsed.and_then(|url| {
        let host = url.host_str().filter(|host| !host.is_empty())?.trim_matches(['[', ']']).to_owned();
        Some(Address { host, port: url.port()? })
    });
    if parsed.is_none() {
        let message = format!("`{}` is no address", printable(&text.value));
        reader.report.note(text.span, message, "host and port: \"127.0.0.1:8443\", \"[::1]:8443\"");
    }
    parsed
}

/// With the span of the locators.
pub(super) fn tenancy<'t>(reader: &mut Reader<'t, '_>, root: &Table<'t>) -> Option<At<Tenancy>> {
    let table = needed(reader, root, "tenancy", &TENANCY)?;
    let value = reader.need(&table, "locator");
    let span = value.map(|value| value.span());
    let locators = value.and_then(|value| locators(reader, value));
    let fields = table.get("fields").map(|value| reader.texts(value));
    let tenancy = Tenancy { locators: locators?, fields: fields.unwrap_or_else(|| Some(Vec::new()))? };
    Some(At { value: tenancy, span: span? })
}

/// One, or a list.
fn locators<'t>(reader: &mut Reader<'t, '_>, value: &'t Value<'t>) -> Option<Vec<Locator>> {
    let items = match value.get_ref().as_array() {
        Some(items) => items.iter().collect(),
        None => vec![value],
    };
    if items.is_empty() {
        let help = "write how requests name their tenant: \"path\", \"host\", \"header:NAME\", or \"token\"";
        reader.report.note(value.span(), "there is no locator", help);
        return None;
    }
    let mut known: Vec<Locator> = Vec::new();
    let mut is_whole = true;
    for item in items {
        let Some(text) = reader.text(item) else {
            is_whole = false;
            continue;
        };
        let span = text.span.clone();
        match locator(reader, text) {
            Some(locator) if known.contains(&locator) => {
                reader.report.note(span, "this locator is there already", "name each way once");
                is_whole = false;
            }
            Some(locator) => known.push(locator),
            None => is_whole = false,
        }
    }
    is_whole.then_some(known)
}

fn locator<'t>(reader: &mut Reader<'t, '_>, text: At<&'t str>) -> Option<Locator> {
    let (kind, name) = text.value.split_once(':').unwrap_or((text.value, ""));
    let plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let at = At { value: name, span: text.span.clone() };
    match kind {
        "host" if name.is_empty() => return Some(Locator::Host),
        "path" if name.is_empty() => return Some(Locator::Path),
        "token" if name.is_empty() => return Some(Locator::Token),
        "header" => return reader.header_name(at).map(|name| Locator::Header(name.to_ascii_lowercase())),
        "query" if !name.is_empty() && plain(name) => return Some(Locator::Query(name.to_owned())),
        "cookie" if !name.is_empty() && plain(name) => return Some(Locator::Cookie(name.to_owned())),
        "body" if !name.split('.').any(str::is_empty) => {
            return Some(Locator::Body(name.split('.').map(str::to_owned).collect()));
        }
        _ => {}
    }
    let known = ["host", "path", "token", "header:NAME", "query:NAME", "cookie:NAME", "body:NAME"];
    let help = suggest(text.value, known);
    reader.report.note(text.span, format!("`{}` is no locator", printable(text.value)), help);
    None
}
