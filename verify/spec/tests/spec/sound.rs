//! What a sound spec becomes.

use std::time::Duration;

use secrecy::ExposeSecret;
use watertight_spec::*;

use crate::examples::{FULL, sound};

fn operations(spec: &Spec) -> Vec<String> {
    spec.operations.iter().map(|operation| format!("{} = {}", operation.name, operation.label())).collect()
}

#[test]
fn a_few_lines_imply_every_operation() {
    insta::assert_snapshot!(operations(&sound(FULL)).join("\n"), @r"
    case.list = GET /tenants/{tenant}/cases
    case.create = POST /tenants/{tenant}/cases
    case.read = GET /tenants/{tenant}/cases/{case}
    case.replace = PUT /tenants/{tenant}/cases/{case}
    case.patch = PATCH /tenants/{tenant}/cases/{case}
    case.delete = DELETE /tenants/{tenant}/cases/{case}
    case.search = GET /tenants/{tenant}/search?q={canary.public}
    case.count = GET /tenants/{tenant}/cases/facets
    task.list = GET /tenants/{tenant}/cases/{case}/tasks
    task.create = POST /tenants/{tenant}/cases/{case}/tasks
    task.read = GET /tenants/{tenant}/cases/{case}/tasks/{task}
    task.replace = PUT /tenants/{tenant}/cases/{case}/tasks/{task}
    task.patch = PATCH /tenants/{tenant}/cases/{case}/tasks/{task}
    task.delete = DELETE /tenants/{tenant}/cases/{case}/tasks/{task}
    user.list = GET /tenants/{tenant}/users
    user.read = GET /tenants/{tenant}/users/{user}
    folder.create = PUT /tenants/{tenant}/folders/{folder}
    folder.read = GET /tenants/{tenant}/folders/{folder}
    folder.delete = DELETE /tenants/{tenant}/folders/{folder}
    close-case = POST /tenants/{tenant}/cases/{case}/close
    health = GET /health
    ");
}

fn named<'s>(spec: &'s Spec, name: &str) -> &'s Operation {
    spec.operations.iter().find(|operation| operation.name == name).unwrap()
}

#[test]
fn parents_come_before_children_and_symbols_point_at_them() {
    let spec = sound(FULL);
    let names: Vec<_> = spec.resources.iter().map(|resource| resource.name.as_str()).collect();
    assert_eq!(names, ["case", "task", "user", "folder"]);
    let case = spec.resource_ixs().next().unwrap();
    assert_eq!(spec.resources[1].parent, Some(case));
    assert!(named(&spec, "task.read").request.path.mentions(&Symbol::Object(case)));
    let close = named(&spec, "close-case");
    assert_eq!((close.resource, close.role, close.effect), (Some(case), Role::Custom, Effect::Change));
    assert_eq!(close.changes.iter().map(|kind| spec[*kind].name.as_str()).collect::<Vec<_>>(), ["task"]);
}

#[test]
fn a_body_keeps_its_order_and_doubled_braces_are_braces() {
    let spec = sound(FULL);
    let Some(BodyTemplate::Json(body)) = &named(&spec, "task.create").request.body else { panic!("no body") };
    let JsonTemplate::Object(members) = body else { panic!("no object") };
    let names: Vec<_> = members.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["title", "note", "size", "tags", "open"]);
    let json = body.render(&mut |symbol| Some(format!("<{symbol:?}>").into())).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"title": "<Canary>", "note": "a {brace} of <Object(ResourceIx(0))>", "size": 3, "tags": ["<Unique>"], "open": true})
    );
}

#[test]
fn a_patch_sends_the_marked_members_alone() {
    let spec = sound(FULL);
    let Some(BodyTemplate::Json(JsonTemplate::Object(members))) = &named(&spec, "case.patch").request.body else {
        panic!("no body")
    };
    assert_eq!(members.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["title"]);
    assert!(spec.operations.iter().all(|operation| operation.name != "folder.patch"));
}

#[test]
fn defaults_are_those_of_the_reference() {
    let spec = sound(crate::mistakes::SMALL);
    assert_eq!(spec.target.environment, TargetEnvironment::Staging);
    assert_eq!(spec.target.settle, Duration::from_secs(2));
    assert_eq!((spec.limits.requests, spec.limits.rate), (20_000, 100));
    assert_eq!((spec.limits.body, spec.limits.pages), (4 << 20, 50));
    assert_eq!(spec.limits.timeout, Duration::from_secs(10));
    assert_eq!((spec.limits.concurrency, spec.limits.time), (8, Duration::from_secs(2 * 3600)));
    assert!(spec.tokens.is_none());
    assert_eq!(spec.resources[0].id.to_string(), "$.id");
    assert_eq!(spec.resources[0].ids, IdSource::Server);
}

