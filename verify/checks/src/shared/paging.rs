//! Every page of a list.

use serde_json::Value;
use url::Url;
use watertight_engine::call::{Address, Request};
use watertight_engine::log::Exchange;
use watertight_engine::{Seen, Tape};
use watertight_spec::{Operation, Resource, Role, Spec};

/// Bytes of a list's pages, which are in memory until it is judged.
const LONGEST_LIST: usize = 32 << 20;

/// The pages of a list, as far as they were followed.
pub(crate) struct Pages {
    /// In order; never empty.
    pub(crate) pages: Vec<Seen>,
    /// Whether the last page says that there is no further one.
    pub(crate) is_complete: bool,
}

impl Pages {
    /// The last page read.
    pub(crate) fn last(&self) -> Option<&Seen> {
        self.pages.last()
    }

    /// Whether the list was shown and yet not read to its end: what it does not show is not known to be absent.
    pub(crate) fn breaks_off(&self) -> bool {
        !self.is_complete && self.pages.first().is_some_and(|page| page.succeeded())
    }
}

/// The request for the first page: a list asks for small pages, so that there is a second one.
pub(crate) fn first_page(spec: &Spec, op: &Operation, request: Request) -> Request {
    let size = resource_of(spec, op).and_then(|resource| resource.page.size.as_deref());
    match size.filter(|_| op.role == Role::List) {
        None => request,
        Some(size) => {
            let address = request.address.clone().query(size);
            request.to(address)
        }
    }
}

/// Follows a list from its first page until `enough`, its end, `limits.pages`, or more than is kept in memory.
pub(crate) async fn follow(t: &Tape, op: &Operation, first: Request, enough: impl Fn(&Exchange) -> bool) -> Pages {
    let mut pages: Vec<Seen> = Vec::new();
    let mut known: Vec<String> = Vec::new();
    let mut length = 0_usize;
    let mut asked = first.clone();
    loop {
        known.push(asked.address.shown());
        let page = t.send(asked).await;
        pages.push(Seen::clone(&page));
        let lists = resource_of(&t.spec, op).filter(|_| page.succeeded() && is_paged(op));
        asked = match lists.map_or(Next::End, |resource| next_of(&t.spec, resource, &page)) {
            Next::End => return Pages { pages, is_complete: page.succeeded() },
            Next::At(address) if !known.contains(&address.shown()) => first.clone().to(address),
            Next::At(_) | Next::Lost => return Pages { pages, is_complete: false },
        };
        length = length.saturating_add(page.response().map_or(0, |received| received.length));
        if enough(&page) || pages.len() >= t.spec.limits.pages || length > LONGEST_LIST {
            return Pages { pages, is_complete: false };
        }
    }
}

/// Whether its answer is one page of several.
fn is_paged(op: &Operation) -> bool {
    matches!(op.role, Role::List | Role::Search | Role::View)
}

/// What a page says of the one after it.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// There is none.
    End,
    /// Its path and query.
    At(Address),
    /// There is one, named in a way that can't be followed.
    Lost,
}

/// The path and query of the page after this one, if it can be followed.
pub(crate) fn next_page(spec: &Spec, resource: &Resource, page: &Exchange) -> Option<Address> {
    match next_of(spec, resource, page) {
        Next::At(address) => Some(address),
        Next::End | Next::Lost => None,
    }
}

fn next_of(spec: &Spec, resource: &Resource, page: &Exchange) -> Next {
    match link_to_next(resource, page) {
        // It says that it is JSON, and can't be read: what follows is not known.
        None if is_broken_json(page) => Next::Lost,
        None | Some(Value::Null | Value::Bool(false)) => Next::End,
        Some(Value::String(link)) if link.is_empty() => Next::End,
        Some(Value::String(link)) => path_of_link(spec, page, &link).map_or(Next::Lost, Next::At),
        Some(_) => Next::Lost,
    }
}

pub(crate) fn is_broken_json(page: &Exchange) -> bool {
    let claims_json = page.header("content-type").is_some_and(|kind| kind.contains("json"));
    let is_empty = page.response().is_none_or(|received| received.body.text().trim().is_empty());
    claims_json && !is_empty && page.json().is_none()
}

/// What is found where a page names the next one.
fn link_to_next(resource: &Resource, page: &Exchange) -> Option<Value> {
    let received = page.response()?;
    let headers = |wanted: &str| -> Vec<&str> {
        let named = received.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named.map(|(_, value)| value.as_str()).collect()
    };
    let paging = &resource.page;
    if let Some(name) = &paging.next_header {
        headers(name).first().map(|link| Value::from(*link))
    } else if let Some(path) = &paging.next {
        path.query(page.json()?).first().cloned()
    } else {
        let in_header = headers("link").into_iter().find_map(next_relation);
        in_header.map(Value::from).or_else(|| page.json()?.get("next").cloned())
    }
}

/// The target of `rel="next"` in a `Link` header (RFC 8288 3).
fn next_relation(header: &str) -> Option<String> {
    header.split(',').find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters.split(';').any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
            name.trim().eq_ignore_ascii_case("rel") && relations.any(|r| r.eq_ignore_ascii_case("next"))
        });
        is_next.then(|| target.to_owned())
    })
}

/// Path and query of a link, relative to the request that was answered (RFC 3986 5). The host is not followed: the
/// engine sends to the spec's own alone. Where that has a path of its own (`https://host/api`), the engine puts it in
/// front again. Placeholders in the link remain: the engine sends what they are for, as it was written in the link.
pub(crate) fn path_of_link(spec: &Spec, answered: &Exchange, link: &str) -> Option<Address> {
    let base = Url::parse(&format!("{}{}", answered.request.origin, answered.request.target)).ok()?;
    let url = base.join(link).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let below = |root: &str, path: &str| path.strip_prefix(root).filter(|p| p.starts_with('/')).map(str::to_owned);
    // Whose place was asked, whoever asked: the longest base path that fits.
    let roots = spec.tenants.iter().filter(|tenant| tenant.url.origin() == base.origin());
    let fitting =
        roots.map(|tenant| tenant.url.path().trim_end_matches('/')).filter(|r| below(r, base.path()).is_some());
    let path = below(fitting.max_by_key(|root| root.len())?, url.path())?;
    Some(Address::from(url.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}"))))
}

fn resource_of<'s>(spec: &'s Spec, op: &Operation) -> Option<&'s Resource> {
    op.resource.map(|index| &spec[index])
}
