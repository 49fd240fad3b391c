//! What one caller is told of its next page, in the request of another.

use watertight_engine::call::Request;
use watertight_spec::{NextPage, Resource};

use super::{Pages, with_value};

/// Another's first request, with what leads to a page of this list. None where that is a count, or is written where the
/// other's request has something else.
pub(super) fn to(resource: &Resource, pages: &Pages, page: usize, first: &Request) -> Option<Request> {
    let before = page.checked_sub(1)?;
    match &resource.page.next {
        NextPage::Number(_) | NextPage::Offset(_) => None,
        NextPage::Cursor { parameter, at } => {
            let cursor = at.query(pages.pages.get(before)?.json()?).first().cloned()?;
            let is_count = cursor.as_u64().is_some() || cursor.as_str().is_some_and(is_count);
            if is_count { None } else { with_value(first, parameter, &cursor) }
        }
        NextPage::Usual | NextPage::Link(_) | NextPage::Header(_) => {
            by_link(pages.asked.first()?, pages.asked.get(page)?, first)
        }
    }
}

fn by_link(own_first: &Request, linked: &Request, first: &Request) -> Option<Request> {
    let (begins, leads, mine) = (own_first.address.shown(), linked.address.shown(), first.address.shown());
    let known = parameters(&begins);
    let new: Vec<&str> = parameters(&leads).into_iter().filter(|one| !known.contains(one)).collect();
    let is_count_alone = new.iter().all(|one| one.split_once('=').is_some_and(|(_, value)| is_count(value)));
    let is_same_path = path(&begins) == path(&leads);
    if is_same_path && is_count_alone {
        return None;
    }
    // The two ask for the same but for their credentials.
    if begins == mine {
        return Some(first.clone().to(linked.address.clone()));
    }
    let name = |one: &&str| one.split('=').next().unwrap_or_default().to_owned();
    let is_free = new.iter().all(|one| first.address.parameter(&name(one)).is_none());
    (is_same_path && is_free).then(|| first.clone().to(first.address.clone().query(&new.join("&"))))
}

fn path(address: &str) -> &str {
    address.split('?').next().unwrap_or(address)
}

fn parameters(address: &str) -> Vec<&str> {
    address.split_once('?').map(|(_, query)| query.split('&').collect()).unwrap_or_default()
}

/// Digits of the number of a page, or of an offset.
const LONGEST_COUNT: usize = 6;

fn is_count(value: &str) -> bool {
    (1..=LONGEST_COUNT).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use watertight_engine::call::Caller;

    use super::*;

    fn asked(address: &str) -> Request {
        Request::read(Caller::Anonymous, serde_json::from_str("0").unwrap(), "GET", address)
    }

    fn handed(begins: &str, leads: &str, mine: &str) -> Option<String> {
        by_link(&asked(begins), &asked(leads), &asked(mine)).map(|request| request.address.shown())
    }

    #[test]
    fn what_leads_on_is_taken_from_the_link_and_the_rest_is_the_others_own() {
        assert_eq!(handed("/a?n=2", "/a?n=2&cursor=x%3D", "/a?n=2").unwrap(), "/a?n=2&cursor=x%3D");
        assert_eq!(handed("/north/a?n=2", "/north/a?cursor=x&n=2", "/south/a?n=2").unwrap(), "/south/a?n=2&cursor=x");
        assert_eq!(handed("/a", "/scroll/xyz", "/a").unwrap(), "/scroll/xyz");
        assert_eq!(handed("/a?org=north", "/a?org=north&after=k", "/a?org=south").unwrap(), "/a?org=south&after=k");
    }

    #[test]
    fn a_count_is_everyones() {
        assert_eq!(handed("/a?n=2", "/a?n=2&page=2", "/a?n=2"), None);
        assert_eq!(handed("/a", "/a?offset=20&limit=20", "/a"), None);
        assert_eq!(handed("/north/a", "/scroll/xyz", "/south/a"), None);
    }
}