#[test]
fn principals_name_their_tenant_another_or_none() {
    let spec = sound(FULL);
    let south = TenantName::new("agency-south").unwrap();
    let names: Vec<_> = spec.tenants.iter().flat_map(|t| &t.principals).map(|p| p.names.clone()).collect();
    assert_eq!(names, [Names::Own, Names::Other(south), Names::Own, Names::Nothing]);
    assert_eq!(spec.tenants[1].caller().unwrap().name, "desk");
}

#[test]
fn credentials_have_distinct_names_in_reproductions() {
    let spec = sound(FULL);
    let names: Vec<_> = spec.tenants.iter().flat_map(|t| &t.principals).map(|p| p.env_name.as_str()).collect();
    assert_eq!(
        names,
        ["NORTH_TOKEN", "AGENCY_NORTH_STRAY_TOKEN", "AGENCY_SOUTH_TOKEN", "AGENCY_SOUTH_NIGHT_DESK_TOKEN"]
    );

    let twins = FULL.replace("id = \"agency-south\"", "id = \"agency.north\"").replace("agency-south", "agency.north");
    let twins =
        twins.replace("{ agency-north = \"user-17\", agency.north", "{ agency-north = \"user-17\", \"agency.north\"");
    let twins = twins.replace("name = \"night desk\"", "name = \"stray\"");
    let spec = sound(&twins);
    let names: Vec<_> = spec.tenants.iter().flat_map(|t| &t.principals).map(|p| p.env_name.as_str()).collect();
    assert_eq!(names, ["NORTH_TOKEN", "AGENCY_NORTH_STRAY_TOKEN", "AGENCY_NORTH_TOKEN", "AGENCY_NORTH_STRAY_TOKEN_2"]);
}

#[test]
fn a_login_path_is_on_the_tenants_url_and_its_password_is_a_secret() {
    let spec = sound(FULL);
    let Credential::Login { url, fields, encoding, .. } = &spec.tenants[1].principals[0].credential else {
        panic!("no login")
    };
    assert_eq!(url.as_str(), "https://south.example.com/v1/login");
    assert_eq!(*encoding, LoginEncoding::Json);
    assert!(matches!(&fields["user"], LoginValue::Plain(user) if user == "south"));
    assert!(matches!(&fields["password"], LoginValue::Secret(secret) if secret.expose_secret() == "hush-s"));
}

#[test]
fn one_time_codes_have_the_usual_form_where_nothing_else_is_said() {
    let step = "json = { user = \"south\", password = \"$SOUTH_CLIENT_SECRET\" }";
    assert!(FULL.contains(step));
    let with = |more: &str| {
        let text =
            format!("json = {{ user = \"a {{{{b}}}}\", otp = \"{{totp}}\" }}\ntotp = \"$SOUTH_CLIENT_SECRET\"\n{more}");
        sound(&FULL.replace(step, &text)).tenants[1].principals[0].credential.clone()
    };
    let usual = with("");
    let totp = usual.code_of(0).unwrap();
    assert_eq!((totp.digits, totp.period.as_secs(), totp.algorithm), (6, 30, TotpAlgorithm::Sha1));
    assert!(usual.secrets().iter().any(|secret| secret.expose_secret() == "hush-s"));
    let Credential::Login { fields, .. } = &usual else { panic!("no login") };
    assert!(
        matches!(&fields["user"], LoginValue::Written(user) if user.parts() == [WrittenPart::Text("a {b}".into())])
    );
    let other = with("totp_digits = 8\ntotp_period = \"1m\"\ntotp_algorithm = \"SHA512\"");
    let totp = other.code_of(0).unwrap();
    assert_eq!((totp.digits, totp.period.as_secs(), totp.algorithm), (8, 60, TotpAlgorithm::Sha512));
    assert!(sound(FULL).tenants[1].principals[0].credential.code_of(0).is_none());
}

#[test]
fn variables_are_recorded_and_secrets_cannot_be_printed() {
    let spec = sound(FULL);
    assert!(matches!(&spec.variables["NORTH"], Variable::Plain(id) if id == "agency-north"));
    assert!(matches!(&spec.variables["NORTH_CLIENT_SECRET"], Variable::Secret(_)));
    assert!(!format!("{spec:?}").contains("hush"));
}

