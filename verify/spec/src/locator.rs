//! Where requests name their tenant.

use crate::ix::OperationIx;
use crate::spec::{RequestTemplate, Spec};
use crate::template::spots::Spot;
use crate::template::{BodyTemplate, JsonTemplate, PartTemplate, Piece, Symbol, TextTemplate};

/// What names the tenant in every request, besides where the requests themselves hold `{tenant}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locator {
    /// `"host"`: each tenant's own URL.
    Host,
    /// `"path"`: `{tenant}` in the path.
    Path,
    /// `"header:NAME"`: a request header, stored lower-case.
    Header(String),
    /// `"query:NAME"`: a parameter of the query.
    Query(String),
    /// `"cookie:NAME"`
    Cookie(String),
    /// `"body:data.tenant"`: a member of what a request brings, by the names that lead to it.
    Body(Vec<String>),
    /// `"token"`: the credential.
    Token,
}

impl Locator {
    /// Writes the tenant into a request, where it does not name it in this way itself.
    pub(crate) fn write_into(&self, request: &mut RequestTemplate) {
        match self {
            Self::Host | Self::Path | Self::Token => {}
            Self::Header(name) => write_header(name, tenant(), request),
            Self::Query(name) => write_parameter(name, symbol(), request),
            Self::Cookie(name) => write_cookie(name, request),
            Self::Body(names) => write_member(names, request),
        }
    }
}

fn tenant() -> TextTemplate {
    TextTemplate(vec![symbol()])
}

fn symbol() -> Piece {
    Piece::Symbol(Symbol::Tenant, "tenant".to_owned())
}

/// Where the request has no such header itself.
pub(crate) fn write_header(name: &str, value: TextTemplate, request: &mut RequestTemplate) {
    if !request.headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name)) {
        request.headers.push((name.to_owned(), value));
    }
}

/// Where the query has no such parameter itself.
pub(crate) fn write_parameter(name: &str, value: Piece, request: &mut RequestTemplate) {
    let written = request.path.to_string();
    let query = written.split_once('?').map(|(_, query)| query);
    let names_it = |pair: &str| pair.split('=').next() == Some(name);
    if query.is_some_and(|query| query.split('&').any(names_it)) {
        return;
    }
    let joint = if query.is_some() { '&' } else { '?' };
    request.path.0.extend([Piece::Text(format!("{joint}{name}=")), value]);
}

/// RFC 6265 5.4: all cookies are in one header.
fn write_cookie(name: &str, request: &mut RequestTemplate) {
    match request.headers.iter_mut().find(|(header, _)| header.eq_ignore_ascii_case("cookie")) {
        Some((_, cookies)) => cookies.0.extend([Piece::Text(format!("; {name}=")), symbol()]),
        None => {
            let text = TextTemplate(vec![Piece::Text(format!("{name}=")), symbol()]);
            request.headers.push(("cookie".to_owned(), text));
        }
    }
}

/// A write that brings nothing brings an object with that member; what is no object, or reads without a body, has no place
/// for one.
fn write_member(names: &[String], request: &mut RequestTemplate) {
    let writes = !matches!(request.method.as_str(), "GET" | "HEAD" | "DELETE");
    let flat = || names.join(".");
    match &mut request.body {
        None if writes => {
            let mut json = JsonTemplate::Object(Vec::new());
            insert(&mut json, names);
            request.body = Some(BodyTemplate::Json(json));
        }
        Some(BodyTemplate::Json(json)) => insert(json, names),
        Some(BodyTemplate::Form(members)) if !members.iter().any(|(name, _)| *name == flat()) => {
            members.push((flat(), tenant()));
        }
        Some(BodyTemplate::Multipart(parts)) if !parts.iter().any(|part| part.name == flat()) => {
            parts.insert(0, PartTemplate { name: flat(), file: None, text: tenant() });
        }
        _ => {}
    }
}

fn insert(json: &mut JsonTemplate, names: &[String]) {
    let (JsonTemplate::Object(members), Some((name, below))) = (json, names.split_first()) else { return };
    match members.iter_mut().find(|(member, _)| member == name) {
        Some((_, inner)) => insert(inner, below),
        None => {
            let mut value = match below.is_empty() {
                true => JsonTemplate::Text(vec![symbol()]),
                false => JsonTemplate::Object(Vec::new()),
            };
            insert(&mut value, below);
            members.push((name.clone(), value));
        }
    }
}

/// A part of a request that names its tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The URL at which it is sent: the tenant has its own.
    Url,
    /// The path.
    Path,
    /// The query.
    Query,
    /// A header, by its place among those of the request.
    Header(usize),
    /// The body.
    Body,
}

