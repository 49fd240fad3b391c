//! Sessions that a person began with a browser.

use std::fs;

use watertight_engine::call::{Call, Caller, Request};
use watertight_testbed::raw::{reply, serve};

use crate::bed::{Bed, parsed, parsed_in, text};

#[tokio::test]
async fn cookies_of_the_spec_and_of_a_file_are_sent_and_no_value_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let (url, seen) =
        serve(|stream, _| reply(stream, "", br#"{"seen":"stored-value-0123","line":"a=stored-value-0123; b=2"}"#))
            .await;
    let storage = r#"{"cookies":[{"name":"a","value":"stored-value-0123","domain":"127.0.0.1","path":"/"},
        {"name":"b","value":"2","domain":"127.0.0.1","path":"/"},
        {"name":"of","value":"another-host","domain":"issuer.example","path":"/"}]}"#;
    fs::write(folder.path().join("south.json"), storage).unwrap();
    let south = "grant = \"cookies\"\ncookies = { lang = \"$SOUTH_LANG\" }\nstorage = \"south.json\"\n\
                 headers = { X-Csrf = \"$SOUTH_CSRF\" }";
    let bed = Bed::new(parsed_in(folder.path(), &text(&url, "test", "", south)));
    let call = bed.get(Caller::Own(bed.south()), "/x");
    let exchange = bed.one(call.clone()).await;
    assert_eq!(exchange.status(), Some(200), "{:?}", exchange.outcome);
    let sent = seen.lock().unwrap().concat();
    assert!(sent.contains("cookie: lang=lang-of-south; a=stored-value-0123; b=2\r\n"), "{sent}");
    assert!(sent.contains("x-csrf: csrf-of-south\r\n") && !sent.contains("another-host"), "{sent}");
    let recorded = bed.recorded();
    for secret in ["lang-of-south", "stored-value-0123", "csrf-of-south", "another-host"] {
        assert!(!recorded.contains(secret), "{secret}: {recorded}");
    }
    assert!(recorded.contains("lang=redacted-"), "{recorded}");
    fs::remove_file(folder.path().join("south.json")).unwrap();
    assert_eq!(bed.judged(vec![call]).len(), 1, "the record is enough");
}

/// Staff may log in at a host beside the target's, and act there.
#[tokio::test]
async fn a_cookie_goes_back_to_the_host_that_set_it_and_to_no_other() {
    let (url, seen) = serve(|stream, head| async move {
        let sets = head.starts_with("POST /login").then_some("set-cookie: desk=cookie-of-the-desk-01; Path=/\r\n");
        reply(stream, sets.unwrap_or_default(), b"{}").await;
    })
    .await;
    let desk = url.replace("127.0.0.1", "desk.localhost");
    let steps = format!("[{{ request = \"POST {desk}/login\", form = {{ password = \"$SOUTH_PASSWORD\" }} }}]");
    let spec = text(&url, "test", "", &format!("grant = \"session\"\nsteps = {steps}"));
    let bed = Bed::new(parsed(&spec.replace("environment = ", &format!("hosts = [\"{desk}\"]\nenvironment = "))));
    let at_desk = bed.request(Caller::Own(bed.south()), "GET", "/desk");
    let at_desk = Call::Api(Request { origin: Some(Box::new(desk.parse().unwrap())), ..at_desk });
    let calls = vec![at_desk, bed.get(Caller::Own(bed.south()), "/x")];
    bed.perform(calls.clone()).await;
    let sent = seen.lock().unwrap().clone();
    let of = |line: &str| sent.iter().find(|head| head.starts_with(line)).unwrap();
    assert!(of("GET /desk").contains("cookie: desk=cookie-of-the-desk-01\r\n"), "{sent:?}");
    assert!(!of("GET /x").contains("cookie:"), "{sent:?}");
    assert_eq!(bed.judged(calls).len(), 2, "the record is enough");
}
