//! Which object a link names, by the requests that the spec has for objects of its kind.

use percent_encoding::percent_decode_str;
use url::Url;
use watertight_spec::{ObjectId, Operation, ResourceIx, Role, Spec, Symbol};

use crate::log::Exchange;

/// The object of a kind that a link in an answer, or its `Location`, leads to. None where it leads elsewhere.
pub fn object_at(spec: &Spec, resource: ResourceIx, answer: &Exchange, link: &str) -> Option<ObjectId> {
    let base = Url::parse(&format!("{}{}", answer.request.origin, answer.request.target)).ok()?;
    let url = base.join(link).ok().filter(|url| url.origin() == base.origin())?;
    let roots = spec.tenants.iter().filter(|tenant| tenant.url.origin() == base.origin());
    let mut roots = roots.map(|tenant| tenant.url.path().trim_end_matches('/'));
    let is_of_it = |op: &&Operation| {
        let is_role = matches!(op.role, Role::Read | Role::Replace | Role::Patch | Role::Delete);
        is_role && op.resource == Some(resource)
    };
    let named = |root: &str| {
        let path = url.path().strip_prefix(root)?;
        let whole = url.query().map(|query| format!("{path}?{query}"));
        // A link may say more in its query than the request does: `/cases/7?made=1`.
        let addresses = whole.iter().map(String::as_str).chain([path]);
        // In `/cases/new`, beside a request for that very path, `new` is no id.
        let is_own = |op: &&Operation| !op.request.path.mentions(&Symbol::Object(resource));
        let mut others = spec.operations.iter().filter(is_own);
        if others.any(|op| addresses.clone().any(|address| op.request.path.fits(address))) {
            return None;
        }
        let forms = spec.operations.iter().filter(is_of_it).map(|op| &op.request.path);
        let id = forms.flat_map(|form| addresses.clone().filter_map(|a| form.value_in(&Symbol::Object(resource), a)));
        let decoded = id.map(|id| percent_decode_str(id).decode_utf8_lossy().into_owned());
        decoded.map(ObjectId::text).next()
    };
    roots.find_map(named)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::log::{Body, Outcome, Received};

    const SPEC: &str = r#"
[target]
name = "t"
url = "http://127.0.0.1:1/app"
[tenancy]
locator = "token"
[[tenant]]
id = "north"
principal = [{ name = "p", grant = "basic", username = "n", password = "$N" }]
[[tenant]]
id = "south"
principal = [{ name = "p", grant = "basic", username = "s", password = "$S" }]
[[resource]]
name = "course"
list = "GET /courses/"
create = { request = "POST /courses/new/", form = { title = "{canary}" } }
read = "GET /courses/{course}/"
delete = { request = "POST /delete.php?course={course}", form = {} }
methods = ["list", "create", "read", "delete"]
"#;

    #[test]
    fn a_link_names_an_object_where_a_request_for_one_has_that_form() {
        let env = BTreeMap::from([("N".to_owned(), "n".to_owned()), ("S".to_owned(), "s".to_owned())]);
        let today = time::macros::date!(2026 - 01 - 01);
        let spec = watertight_spec::parse(Path::new("t.toml"), SPEC, &env, today).unwrap();
        let course = spec.resource_ixs().next().unwrap();
        let mut answer = Exchange::unanswered();
        answer.request.origin = "http://127.0.0.1:1".to_owned();
        answer.request.target = "/app/courses/".to_owned();
        let headers = Vec::new();
        answer.outcome = Outcome::Response(Received { status: 302, headers, body: Body::default(), length: 0 });
        let named = |link: &str| object_at(&spec, course, &answer, link).map(|id| id.to_string());
        for link in [
            "/app/courses/a%20b/",
            "http://127.0.0.1:1/app/courses/a%20b/?made=1",
            "a%20b/#top",
            "/app/delete.php?course=a%20b",
        ] {
            assert_eq!(named(link).as_deref(), Some("a b"), "{link}");
        }
        for link in [
            "/app/courses/",
            "/app/courses/new/",
            "/app/courses/7/edit/",
            "/courses/7/",
            "http://other.example/app/courses/7/",
            "/app/delete.php?course=7&sure=1",
            "/app/login",
            "javascript:void(0)",
        ] {
            assert_eq!(named(link), None, "{link}");
        }
    }
}
