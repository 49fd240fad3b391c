//! Every page of a list.

mod handed;

use serde_json::Value;
use url::Url;
use watertight_engine::call::{Address, Payload, Request};
use watertight_engine::log::Exchange;
use watertight_engine::{Seen, Tape};
use watertight_spec::{NextPage, Operation, Parameter, Resource, Role, Spec};

use super::{id_of, items, scalar};

/// Bytes of a list's pages, which are in memory until it is judged.
const LONGEST_LIST: usize = 32 << 20;

/// The pages of a list, as far as they were followed.
pub(crate) struct Pages {
    /// In order; never empty.
    pub(crate) pages: Vec<Seen>,
    /// What was asked for each.
    asked: Vec<Request>,
    /// Whether the last page says that there is no further one.
    pub(crate) is_complete: bool,
}

impl Pages {
    /// The last page read.
    pub(crate) fn last(&self) -> Option<&Seen> {
        self.pages.last()
    }

    /// The request of one of these pages.
    pub(crate) fn request_of(&self, page: &Exchange) -> Option<&Request> {
        self.pages.iter().zip(&self.asked).find(|(one, _)| one.seq == page.seq).map(|(_, asked)| asked)
    }

    /// The request of another caller's that asks for the n-th of these pages: its own first one, with what this list says of
    /// the page after the one before. None where that is a count, which is everyone's.
    pub(crate) fn handed_to(&self, t: &Tape, op: &Operation, page: usize, first: &Request) -> Option<Request> {
        handed::to(resource_of(&t.spec, op)?, self, page, first)
    }

    /// Whether the list was shown and yet not read to its end: what it does not show is not known to be absent.
    pub(crate) fn breaks_off(&self) -> bool {
        !self.is_complete && self.pages.first().is_some_and(|page| page.succeeded())
    }
}

/// The request for the first page: a list asks for small pages, so that there is a second one.
pub(crate) fn first_page(spec: &Spec, op: &Operation, request: Request) -> Request {
    let size = resource_of(spec, op).and_then(|resource| resource.page.size.as_deref());
    match size.filter(|size| op.role == Role::List || is_view_of_list(spec, op, &request, size)) {
        None => request,
        Some(size) => {
            let address = request.address.clone().query(size);
            request.to(address)
        }
    }
}

/// Whether a view is the list by another query, which says nothing itself of how long its pages are.
fn is_view_of_list(spec: &Spec, op: &Operation, request: &Request, size: &str) -> bool {
    let name = size.split('=').next().unwrap_or_default();
    op.role == Role::View && is_where_the_list_is(spec, op) && request.address.parameter(name).is_none()
}

fn is_where_the_list_is(spec: &Spec, op: &Operation) -> bool {
    let path_of = |op: &Operation| op.request.path.to_string().split('?').next().map(str::to_owned);
    let is_list = |other: &&Operation| other.role == Role::List && other.resource == op.resource;
    let list = spec.operations.iter().find(is_list);
    list.is_some_and(|list| path_of(list) == path_of(op) && list.request.method == op.request.method)
}

/// Follows a list from its first page until `enough`, its end, `limits.pages`, or more than is kept in memory.
pub(crate) async fn follow(t: &Tape, op: &Operation, first: Request, enough: impl Fn(&Exchange) -> bool) -> Pages {
    let mut pages = Pages { pages: Vec::new(), asked: Vec::new(), is_complete: false };
    let mut length = 0_usize;
    let mut asked = first;
    loop {
        let page = t.send(asked.clone()).await;
        let lists = resource_of(&t.spec, op).filter(|_| is_paged(op));
        if lists.is_some_and(|resource| is_past_the_end(resource, &pages.pages, &page)) {
            return Pages { is_complete: true, ..pages };
        }
        pages.pages.push(Seen::clone(&page));
        pages.asked.push(asked);
        let next = match lists.filter(|_| page.succeeded()) {
            Some(resource) => next_of(&t.spec, resource, &pages),
            None => Next::End,
        };
        asked = match next {
            Next::End => return Pages { is_complete: page.succeeded(), ..pages },
            Next::Lost => return pages,
            // A report, say, at an address of its own, is one page whatever is asked for.
            Next::Repeats => {
                let is_one_page = op.role == Role::View && !is_where_the_list_is(&t.spec, op);
                return Pages { is_complete: is_one_page, ..pages };
            }
            Next::At(request) => *request,
        };
        length = length.saturating_add(page.response().map_or(0, |received| received.length));
        let is_known = pages.asked.iter().any(|known| known.address == asked.address && known.body == asked.body);
        if is_known || enough(&page) || pages.pages.len() >= t.spec.limits.pages || length > LONGEST_LIST {
            return pages;
        }
    }
}