#[test]
fn a_recorded_environment_is_enough_to_parse_again() {
    let recorded: std::collections::BTreeMap<_, _> = sound(FULL)
        .variables
        .iter()
        .map(|(name, variable)| match variable {
            Variable::Plain(value) => (name.clone(), value.clone()),
            Variable::Secret(_) => (name.clone(), "secret, not recorded".to_owned()),
        })
        .collect();
    let text = FULL.replace("[limits]", "env_file = \"long-gone.env\"\n[limits]");
    let again = parse(std::path::Path::new("elsewhere/watertight.toml"), &text, &recorded, crate::examples::today());
    assert_eq!(operations(&again.unwrap()), operations(&sound(FULL)));
}

#[test]
fn a_run_may_speak_to_the_hosts_of_the_spec_only() {
    let hosts = sound(FULL).hosts();
    let expected = [("127.0.0.1", 8080), ("127.0.0.1", 8081), ("south.example.com", 443)];
    assert_eq!(hosts, expected.map(|(host, port)| (host.to_owned(), port)).into());
}

#[test]
fn the_last_day_of_an_exclusion_still_counts() {
    assert_eq!(sound(FULL).excludes[0].expires, crate::examples::today());
}

#[test]
fn the_template_parses_once_its_variables_are_set() {
    let spec = sound(INIT_TEMPLATE);
    assert_eq!(spec.operations.len(), 6);
}

#[test]
fn every_line_that_the_template_comments_out_parses_too() {
    let uncommented: String = INIT_TEMPLATE
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(code)
                if code.starts_with('[') || code.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) =>
            {
                code
            }
            _ => line,
        })
        .filter(|line| !line.starts_with("env_file"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let spec = sound(&uncommented);
    assert_eq!(spec.excludes.len(), 1);
    assert_eq!(spec.resources.len(), 3);
}

#[test]
fn byte_order_mark_and_crlf_change_nothing() {
    let windows = format!("\u{feff}{}", FULL.replace('\n', "\r\n"));
    let spec = sound(&windows);
    assert_eq!(operations(&spec), operations(&sound(FULL)));
    assert_eq!(spec.tenants[1].principals[1].line, sound(FULL).tenants[1].principals[1].line);
}

mod env_file {
    use std::collections::BTreeMap;

    use watertight_spec::{Credential, Environment, Problems, Spec, parse, parse_file};

    use crate::examples::{env, today};
    use crate::mistakes::SMALL;

    fn with_file(content: Option<&str>, env: &BTreeMap<String, String>) -> Result<Spec, Problems> {
        let folder = tempfile::tempdir().unwrap();
        if let Some(content) = content {
            std::fs::write(folder.path().join("demo.env"), content).unwrap();
        }
        let path = folder.path().join("watertight.toml");
        let text = SMALL.replace("name = \"casework\"", "name = \"casework\"\nenv_file = \"demo.env\"");
        std::fs::write(&path, text).unwrap();
        parse_file(&path, env, today())
    }

    fn client(spec: &Spec) -> String {
        let Credential::Endpoint(endpoint) = &spec.tenants[0].principals[0].credential else { panic!("no client") };
        endpoint.client.as_ref().unwrap().id.text().to_owned()
    }

    #[test]
    fn gives_what_the_environment_lacks_and_the_environment_wins() {
        let mut env = env();
        env.remove("SOUTH_CLIENT_SECRET");
        let spec = with_file(Some("# demo\nexport SOUTH_CLIENT_SECRET='x'\nNORTH_CLIENT_ID=other\n"), &env).unwrap();
        assert_eq!(client(&spec), "client-n");
        env.remove("NORTH_CLIENT_ID");
        let spec = with_file(Some("export SOUTH_CLIENT_SECRET='x'\nNORTH_CLIENT_ID=other\n"), &env).unwrap();
        assert_eq!(client(&spec), "other");
    }

    #[test]
    fn may_be_absent_when_the_environment_has_everything() {
        assert!(with_file(None, &env()).is_ok());
    }

    #[test]
    fn absent_and_needed_is_one_mistake_at_its_name() {
        let problems = with_file(None, &BTreeMap::new()).unwrap_err();
        assert_eq!(problems.count(), 1);
        let problem = problems.iter().next().unwrap();
        assert_eq!((problem.line, problem.text.as_str()), (4, "\"demo.env\""));
    }

    #[test]
    fn a_bad_line_is_named_by_number_and_not_shown() {
        let problems = with_file(Some("A=b\nhunter2\n"), &BTreeMap::new()).unwrap_err().to_string();
        assert!(problems.contains("line 2"), "{problems}");
        assert!(!problems.contains("hunter2"), "{problems}");
    }

    #[test]
    fn a_file_that_is_not_there_says_how_to_get_one() {
        let problems = parse_file(std::path::Path::new("no/such.toml"), &Environment, today()).unwrap_err();
        assert!(problems.to_string().contains("watertight init"), "{problems}");
    }

    #[test]
    fn neither_endless_nor_binary_files_are_parsed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("watertight.toml");
        std::fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
        assert!(parse_file(&path, &env(), today()).unwrap_err().to_string().contains("larger"));
        assert!(parse(&path, &"#".repeat((1 << 20) + 1), &env(), today()).is_err());
        std::fs::write(&path, b"# fine\n\xff").unwrap();
        assert!(parse_file(&path, &env(), today()).unwrap_err().to_string().contains("line 2"));
    }
}

