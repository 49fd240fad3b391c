//! Mistakes in resources, operations and exclusions.

use super::{and, each, said};

#[test]
fn resources() {
    insta::assert_snapshot!(each(&[
        ("name = \"case\"", ""),
        ("name = \"case\"", "name = \"tenant\""),
        ("name = \"case\"", "name = \"a case\""),
        ("path = \"/tenants/{tenant}/cases\"", ""),
        ("path = \"/tenants", "path = \"tenants"),
        ("/tenants/{tenant}/cases", "/tenants/{tenant}/cases?x=1"),
        ("/tenants/{tenant}/cases", "/tenants/{tenant}/a case"),
        ("create = { title = \"{canary}\" }", ""),
        ("create = { title = \"{canary}\" }", "create = \"{canary}\""),
        ("create = { title = \"{canary}\" }", "existing = { nroth = \"case-1\", south = \"\" }"),
        ("create = { title = \"{canary}\" }", "existing = { north = \"1\" }\nmethods = [\"read\", \"delete\", \"export\"]"),
        ("create = { title = \"{canary}\" }", "existing = \"lsited\"\ndisposable = \"yes\""),
        ("create = { title = \"{canary}\" }", "existing = { north = [], south = [\"1\", \"2\"] }\ndisposable = true"),
        ("create = {", "disposable = true\ncreate = {"),
        ("create = { title = \"{canary}\" }", "create = { title = \"x\" }\nmethods = [\"patch\"]"),
        ("create = {", "id = \"id\"\nids = \"mine\"\ncreate = {"),
        ("create = {", "page = { size = \"2\", next = \"$.n\", next_header = \"Next\" }\ncreate = {"),
        ("create = {", "search = \"DELETE /tenants/{tenant}/cases\"\ncount = \"/count\"\ncreate = {"),
        ("create = {", "views = { list = \"GET /x\", \"a b\" = \"GET /y\", put = \"PUT /z\", own = \"GET /{case}\" }\ncreate = {"),
    ]), @r#"
    27: `[[resource]]` [[resource]] has no `name` → add `name = "case"`

    28: `"tenant"` `tenant` is a symbol already → choose another name

    28: `"a case"` `a case` cannot name a resource → letters, digits, `-` and `_`, a letter first: paths name it `{case}`

    27: `[[resource]]` [[resource]] has no `path` → add `path = "/tenants/{tenant}/cases"`

    29: `"tenants/{tenant}/cases"` a path begins with one `/` → for example "/tenants/{tenant}/cases"

    29: `"/tenants/{tenant}/cases?x=1"` a collection's path has no query → a collection's path alone: `/{case}` is appended to it for an object

    29: `"/tenants/{tenant}/a case"` ` ` cannot be in a path → percent-encode it

    27: `[[resource]]` no objects: neither `create` nor `existing` → add `create = { title = "{canary}" }`, or where nothing may be created `existing = { agency-north = "case-1", agency-south = "case-9" }`

    30: `"{canary}"` this is no request → method, space, path: "GET /me"

    30: `nroth` `nroth` is no [[tenant]] → did you mean `north`?
    30: `""` this is empty → write a value, or leave the key out

    31: `"delete"` this needs `create` → add `create`, or leave this out: objects that the run has not made are changed only where they are `disposable`
    31: `"export"` `export` is not known here → one of: list, create, read, replace, patch, delete

    30: `"lsited"` `lsited` is not known here → did you mean `listed`?
    31: `"yes"` `disposable` must be true or false, without quotes, not a string → for example true

    30: `[]` a list of one to 50 ids goes here → ["case-1", "case-2"]

    30: `disposable` `disposable` without `existing` → leave it out: what the run has made, it may change

    31: `"patch"` nothing to patch with: no member of `create` holds `{canary}` → add `update = { title = "{canary}" }`

    30: `"id"` `id` is no JSONPath → RFC 9535, from the root `$`: "$.data.id"
    31: `"mine"` `mine` is not known here → one of: server, client

    30: `"2"` `2` is no query parameter → name and value: "limit=2"
    30: `next_header` both `next` and `next_header` → keep the one that names the next page

    30: `"DELETE /tenants/{tenant}/cases"` what is under `search` reads, DELETE does not → GET or POST
    31: `"/count"` this is no request → method, space, path: "GET /me"

    30: `list` `list` is what another operation is called → choose another name
    30: `"a b"` `a b` cannot name a view → letters, digits, `-` and `_`
    30: `"PUT /z"` what is under `views` reads, PUT does not → GET or POST
    30: `{case}` `{case}` has no value here → allowed here: {tenant}, {canary.public}, {unique}
    "#);
}

#[test]
fn parents() {
    insta::assert_snapshot!([
        and("[[resource]]\nname = \"task\"\nparent = \"csae\"\ncreate = { a = \"{canary}\" }"),
        and("[[resource]]\nname = \"a\"\nparent = \"b\"\ncreate = { a = \"{canary}\" }\n[[resource]]\nname = \"b\"\nparent = \"a\"\ncreate = { a = \"{canary}\" }"),
        and("[[resource]]\nname = \"a\"\nparent = \"a\"\ncreate = { a = \"{canary}\" }"),
        and("[[resource]]\nname = \"case\"\npath = \"/tenants/{tenant}/others\"\ncreate = { a = \"{canary}\" }"),
    ].join("\n\n"), @r#"
    33: `"csae"` `csae` is no [[resource]] → did you mean `case`?

    33: `"b"` this resource is its own ancestor → leave out `parent` in the outermost, and give that one a `path`

    33: `"a"` this resource is its own ancestor → leave out `parent` in the outermost, and give that one a `path`

    32: `"case"` two resources have the name `case` → give each its own
    "#);
}

#[test]
fn templates() {
    insta::assert_snapshot!(each(&[
        ("{tenant}", "{tennant}"),
        ("{tenant}", "{tenant"),
        ("{tenant}", "tenant}"),
        ("{tenant}/cases", "{tenant}/cases/{case}"),
        ("{tenant}/cases", "{tenant}/{canary}"),
        ("{canary}", "{canry} and {what}"),
        ("{canary}", "{canary} {now+1} {now+250ms} {today-5h}"),
        ("{canary}", "{canary} {"),
        ("{canary}", "{case}"),
        ("create = { title = \"{canary}\" }", "ids = \"server\"\ncreate = { id = \"{case}\" }"),
        ("\"{canary}\"", "\"\\u0041 {oops}\""),
        ("\"{canary}\"", "1979-05-27"),
        ("\"{canary}\"", "[nan, \"{oops}\"]"),
        ("create =", "search = \"GET /tenants/{tenant}/s?q={canary}\"\ncreate ="),
        ("create =", "count = \"GET /tenants/{tenant}/cases/{case}\"\ncreate ="),
    ]), @r#"
    29: `{tennant}` `{tennant}` is no symbol → did you mean `tenant`?

    29: `{` this brace has no matching brace → close it: `{tenant}`

    29: `}` this brace has no matching brace → close it: `{tenant}`

    29: `{case}` `{case}` has no value here → allowed here: {tenant}

    29: `{canary}` `{canary}` can be in bodies only → write `{canary.public}`, its searchable half

    30: `{canry}` `{canry}` is no symbol → did you mean `canary`?
    30: `{what}` `{what}` is no symbol → one of: tenant, tenant.name, canary, canary.public, unique, case, uuid, int, number, email, slug, date, now, today

    30: `{now+1}` `{now+1}` is no moment → a number and a unit: `{now+1h}`, `{now-1h}`
    30: `{now+250ms}` `{now+250ms}` is between two seconds → write whole seconds
    30: `{today-5h}` `{today-5h}` is between two days → write whole days, `{today+3d}`, or a time, `{now+36h}`

    30: `{` this brace has no matching brace → close it: `{canary}`; a brace itself is written twice: `{{`

    30: `create` what is created is named, and not in `id`, its id → as its id alone: `id = "$.key"` and `create = { key = "{case}", title = "{canary}" }`

    31: `create` what is created is named, and the server chooses its id → leave `ids` out, or name another object

    30: `"\u0041 {oops}"` `{oops}` is no symbol → one of: tenant, tenant.name, canary, canary.public, unique, case, uuid, int, number, email, slug, date, now, today

    30: `1979-05-27` JSON has no dates → put it in quotes

    30: `nan` JSON has no such number → a finite number of at most 64 bits
    30: `{oops}` `{oops}` is no symbol → one of: tenant, tenant.name, canary, canary.public, unique, case, uuid, int, number, email, slug, date, now, today

    30: `{canary}` `{canary}` can be in bodies only → write `{canary.public}`, its searchable half

    30: `{case}` `{case}` has no value here → allowed here: {tenant}, {canary.public}, {unique}
    "#);
}

#[test]
fn what_an_operation_changes() {
    let of = |rest: &str| and(&format!("[[operation]]\nname = \"a\"\nrequest = \"POST /x\"\n{rest}"));
    insta::assert_snapshot!([
        of("effect = \"read\"\nchanges = [\"case\"]"),
        of("effect = \"change\"\nchanges = \"case\""),
        of("effect = \"change\"\nchanges = [\"cases\", 7]"),
        of("effect = \"change\"\nchanges = [\"user\"]\n[[resource]]\nname = \"user\"\npath = \"/users\"\nexisting = { north = \"1\", south = \"2\" }"),
    ].join("\n\n"), @r#"
    35: `changes` what has this effect changes nothing → add `effect = "change"` or "destroy", or leave `changes` out

    35: `"case"` this must be a list of resources, not a string → for example ["task"]

    35: `"cases"` `cases` is no resource → did you mean `case`?
    35: `7` this must be a string, not an integer → for example "text in quotes"

    35: `"user"` no user is made by the run, so none can be seen to change → name a resource that is created, or leave it out
    "#);
}

#[test]
fn what_an_operation_comes_after_and_concerns() {
    let of = |rest: &str| {
        and(&format!("[[operation]]\nname = \"a\"\nrequest = \"POST /tenants/{{tenant}}/cases/{{case}}/x\"\n{rest}"))
    };
    insta::assert_snapshot!([
        of("effect = \"read\"\nafter = \"case.create\""),
        of("effect = \"change\"\nafter = \"case.creat\""),
        of("effect = \"change\"\nafter = \"a\""),
        of("effect = \"change\"\nconcerns = \"user\""),
        of("effect = \"change\"\nconcerns = 7"),
    ].join("\n\n"), @r#"
    35: `after` what has this effect undoes nothing → add `effect = "change"` or "destroy", or leave `after` out

    35: `"case.creat"` `case.creat` is no operation before this one → did you mean `case.create`?

    35: `"a"` `a` is no operation before this one → one of: case.list, case.create, case.read, case.replace, case.patch, case.delete

    35: `"user"` the request names no `user` → one of the resources that the request names in braces

    35: `7` this must be a string, not an integer → for example "text in quotes"
    "#);
}

#[test]
fn operations() {
    insta::assert_snapshot!([
        and("[[operation]]\nname = \"close\"\nrequest = \"POST /tenants/{tenant}/cases/{case}/close\""),
        and("[[operation]]\nname = \"case.read\"\nrequest = \"GET /x\""),
        and("[[operation]]\nname = \"a b\"\nrequest = \"get /x\"\neffect = \"write\""),
        and("[[operation]]\nname = \"a\"\nrequest = \"TRACE /x\"\n[[operation]]\nname = \"a\"\nrequest = \"GET\""),
        and("[[operation]]\nname = \"a\"\nrequest = \"GET /x\"\nbody = { of = \"{case}\" }\ntext = \"{case}\""),
        and("[[operation]]\nname = \"a\"\nrequest = \"GET /x\"\nbody = { of = \"{case}\" }\ntype = \"text/csv\""),
        and("[[operation]]\nname = \"a\"\nrequest = \"GET /x\"\nheaders = { \"a b\" = \"{case}\", X-Of = \"{canary}\", X-Case = 7 }"),
    ].join("\n\n"), @r#"
    31: `[[operation]]` POST may write, and no `effect` says what → add `effect = "read"`, "create", "change" or "destroy": production sends only reads

    32: `"case.read"` `case.read` names another operation already → give each its own name; resources name theirs `case.read`

    32: `"a b"` `a b` cannot name an operation → letters, digits, `-`, `_` and `.`
    33: `get` `get` is no method that is sent here → did you mean `GET`?
    34: `"write"` `write` is not known here → one of: read, create, change, destroy

    33: `TRACE` `TRACE` is no method that is sent here → one of: GET, HEAD, POST, PUT, PATCH, DELETE
    35: `"a"` `a` names another operation already → give each its own name; resources name theirs `case.read`
    36: `"GET"` this is no request → method, space, path: "GET /me"

    35: `text` both `body` and `text` → a request has one body: leave one out

    35: `type` `type` without `text` → add `text`, or leave it out

    34: `"a b"` `a b` is no header name → letters, digits and `-`: "X-Tenant-Id"
    34: `{canary}` `{canary}` can be in bodies only → write `{canary.public}`, its searchable half
    34: `7` this must be a string, not an integer → for example "text in quotes"
    "#);
}

#[test]
fn exclusions() {
    insta::assert_snapshot!([
        and("[[exclude]]\ncheck = \"api.path-spelling\""),
        and("[[exclude]]\ncheck = \"a.b\"\nreason = \"r\"\nexpires = 2026-06-14"),
        and("[[exclude]]\ncheck = \"a.b\"\nreason = \"r\"\nexpires = \"2027-01-31\""),
        and("[[exclude]]\ncheck = \"a.b\"\nreason = \"\"\nexpires = 2027-01-31T00:00:00Z\noperation = \"case.raed\""),
    ].join("\n\n"), @r#"
    31: `[[exclude]]` [[exclude]] has no `expires` → add `expires = 2027-01-31`
    31: `[[exclude]]` [[exclude]] has no `reason` → add `reason = "the proxy normalises paths; ticket 123"`

    34: `2026-06-14` this exclusion expired: today is 2026-06-15 → fix what it leaves out and delete it, or give it a later day

    34: `"2027-01-31"` `expires` must be a date without quotes and time, not a string → for example 2027-01-31

    33: `""` this is empty → write a value, or leave the key out
    34: `2027-01-31T00:00:00Z` `expires` must be a date without quotes and time, not a date and time → for example 2027-01-31
    35: `"case.raed"` no operation is named `case.raed` → did you mean `case.read`?
    "#);
}

#[test]
fn described_requests() {
    insta::assert_snapshot!(each(&[
        ("path = \"/tenants/{tenant}/cases\"", "list = \"GET /case.list?of={tenant}\""),
        ("create = {", "read = \"GET /tenants/{tenant}/case.get\"\ncreate = {"),
        ("create = {", "list = \"GET /tenants/{tenant}/case.list?id={case}\"\ncreate = {"),
        ("create = {", "patch = { body = { title = \"{canary}\" } }\ncreate = {"),
        ("create = {", "create = { request = \"POST /x\", graphql = \"{ x }\", variables = { a = \"{b}\" } }\n# {"),
        ("create = {", "create = { of = \"{person}\", title = \"{canary}\" }\n[[resource]]\nname = \"person\"\npath = \"/people\"\ncreate = { of = \"{case}\" }\n# {"),
    ]), @r#"
    30: `create` this is a body, and nothing says where it is sent → add `path`, or say where it is sent: { request = "POST /cases", body = { title = "{canary}" } }

    30: `"GET /tenants/{tenant}/case.get"` this names no `{case}` → write `{case}` where the id is, as in "GET /case.get?id={case}"; what has no id of its own is an [[operation]] of what it joins

    30: `{case}` `{case}` has no value here → allowed here: {tenant}, {canary.public}, {unique}

    30: `{ body = { title = "{canary}" } }` a request has no `request` → add `request = "POST /cases"`

    30: `{b}` `{b}` is no symbol → one of: tenant, tenant.name, canary, canary.public, unique, case, uuid, int, number, email, slug, date, now, today

    27: `[[resource]]` these need each other: case, person → one of them must be made without naming another: leave its symbol out there
    "#);
}

#[test]
fn names_of_files() {
    let named = |name: &str| {
        let request = "POST /tenants/{tenant}/cases";
        let file = format!("{{ name = \"{name}\", text = \"{{canary}}\" }}");
        let create = format!("create = {{ request = \"{request}\", multipart = {{ file = {file} }} }}");
        said(&[("create = { title = \"{canary}\" }", &create)])
    };
    insta::assert_snapshot!([named("{tenant}.txt"), named("a/é.txt"), named("")].join("\n\n"), @r#"
    30: `"{tenant}.txt"` a file's name may hold what is made up for it, and nothing else → `{unique}`, `{canary}` or a value of some form, `{slug}`

    30: `"a/é.txt"` `a/é.txt` is no name of a file → ASCII without quotes, backslashes and braces: "notes.txt"

    30: `""` this is empty → write a value, or leave the key out
    "#);
}