impl Way {
    /// As people call it: `the path`, `the header x-tenant`.
    pub fn label(self, request: &RequestTemplate) -> String {
        match self {
            Self::Url => "the host".to_owned(),
            Self::Path => "the path".to_owned(),
            Self::Query => "the query".to_owned(),
            Self::Header(at) => match request.headers.get(at) {
                Some((name, _)) if name.eq_ignore_ascii_case("cookie") => "the cookie".to_owned(),
                Some((name, _)) => format!("the header {name}"),
                None => "a header".to_owned(),
            },
            Self::Body => "the body".to_owned(),
        }
    }
}

impl Spec {
    /// Every part of an operation's request that names its tenant.
    pub fn ways(&self, operation: OperationIx) -> Vec<Way> {
        let has_own_urls = self.tenants.windows(2).any(|two| matches!(two, [a, b] if a.url != b.url));
        let url = has_own_urls.then_some(Way::Url);
        url.into_iter().chain(self[operation].request.ways()).collect()
    }
}

impl RequestTemplate {
    /// Every part of it that names its tenant.
    pub fn ways(&self) -> Vec<Way> {
        self.ways_holding(Symbol::names_tenant)
    }

    /// Every part of it that holds such a symbol, each once.
    pub fn ways_holding(&self, is: impl Fn(&Symbol) -> bool) -> Vec<Way> {
        let mut ways = Vec::new();
        for (spot, _) in self.spots().into_iter().filter(|(_, symbol)| is(symbol)) {
            let way = match spot {
                Spot::Path(_) => Way::Path,
                Spot::Query(_) => Way::Query,
                Spot::Header(name) => match self.headers.iter().position(|(header, _)| *header == name) {
                    Some(at) => Way::Header(at),
                    None => continue,
                },
                Spot::Json(_) | Spot::Form(_) | Spot::Part(_) | Spot::Text => Way::Body,
            };
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        ways
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::PathTemplate;

    fn written(request: &mut RequestTemplate, locators: &[Locator]) -> String {
        locators.iter().for_each(|locator| locator.write_into(request));
        let text = |text: &TextTemplate| text.render(&mut |_| Some("T".into())).unwrap_or_default();
        let headers: Vec<String> =
            request.headers.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
        let body = match &request.body {
            Some(BodyTemplate::Json(json)) => json.render(&mut |_| Some("T".into())).unwrap_or_default().to_string(),
            Some(BodyTemplate::Form(members)) => {
                members.iter().map(|(name, value)| format!("{name}={}", text(value))).collect::<Vec<_>>().join("&")
            }
            _ => String::new(),
        };
        format!("{request} | {} | {body}", headers.join(", "))
    }

    fn bare(method: &str, path: &str) -> RequestTemplate {
        RequestTemplate::bare(method, PathTemplate(vec![Piece::Text(path.to_owned())]))
    }

    fn all() -> Vec<Locator> {
        let body = ["data", "org"].map(str::to_owned).to_vec();
        vec![
            Locator::Header("x-tenant".into()),
            Locator::Query("org".into()),
            Locator::Cookie("org".into()),
            Locator::Body(body),
        ]
    }

    #[test]
    fn a_locator_is_written_into_a_request_once() {
        let mut read = bare("GET", "/cases?page=1");
        let once = "GET /cases?page=1&org={tenant} | x-tenant: T, cookie: org=T | ";
        assert_eq!(written(&mut read, &all()), once);
        assert_eq!(written(&mut read, &all()[..2]), once);
        let mut write = bare("POST", "/cases");
        assert_eq!(
            written(&mut write, &all()),
            r#"POST /cases?org={tenant} | x-tenant: T, cookie: org=T | {"data":{"org":"T"}}"#
        );
        assert_eq!(write.ways().len(), 4, "{:?}", write.ways());
    }

    #[test]
    fn what_a_request_has_itself_is_kept() {
        let mut own = bare("POST", "/cases?org=7");
        let text = |text: &str| TextTemplate(vec![Piece::Text(text.into())]);
        own.headers = vec![("X-Tenant".into(), text("mine")), ("Cookie".into(), text("a=1"))];
        own.body = Some(BodyTemplate::Json(JsonTemplate::Object(vec![(
            "data".into(),
            JsonTemplate::Object(vec![("org".into(), JsonTemplate::Plain(7.into()))]),
        )])));
        assert_eq!(
            written(&mut own, &all()),
            r#"POST /cases?org=7 | X-Tenant: mine, Cookie: a=1; org=T | {"data":{"org":7}}"#
        );
    }
}