/// Written as its owner sends it: over RPC, with forms, headers and GraphQL.
const DESCRIBED: &str = r#"
[[resource]]
name = "customer"
path = "/tenants/{tenant}/customers/"
create = { name = "{canary}" }

[[resource]]
name = "invoice"
create = { request = "POST /invoice.add", form = { customer = "{customer}", title = "{canary}" } }
list = "GET /invoice.list"
read = { request = "POST /rpc", body = { method = "invoice.get", params = { id = "{invoice}" } } }
patch = { request = "POST /graphql", graphql = "mutation($i: ID!) { set(i: $i) { id } }", variables = { i = "{invoice}" } }
delete = { request = "DELETE /invoice", headers = { X-Invoice = "{invoice}", X-Of = "{tenant}-{{}}" } }

[[resource]]
name = "line"
create = "PUT /invoices/{invoice}/lines/{line}"
read = "GET /lines?id={line}"

[[operation]]
name = "send"
request = "POST /rpc"
effect = "change"
text = "<send id='{invoice}'/>"
type = "application/xml"
"#;

#[test]
fn requests_are_what_their_owner_sends_wherever_the_ids_are() {
    let small = crate::mistakes::SMALL;
    let text = format!("{}{DESCRIBED}", small.split_once("[[resource]]").unwrap().0);
    let spec = sound(&text);
    insta::assert_snapshot!(operations(&spec).join("\n"), @r"
    customer.list = GET /tenants/{tenant}/customers/
    customer.create = POST /tenants/{tenant}/customers/
    customer.read = GET /tenants/{tenant}/customers/{customer}/
    customer.replace = PUT /tenants/{tenant}/customers/{customer}/
    customer.patch = PATCH /tenants/{tenant}/customers/{customer}/
    customer.delete = DELETE /tenants/{tenant}/customers/{customer}/
    invoice.list = GET /invoice.list
    invoice.create = POST /invoice.add
    invoice.read = POST /rpc (invoice.read)
    invoice.patch = POST /graphql
    invoice.delete = DELETE /invoice
    line.create = PUT /invoices/{invoice}/lines/{line}
    line.read = GET /lines?id={line}
    send = POST /rpc (send)
    ");
    let at = |name: &str| spec.resource_ixs().find(|resource| spec[*resource].name == name).unwrap();
    let [customer, invoice, line] = ["customer", "invoice", "line"].map(at);
    assert_eq!((spec[invoice].parent, &spec[invoice].needs, spec[invoice].depth), (None, &vec![customer], 1));
    assert_eq!((spec[line].parent, &spec[line].needs, spec[line].depth), (Some(invoice), &vec![invoice], 2));
    assert_eq!((spec[invoice].ids, spec[line].ids), (IdSource::Server, IdSource::Client));
    let send = named(&spec, "send");
    assert_eq!((send.resource, send.request.objects()), (Some(invoice), vec![invoice]));
    let patch = named(&spec, "invoice.patch");
    assert!(patch.request.mentions(&Symbol::Object(invoice)) && patch.request.path.symbols().count() == 0);
    let delete = named(&spec, "invoice.delete");
    let headers = delete.request.headers.iter().map(|(_, value)| value.render(&mut |_| Some("7".into())).unwrap());
    assert_eq!(headers.collect::<Vec<_>>(), ["7", "7-{}"]);
}

/// A recipe is there to be used as it is, but for names.
#[test]
fn every_recipe_is_a_sound_spec() {
    for (name, text) in watertight_spec::RECIPES {
        let env: std::collections::BTreeMap<String, String> = ["NORTH", "SOUTH"]
            .iter()
            .flat_map(|tenant| {
                ["API_KEY", "AUTHORIZATION", "PASSWORD", "CLIENT_ID", "CLIENT_SECRET"]
                    .map(|kind| (format!("{tenant}_{kind}"), format!("{tenant}-{kind}-4711")))
            })
            .collect();
        let read =
            watertight_spec::parse(std::path::Path::new("watertight.toml"), text, &env, crate::examples::today());
        read.unwrap_or_else(|problems| panic!("{name}: {problems}"));
    }
}

#[test]
fn locators_are_written_into_requests_and_a_url_names_its_tenant() {
    let text = crate::mistakes::edited(&[
        (
            "url = \"http://127.0.0.1:8080\"",
            "url = \"http://{tenant.name}.localhost:8080/{tenant}\"\naddress = \"[::1]:8443\"",
        ),
        ("locator = \"path\"", "locator = [\"host\", \"path\", \"query:org\", \"cookie:org\", \"token\"]"),
        ("id = \"north\"", "id = \"N-7\"\nname = \"north\""),
    ]);
    let spec = sound(&text);
    let urls: Vec<&str> = spec.tenants.iter().map(|tenant| tenant.url.as_str()).collect();
    assert_eq!(urls, ["http://north.localhost:8080/N-7", "http://south.localhost:8080/south"]);
    assert_eq!(spec.target.address.as_ref().map(ToString::to_string).as_deref(), Some("[::1]:8443"));
    let read = &spec.operations[2];
    assert_eq!(read.label(), "GET /tenants/{tenant}/cases/{case}?org={tenant}");
    let ways: Vec<String> = spec.ways(read.ix).into_iter().map(|way| way.label(&read.request)).collect();
    assert_eq!(ways, ["the host", "the path", "the query", "the cookie"]);
    assert_eq!(spec.tenants[0].principals[0].env_name, "NORTH_TOKEN");
}

#[test]
fn what_all_requests_have_is_written_into_each_that_has_it_not_itself() {
    let text = crate::mistakes::edited(&[
        (
            "url = \"http://127.0.0.1:8080\"",
            "url = \"http://127.0.0.1:8080\"\nheaders = { Accept = \"text/x\" }\nquery = { v = \"1 6\", c = \"x\" }",
        ),
        ("create =", "read = { request = \"GET /cases/{case}?v=2\", headers = { accept = \"text/y\" } }\ncreate ="),
    ]);
    let spec = sound(&text);
    let headers = |at: usize| format!("{:?}", spec.operations[at].request.headers);
    assert_eq!(spec.operations[0].label(), "GET /tenants/{tenant}/cases?v=1+6&c=x");
    assert!(headers(0).contains("text/x"), "{}", headers(0));
    assert_eq!(spec.operations[2].label(), "GET /cases/{case}?v=2&c=x");
    assert!(headers(2).contains("text/y") && !headers(2).contains("text/x"), "{}", headers(2));
}

/// `POST` to the collection, unless `ids = "client"` says that one is made by `PUT`.
#[test]
fn clients_choose_the_ids_of_what_a_create_names() {
    let small = crate::mistakes::SMALL;
    let create = |key: &str| {
        let create = format!("id = \"$.key\"\ncreate = {{ key = \"{key}\", title = \"{{canary}}\" }}");
        let spec = sound(&small.replace("create = { title = \"{canary}\" }", &create));
        (spec.resources[0].ids, named(&spec, "case.create").label())
    };
    let path = "POST /tenants/{tenant}/cases".to_owned();
    assert_eq!(create("{case}"), (IdSource::Client, path.clone()));
    assert_eq!(create("{slug}"), (IdSource::Server, path));
}

/// A list may show the names of files, and nothing of what is in them.
#[test]
fn a_file_has_a_canary_in_its_name_unless_that_is_written_out() {
    let small = crate::mistakes::SMALL;
    let name = |file: &str| {
        let request = "POST /tenants/{tenant}/cases";
        let create = format!("create = {{ request = \"{request}\", multipart = {{ file = {file} }} }}");
        let spec = sound(&small.replace("create = { title = \"{canary}\" }", &create));
        let Some(BodyTemplate::Multipart(parts)) = &named(&spec, "case.create").request.body else {
            panic!("no parts")
        };
        let file = parts[0].file.as_ref().unwrap();
        file.name.render(&mut |symbol| (*symbol == Symbol::Canary).then(|| "wt7".to_owned())).unwrap()
    };
    assert_eq!(name("\"{file:notes.v2.txt}\""), "notes.v2-wt7.txt");
    assert_eq!(name("{ name = \"{canary}.txt\", text = \"x\" }"), "wt7.txt");
    assert_eq!(name("{ name = \"notes.txt\", text = \"{canary}\" }"), "notes.txt");
}