/// Whether pages are counted: then what is created or removed meanwhile moves what is on them.
pub(crate) fn is_counted(spec: &Spec, op: &Operation) -> bool {
    resource_of(spec, op).is_some_and(|of| matches!(of.page.next, NextPage::Number(_) | NextPage::Offset(_)))
}

/// Whether its answer is one page of several.
fn is_paged(op: &Operation) -> bool {
    matches!(op.role, Role::List | Role::Search | Role::View)
}

/// Where pages are counted, what comes after the last one is refused by some targets.
fn is_past_the_end(resource: &Resource, before: &[Seen], page: &Exchange) -> bool {
    let is_counted = matches!(resource.page.next, NextPage::Number(_) | NextPage::Offset(_));
    is_counted && !before.is_empty() && matches!(page.status(), Some(400 | 404 | 416 | 422))
}

/// What a page says of the one after it.
enum Next {
    /// There is none.
    End,
    /// What asks for it.
    At(Box<Request>),
    /// There is one, named in a way that can't be followed.
    Lost,
    /// The same as before: the target does not know the parameter.
    Repeats,
}

fn next_of(spec: &Spec, resource: &Resource, pages: &Pages) -> Next {
    let (Some(page), Some(asked)) = (pages.pages.last(), pages.asked.last()) else { return Next::End };
    // It says that it is JSON, and can't be read: what follows is not known.
    if is_broken_json(page) {
        return Next::Lost;
    }
    let paging = &resource.page;
    let said = paging.more.as_ref().map(|path| page.json().and_then(|json| path.query(json).first().cloned()));
    if said.is_some_and(|said| said != Some(Value::Bool(true))) {
        return Next::End;
    }
    let at = |request: Option<Request>| request.map_or(Next::Lost, |request| Next::At(Box::new(request)));
    let count = |parameter: &Parameter, first: u64, step: u64| {
        let now = value_of(asked, parameter).map_or(Some(first), |written| written.parse().ok());
        let next = now.and_then(|now| now.checked_add(step)).map(Value::from);
        at(next.and_then(|next| with_value(asked, parameter, &next)))
    };
    let items = counted(resource, pages);
    let is_repeated = pages.pages.iter().rev().nth(1).is_some_and(|before| shows_the_same(before, page));
    match &paging.next {
        NextPage::Cursor { parameter, at: path } => {
            match page.json().and_then(|json| path.query(json).first().cloned()) {
                None | Some(Value::Null | Value::Bool(false)) => Next::End,
                Some(Value::String(cursor)) if cursor.is_empty() => Next::End,
                Some(cursor @ (Value::String(_) | Value::Number(_))) => at(with_value(asked, parameter, &cursor)),
                Some(_) => Next::Lost,
            }
        }
        NextPage::Number(_) | NextPage::Offset(_) if items == 0 => Next::End,
        NextPage::Number(_) | NextPage::Offset(_) if is_repeated => Next::Repeats,
        NextPage::Number(parameter) => count(parameter, 1, 1),
        NextPage::Offset(parameter) => count(parameter, 0, u64::try_from(items).unwrap_or(u64::MAX)),
        NextPage::Usual | NextPage::Link(_) | NextPage::Header(_) => match link_to_next(resource, page) {
            None | Some(Value::Null | Value::Bool(false)) if is_said_to_go_on(resource, page) => Next::Lost,
            None | Some(Value::Null | Value::Bool(false)) => Next::End,
            Some(Value::String(link)) if link.is_empty() => Next::End,
            Some(Value::String(link)) => at(path_of_link(spec, page, &link).map(|address| asked.clone().to(address))),
            Some(_) => Next::Lost,
        },
    }
}

/// How many objects the last page has: those with an id, where any page has such. Other lists (columns, facets) are none.
fn counted(resource: &Resource, pages: &Pages) -> usize {
    let of = |page: &Exchange| -> (usize, usize) {
        let items = page.json().map(items).unwrap_or_default();
        (items.iter().filter(|item| id_of(resource, item).is_some()).count(), items.len())
    };
    let have_ids = pages.pages.iter().any(|page| of(page).0 > 0);
    let (with_id, all) = pages.pages.last().map(|page| of(page)).unwrap_or_default();
    let is_empty = pages.pages.last().is_some_and(|page| says_none(page));
    if have_ids || is_empty { with_id } else { all }
}

