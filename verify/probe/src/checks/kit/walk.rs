//! Every page of a list.

use url::Url;
use watertight_spec::{Operation, Resource, Role, Spec};

use crate::request::Request;
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;

/// The pages of a list, as far as they were followed.
pub(crate) struct Walk<'t> {
    /// In order; never empty.
    pub(crate) pages: Vec<&'t Exchange>,
    /// Whether there was no further page.
    pub(crate) is_complete: bool,
}

impl<'t> Walk<'t> {
    /// The last page read.
    pub(crate) fn last(&self) -> Option<&'t Exchange> {
        self.pages.last().copied()
    }
}

/// The request for the first page: a list asks for small pages, so that there is a second one.
pub(crate) fn first_page(spec: &Spec, op: &Operation, request: Request) -> Request {
    let size = resource_of(spec, op).and_then(|resource| resource.page.size.as_deref());
    match size.filter(|_| op.role == Role::List) {
        None => request,
        Some(size) => {
            let joint = if request.target.contains('?') { '&' } else { '?' };
            Request { target: format!("{}{joint}{size}", request.target), ..request }
        }
    }
}

/// Follows a list from its first page until `enough`, its end, or `limits.pages`.
pub(crate) fn walk<'t>(
    t: &Tape<'t>,
    op: &Operation,
    first: Request,
    enough: impl Fn(&Exchange) -> bool,
) -> Result<Walk<'t>, Halt> {
    let mut targets = vec![first.target.clone()];
    let mut pages = vec![t.send(first.clone())?];
    loop {
        let Some(page) = pages.last().copied() else { return Ok(Walk { pages, is_complete: false }) };
        let next = resource_of(t.spec, op).filter(|_| page.succeeded()).and_then(|r| next_page(t.spec, r, page));
        let Some(target) = next else { return Ok(Walk { pages, is_complete: page.succeeded() }) };
        if enough(page) || pages.len() >= t.spec.limits.pages || targets.contains(&target) {
            return Ok(Walk { pages, is_complete: false });
        }
        pages.push(t.send(Request { target: target.clone(), ..first.clone() })?);
        targets.push(target);
    }
}

/// The path and query of the page after this one, as the answer names it.
pub(crate) fn next_page(spec: &Spec, resource: &Resource, page: &Exchange) -> Option<String> {
    let received = page.response()?;
    let headers = |wanted: &str| -> Vec<&str> {
        let named = received.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named.map(|(_, value)| value.as_str()).collect()
    };
    let in_body = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let paging = &resource.page;
    let link = if let Some(name) = &paging.next_header {
        headers(name).first().map(|link| (*link).to_owned())
    } else if let Some(path) = &paging.next {
        in_body(path.query(&page.json()?).first()?.as_str())
    } else {
        headers("link").into_iter().find_map(next_relation).or_else(|| in_body(page.json()?.get("next")?.as_str()))
    };
    path_of_link(spec, page, &link?)
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
/// session sends to the spec's own alone. Where that has a path of its own (`https://host/api`), the session puts it in
/// front again.
pub(crate) fn path_of_link(spec: &Spec, answered: &Exchange, link: &str) -> Option<String> {
    let base = Url::parse(&format!("{}{}", answered.request.origin, answered.request.target)).ok()?;
    let url = base.join(link).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let root = answered.tenant.and_then(|index| spec.tenants.get(index)).map_or("", |tenant| tenant.url.path());
    let path = url.path().strip_prefix(root.trim_end_matches('/')).filter(|path| path.starts_with('/'))?;
    Some(url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
}

fn resource_of<'s>(spec: &'s Spec, op: &Operation) -> Option<&'s Resource> {
    op.resource.and_then(|index| spec.resources.get(index))
}
