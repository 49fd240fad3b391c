//! A run that only reads: nothing else is sent, set-up included, and what exists already is what it tries.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use watertight_checks::plan::{Depth, Options, plan};
use watertight_checks::run::{Afterwards, Ending, Order, Resume, Silent, run};
use watertight_checks::verdict::Verdict;
use watertight_testbed::raw::serve;

const SPEC: &str = r#"
[target]
name = "reads"
url = "@"
environment = "test"
settle = "0s"
[tenancy]
locator = "path"
[[tenant]]
id = "north"
[[tenant.principal]]
name = "service"
grant = "header"
header = "X-Api-Key"
value = "$NORTH"
[[tenant]]
id = "south"
[[tenant.principal]]
name = "service"
grant = "header"
header = "X-Api-Key"
value = "$SOUTH"
[[resource]]
name = "person"
path = "/tenants/{tenant}/people"
create = { name = "{canary}" }
"#;

/// A sound API of two people, which refuses every write.
fn class_of(head: &str) -> (u16, String) {
    let person = |tenant: &str| match tenant {
        "north" => ("n-1", r#"{"id":"n-1","name":"Nora Nordahl-Nilsson","badge":170017173}"#),
        _ => ("s-1", r#"{"id":"s-1","name":"Sol Sundgren-Solberg","badge":900090907}"#),
    };
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if method != "GET" {
        return (500, "{}".to_owned());
    }
    let key = head.lines().find_map(|line| line.strip_prefix("x-api-key: key-of-")).unwrap_or_default();
    let (id, json) = person(key);
    let own = format!("/tenants/{key}/people");
    match path.split('?').next() {
        Some(path) if path == own => (200, format!("{{\"items\":[{json}]}}")),
        Some(path) if path == format!("{own}/{id}") => (200, json.to_owned()),
        _ => (404, "{}".to_owned()),
    }
}

#[tokio::test]
async fn a_quick_run_sends_nothing_but_reads_and_tries_what_is_there() {
    let (url, seen) = serve(|mut stream, head| async move {
        let (status, body) = class_of(&head);
        let length = body.len();
        let text = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        let _ = stream.write_all(text.as_bytes()).await;
    })
    .await;
    let env: BTreeMap<String, String> =
        [("NORTH", "key-of-north"), ("SOUTH", "key-of-south")].map(|(n, v)| (n.to_owned(), v.to_owned())).into();
    let today = time::Date::from_calendar_date(2026, time::Month::January, 1).unwrap();
    let text = SPEC.replace('@', &url);
    let spec = Arc::new(watertight_spec::parse(Path::new("x.toml"), &text, &env, today).unwrap());
    let options = Options { seed: 1, only: None, depth: Depth::ReadsOnly };
    let folder = tempfile::tempdir().unwrap();
    let order = Order {
        plan: Rc::new(plan(&spec, &options)),
        spec,
        options,
        folder: folder.path().to_owned(),
        afterwards: Afterwards::CleanUp,
        resume: Resume::Fresh,
    };
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let finished = run(&order, &mut Silent, stopped).await.unwrap();
    assert_eq!(finished.ending, Ending::Complete);
    let wrote: Vec<String> = seen.lock().unwrap().iter().filter(|head| !head.starts_with("GET ")).cloned().collect();
    assert_eq!(wrote, Vec::<String>::new());
    let isolated: Vec<&str> = finished
        .results
        .iter()
        .filter(|one| matches!(one.verdict, Verdict::Isolated(_)))
        .map(|one| one.check.id)
        .collect();
    for check in ["api.list-own", "api.swap-item", "api.swap-path-tenant", "api.header-tenant", "oracle.existence"] {
        assert!(isolated.contains(&check), "{check}: {:#?}", finished.results);
    }
    assert!(finished.results.iter().all(|one| !matches!(one.verdict, Verdict::Leak(_) | Verdict::Advisory(_))));
}