/// Whether a page says that there is nothing to list, whatever other arrays it has (SCIM's `schemas`, RFC 7644 3.4.2).
fn says_none(page: &Exchange) -> bool {
    const TOTALS: [&str; 5] = ["total", "count", "totalresults", "totalcount", "totalitems"];
    let is_total = |name: &str| TOTALS.contains(&name.replace(['_', '-'], "").to_lowercase().as_str());
    let members = page.json().and_then(Value::as_object);
    members.is_some_and(|all| all.iter().any(|(name, value)| is_total(name) && value.as_u64() == Some(0)))
}

/// Whether two pages have the same in their list, whatever else is beside it: the time, say.
fn shows_the_same(one: &Exchange, other: &Exchange) -> bool {
    let text = |page: &Exchange| page.response().map(|received| received.body.text().to_owned());
    let (listed_before, listed_now) = (listed(one), listed(other));
    match listed_now.is_empty() {
        true => text(one) == text(other),
        false => listed_before == listed_now,
    }
}

fn listed(page: &Exchange) -> Vec<&Value> {
    page.json().map(items).unwrap_or_default()
}

/// What a request has for a parameter, where the file writes it.
fn value_of(asked: &Request, parameter: &Parameter) -> Option<String> {
    match (parameter, &asked.body) {
        (Parameter::Query(name), _) => asked.address.parameter(name),
        (Parameter::Body(members), Some(Payload::Json(json))) => {
            scalar(members.iter().try_fold(json, |json, member| json.get(member))?)
        }
        (Parameter::Body(members), Some(Payload::Form(form))) => {
            let name = members.join(".");
            form.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
        }
        (Parameter::Body(_), _) => None,
    }
}

/// The request with another value for a parameter; none where it has no place for it.
fn with_value(asked: &Request, parameter: &Parameter, value: &Value) -> Option<Request> {
    let text = scalar(value)?;
    match (parameter, asked.body.clone()) {
        (Parameter::Query(name), _) => {
            let address = asked.address.clone().with_parameter(name, &text);
            Some(asked.clone().to(address))
        }
        (Parameter::Body(members), Some(Payload::Json(mut json))) => {
            let mut at = &mut json;
            for member in members {
                at = at.as_object_mut()?.entry(member.clone()).or_insert_with(|| Value::Object(serde_json::Map::new()));
            }
            *at = value.clone();
            Some(asked.clone().bringing(Some(Payload::Json(json))))
        }
        (Parameter::Body(members), Some(Payload::Form(mut form))) => {
            let name = members.join(".");
            form.retain(|(known, _)| *known != name);
            form.push((name, text));
            Some(asked.clone().bringing(Some(Payload::Form(form))))
        }
        (Parameter::Body(_), _) => None,
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
    match &resource.page.next {
        NextPage::Header(name) => headers(name).first().map(|link| Value::from(*link)),
        NextPage::Link(path) => path.query(page.json()?).first().cloned(),
        _ => {
            let in_header = headers("link").into_iter().find_map(next_relation);
            in_header.map(Value::from).or_else(|| usual_link(page.json()?))
        }
    }
}

/// Where bodies name the next page, by habit: JSON:API and others under `links`, HAL under `_links`, OData by a name of its
/// own.
fn usual_link(json: &Value) -> Option<Value> {
    const PLACES: [&str; 6] =
        ["/next", "/links/next", "/links/next/href", "/_links/next/href", "/@odata.nextLink", "/paging/next"];
    let found = PLACES.iter().filter_map(|place| json.pointer(place)).find(|value| !value.is_object());
    found.cloned()
}

/// Whether a page says, in words that no key under `page` explains, that there are more.
fn is_said_to_go_on(resource: &Resource, page: &Exchange) -> bool {
    const SAY_SO: [&str; 6] = ["has_more", "hasMore", "has_next", "hasNext", "hasNextPage", "more"];
    const TOKENS: [&str; 6] =
        ["next_cursor", "nextCursor", "next_page_token", "nextPageToken", "continuationToken", "next_token"];
    if !matches!(resource.page.next, NextPage::Usual) || resource.page.more.is_some() {
        return false;
    }
    let is_said = |members: &serde_json::Map<String, Value>| {
        members.iter().any(|(name, value)| match value {
            Value::Bool(is_so) => *is_so && SAY_SO.contains(&name.as_str()),
            Value::String(token) => !token.is_empty() && TOKENS.contains(&name.as_str()),
            _ => false,
        })
    };
    let Some(Value::Object(members)) = page.json() else { return false };
    is_said(members) || members.values().filter_map(Value::as_object).any(is_said)
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
