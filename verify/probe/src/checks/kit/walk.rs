//! Every page of a list.

use serde_json::Value;
use url::Url;
use watertight_spec::{Operation, Resource, Role, Spec};

use crate::request::Request;
use crate::tape::{Halt, Tape};
use crate::trace::Exchange;

/// The pages of a list, as far as they were followed.
pub(crate) struct Walk<'t> {
    /// In order; never empty.
    pub(crate) pages: Vec<&'t Exchange>,
    /// Whether the last page says that there is no further one.
    pub(crate) is_complete: bool,
}

impl<'t> Walk<'t> {
    /// The last page read.
    pub(crate) fn last(&self) -> Option<&'t Exchange> {
        self.pages.last().copied()
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
        let lists = resource_of(t.spec, op).filter(|_| page.succeeded() && is_paged(op));
        let target = match lists.map_or(Next::End, |resource| next_of(t.spec, resource, page)) {
            Next::End => return Ok(Walk { is_complete: page.succeeded(), pages }),
            Next::At(target) if !targets.contains(&target) => target,
            Next::At(_) | Next::Lost => return Ok(Walk { pages, is_complete: false }),
        };
        if enough(page) || pages.len() >= t.spec.limits.pages {
            return Ok(Walk { pages, is_complete: false });
        }
        pages.push(t.send(Request { target: target.clone(), ..first.clone() })?);
        targets.push(target);
    }
}

/// Whether its answer is one page of several.
fn is_paged(op: &Operation) -> bool {
    matches!(op.role, Role::List | Role::Search)
}

/// What a page says of the one after it.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// There is none.
    End,
    /// Its path and query.
    At(String),
    /// There is one, named in a way that can't be followed.
    Lost,
}

/// The path and query of the page after this one, if it can be followed.
pub(crate) fn next_page(spec: &Spec, resource: &Resource, page: &Exchange) -> Option<String> {
    match next_of(spec, resource, page) {
        Next::At(target) => Some(target),
        Next::End | Next::Lost => None,
    }
}

fn next_of(spec: &Spec, resource: &Resource, page: &Exchange) -> Next {
    match link_to_next(resource, page) {
        None | Some(Value::Null | Value::Bool(false)) => Next::End,
        Some(Value::String(link)) if link.is_empty() => Next::End,
        Some(Value::String(link)) => path_of_link(spec, page, &link).map_or(Next::Lost, Next::At),
        Some(_) => Next::Lost,
    }
}

/// What stands where a page names the next one.
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
        path.query(&page.json()?).first().map(|link| (*link).clone())
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
/// session sends to the spec's own alone. Where that has a path of its own (`https://host/api`), the session puts it in
/// front again.
pub(crate) fn path_of_link(spec: &Spec, answered: &Exchange, link: &str) -> Option<String> {
    let base = Url::parse(&format!("{}{}", answered.request.origin, answered.request.target)).ok()?;
    let url = base.join(link).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let below = |root: &str, path: &str| path.strip_prefix(root).filter(|p| p.starts_with('/')).map(str::to_owned);
    // Whose place was asked, whoever asked: the longest base path that fits.
    let roots = spec.tenants.iter().filter(|tenant| tenant.url.origin() == base.origin());
    let fitting =
        roots.map(|tenant| tenant.url.path().trim_end_matches('/')).filter(|r| below(r, base.path()).is_some());
    let path = below(fitting.max_by_key(|root| root.len())?, url.path())?;
    Some(url.query().map_or_else(|| path.clone(), |query| format!("{path}?{query}")))
}

fn resource_of<'s>(spec: &'s Spec, op: &Operation) -> Option<&'s Resource> {
    op.resource.and_then(|index| spec.resources.get(index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::testbed::{answered, parsed};

    #[test]
    fn a_link_is_resolved_below_the_base_path_that_was_asked_whoever_asked() {
        let spec = parsed(
            r#"
            [target]
            name = "bases"
            url = "http://127.0.0.1:1"
            environment = "test"
            [tenancy]
            locator = "token"
            [[tenant]]
            id = "north"
            url = "http://127.0.0.1:1/a"
            [[tenant.principal]]
            name = "service"
            grant = "header"
            header = "X-Api-Key"
            value = "$NORTH"
            [[tenant]]
            id = "south"
            url = "http://127.0.0.1:1/b"
            [[tenant.principal]]
            name = "service"
            grant = "header"
            header = "X-Api-Key"
            value = "$SOUTH"
            [[resource]]
            name = "case"
            path = "/cases"
            create = { title = "{canary}" }
            "#,
        );
        let at_souths = answered(Some(0), "/b/cases?limit=2", "");
        assert_eq!(path_of_link(&spec, &at_souths, "?from=2").as_deref(), Some("/cases?from=2"));
        assert_eq!(path_of_link(&spec, &at_souths, "/b/cases?from=2").as_deref(), Some("/cases?from=2"));
        assert_eq!(path_of_link(&spec, &at_souths, "/cases?from=2"), None);
    }
}
