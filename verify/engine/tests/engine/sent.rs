//! What is sent, as it was written, and what is never sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use watertight_engine::call::{Address, Call, Caller, Forged, Forgery, Request, TokenCall};
use watertight_engine::log::Failure;
use watertight_engine::{Access, Quiet, Width};
use watertight_spec::Effect;
use watertight_testbed::raw::{reply, serve};

use crate::bed::{BASIC, Bed, failure, job, parsed, spec, text};

#[tokio::test]
async fn odd_paths_and_duplicate_headers_arrive_as_they_were_written() {
    let (url, seen) = serve(|stream, _| reply(stream, "", b"")).await;
    let bed = Bed::new(spec(&url, "test", ""));
    for path in ["/tenants/a/../b/cases", "//tenants//b", "/tenants/%2e%2e/x", "/a;b/./c?x=1&x=2"] {
        let request = bed.request(Caller::Anonymous, "GET", path).header("x-tenant", "a").header("x-tenant", "b");
        bed.one(Call::Api(request)).await;
        let head = seen.lock().unwrap().pop().unwrap();
        assert!(head.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{head}");
        assert_eq!(head.matches("x-tenant: ").count(), 2, "{head}");
    }
}

#[tokio::test]
async fn nothing_goes_to_a_host_that_the_spec_does_not_name() {
    let (url, _) = serve(|stream, _| reply(stream, "", b"")).await;
    let (elsewhere, seen) = serve(|stream, _| reply(stream, "", b"")).await;
    let bed = Bed::new(spec(&url, "test", ""));
    let exchange = bed.one(Call::Keys { url: elsewhere, token: 0 }).await;
    assert_eq!(failure(&exchange), Some(Failure::Refused));
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_sent_once_the_budget_of_requests_is_spent() {
    let (url, seen) = serve(|stream, _| reply(stream, "", b"")).await;
    let bed = Bed::new(spec(&url, "test", "requests = 2"));
    let exchanges = bed.perform((0..4).map(|_| bed.get(Caller::Anonymous, "/")).collect()).await;
    assert_eq!(seen.lock().unwrap().len(), 2);
    assert_eq!(failure(&exchanges[3]), Some(Failure::Budget));
}

#[tokio::test]
async fn what_its_body_may_write_into_a_quiet_tenant_waits_until_it_is_no_longer_quiet() {
    let last = last_beside_quiet(|quiet| Some(quiet)).await;
    assert!(last.starts_with("POST /named "), "{last}");
}

#[tokio::test]
async fn a_tenant_whose_quiet_is_given_back_at_once_is_not_quiet_any_more() {
    let last = last_beside_quiet(|quiet| {
        drop(quiet);
        None
    })
    .await;
    assert!(last.starts_with("GET /19 "), "{last}");
}

/// What arrives last: a trial gets quiet, keeps what it `keeps` of it, and reads twenty times; another writes there.
async fn last_beside_quiet(keeps: for<'t> fn(Quiet<'t>) -> Option<Quiet<'t>>) -> String {
    let (url, seen) = serve(|stream, _| reply(stream, "", b"")).await;
    let bed = Bed::new(spec(&url, "test", ""));
    let south = bed.tenant(1);
    let reads: Vec<Call> = (0..20).map(|number| bed.get(Caller::Anonymous, &format!("/{number}"))).collect();
    let reading = job(0, Access::Write, move |t| {
        let reads = reads.clone();
        Box::pin(async move {
            let _quiet = keeps(t.quiet([south]).await);
            for read in reads {
                t.call(read).await;
            }
        })
    });
    let named = bed.request(Caller::Anonymous, "POST", "/named").effect(Effect::Change).reaching(south);
    let writing = job(1, Access::Write, move |t| {
        let named = named.clone();
        Box::pin(async move { drop(t.call(Call::Api(named)).await) })
    });
    bed.engine.run([reading, writing], Width::Limits, |_, _| {}).await;
    seen.lock().unwrap().pop().unwrap()
}

#[tokio::test]
async fn production_gets_reads_alone() {
    let (url, seen) = serve(|stream, _| reply(stream, "", b"")).await;
    let bed = Bed::new(spec(&url, "production", ""));
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let request = bed.request(Caller::Anonymous, method, "/x").effect(Effect::Change);
        assert_eq!(failure(&bed.one(Call::Api(request)).await), Some(Failure::Refused), "{method}");
    }
    assert!(seen.lock().unwrap().is_empty());
    assert_eq!(bed.one(bed.get(Caller::Anonymous, "/x")).await.status(), Some(200));
}

#[tokio::test]
async fn a_tape_for_reading_sends_no_write_and_gives_none_for_writing() {
    let (url, seen) = serve(|stream, _| reply(stream, "", b"")).await;
    let bed = Bed::new(spec(&url, "test", ""));
    let write = bed.request(Caller::Anonymous, "POST", "/x").effect(Effect::Create);
    let (may_write, exchange) = bed
        .run(Access::Read, move |t| {
            let write = write.clone();
            Box::pin(async move { (t.writing().is_some(), t.send(write).await) })
        })
        .await;
    assert!(!may_write);
    assert_eq!(failure(&exchange), Some(Failure::Refused));
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn another_tenants_secret_half_is_never_sent() {
    let (url, seen) = serve(|stream, _| reply(stream, "", b"")).await;
    let bed = Bed::new(spec(&url, "test", ""));
    let canary = bed.tag.canary(bed.tenant(1), "x");
    let search = |text: &str| bed.get(Caller::Anonymous, &format!("/search?q={text}"));
    assert_eq!(failure(&bed.one(search(&canary.secret)).await), Some(Failure::Refused));
    assert!(seen.lock().unwrap().is_empty());
    assert_eq!(bed.one(search(&canary.public)).await.status(), Some(200));
}

#[tokio::test]
async fn every_kind_of_credential_reaches_the_target() {
    let (url, seen) = serve(|stream, head| async move {
        let body = if head.starts_with("POST /login") { r#"{"session":{"token":"login-token-77"}}"# } else { "{}" };
        reply(stream, "", body.as_bytes()).await;
    })
    .await;
    let login = |members: &str| {
        format!(
            "grant = \"login\"\nrequest = \"POST /login\"\n{members}\ntoken = \"$.session.token\"\nlifetime = \"1h\""
        )
    };
    let header = "grant = \"header\"\nheader = \"X-Api-Key\"\nvalue = \"$SOUTH_PASSWORD\"";
    for (south, expected) in [
        (header.to_owned(), vec!["x-api-key: pässword of south"]),
        (
            login("json = { user = \"s\", password = \"$SOUTH_PASSWORD\" }"),
            vec![r#"{"password":"pässword of south","user":"s"}"#, "authorization: Bearer login-token-77"],
        ),
        (
            login("form = { user = \"s\", password = \"$SOUTH_PASSWORD\" }"),
            vec!["password=p%C3%A4ssword+of+south&user=s", "authorization: Bearer login-token-77"],
        ),
    ] {
        seen.lock().unwrap().clear();
        let bed = Bed::new(parsed(&text(&url, "test", "", &south)));
        let exchange = bed.one(bed.get(Caller::Own(bed.south()), "/x")).await;
        assert_eq!(exchange.status(), Some(200), "{south}: {:?}", exchange.outcome);
        let wire = seen.lock().unwrap().concat().to_lowercase();
        for text in expected {
            assert!(wire.contains(&text.to_lowercase()), "{text} is not in {wire}");
        }
        let recorded = bed.recorded();
        assert!(!recorded.contains("ssword of south") && !recorded.contains("login-token-77"), "{recorded}");
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires_and_kept_until_then() {
    let (url, seen) = serve(|stream, head| async move {
        let lifetime = if head.contains("scope=brief") { 0 } else { 3600 };
        let body = format!("{{\"access_token\":\"token-0123\",\"expires_in\":{lifetime}}}");
        reply(stream, "", body.as_bytes()).await;
    })
    .await;
    for (scope, fetched) in [("", 1), ("scope = \"brief\"", 3)] {
        seen.lock().unwrap().clear();
        let south = format!(
            "grant = \"client_credentials\"\ntoken_url = \"{url}/token\"\nclient_id = \"s\"\nclient_secret = \"$SOUTH_PASSWORD\"\n{scope}"
        );
        let bed = Bed::new(parsed(&text(&url, "test", "", &south)));
        bed.perform((0..3).map(|_| bed.get(Caller::Own(bed.south()), "/x")).collect()).await;
        let tokens = seen.lock().unwrap().iter().filter(|head| head.starts_with("POST /token")).count();
        assert_eq!(tokens, fetched, "{scope}");
    }
}

/// The answer of a token endpoint.
const TOKEN: &str = r#"{"access_token":"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl","expires_in":3600}"#;

/// A server that keeps connections alive; each answers so many requests and then goes away without a word.
async fn alive(answers: usize) -> (String, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = (Arc::clone(&connections), Arc::clone(&requests));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.0.fetch_add(1, Ordering::SeqCst);
            let requests = Arc::clone(&counted.1);
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                for turn in 0..=answers {
                    match stream.read(&mut buffer).await {
                        Ok(n) if n > 0 => requests.fetch_add(1, Ordering::SeqCst),
                        _ => return,
                    };
                    // The last one is read, and the connection dies under it.
                    if turn < answers {
                        let body = if buffer.starts_with(b"POST /token") { TOKEN } else { "ok" };
                        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
                    }
                }
            });
        }
    });
    (url, connections, requests)
}

#[tokio::test]
async fn a_connection_is_kept_for_one_principal_and_for_no_other() {
    let (url, connections, _) = alive(100).await;
    let key = "grant = \"header\"\nheader = \"X-Api-Key\"\nvalue = \"$SOUTH_PASSWORD\"";
    let bed = Bed::new(parsed(&text(&url, "test", "", key)));
    bed.perform((0..5).map(|_| bed.get(Caller::Anonymous, "/x")).collect()).await;
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    bed.perform((0..5).map(|_| bed.get(Caller::Own(bed.south()), "/x")).collect()).await;
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

/// A target may keep what it knows of a credential with the connection: over the genuine token's it might take a forged one.
#[tokio::test]
async fn a_particular_or_forged_token_is_sent_over_a_connection_of_its_own() {
    let (url, connections, _) = alive(100).await;
    let bed = Bed::new(spec(&url, "test", ""));
    let who = bed.north();
    let own = || bed.get(Caller::Own(who), "/x");
    bed.perform(vec![own(), own(), own()]).await;
    assert_eq!(connections.load(Ordering::SeqCst), 1, "of the principal, its token included");
    let forged = || Caller::Forged(Forged { who, forgery: Forgery::EmptySignature, claims: vec![] });
    let sent = bed.perform(vec![bed.get(forged(), "/x"), own(), bed.get(forged(), "/x"), own()]).await;
    assert!(sent.iter().all(|exchange| exchange.status() == Some(200)), "{sent:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 3);
    let sent = bed
        .run(Access::Write, move |t| {
            Box::pin(async move {
                let token = t.call(Call::Token(TokenCall::plain(who))).await.seq;
                t.send(Request::read(Caller::Issued(token), who.tenant, "GET", "/x")).await
            })
        })
        .await;
    assert_eq!((sent.status(), connections.load(Ordering::SeqCst)), (Some(200), 4));
}

#[tokio::test]
async fn a_request_that_is_longer_than_the_log_takes_is_not_sent() {
    let (url, seen) = serve(|stream, _| reply(stream, "", b"")).await;
    let bed = Bed::new(spec(&url, "test", ""));
    let address = Address::from("/x?cursor=").value("y".repeat(5 << 20));
    let exchange = bed.one(Call::Api(Request::read(Caller::Anonymous, bed.tenant(0), "GET", address))).await;
    assert_eq!(exchange.failure(), Some(Failure::Refused));
    assert!(bed.recorded().len() < 100_000, "nor is it recorded whole");
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_read_is_sent_again_over_a_new_connection_and_a_write_never() {
    let (url, connections, requests) = alive(1).await;
    let bed = Bed::new(spec(&url, "test", ""));
    let reads = bed.perform((0..2).map(|_| bed.get(Caller::Anonymous, "/x")).collect()).await;
    assert!(reads.iter().all(|exchange| exchange.status() == Some(200)));
    assert_eq!((connections.load(Ordering::SeqCst), requests.load(Ordering::SeqCst)), (2, 3), "the second went twice");
    let (url, _, requests) = alive(1).await;
    let bed = Bed::new(parsed(&text(&url, "test", "", BASIC)));
    let write = || Call::Api(bed.request(Caller::Anonymous, "POST", "/x").effect(Effect::Create));
    let writes = bed.perform(vec![write(), write()]).await;
    assert_eq!(writes[0].status(), Some(200));
    assert_eq!(failure(&writes[1]), Some(Failure::Protocol), "the connection died under it");
    assert_eq!(requests.load(Ordering::SeqCst), 2, "no write is ever sent twice");
}

/// South's clerk has its account from a request of the owner's, which writes into the tenant that the trial keeps quiet.
#[tokio::test]
async fn a_trial_that_has_a_tenant_quiet_gets_a_token_whose_account_is_made_there() {
    let (url, seen) = serve(|stream, _| reply(stream, "", br#"{"token":"token-of-the-clerk-01"}"#)).await;
    let owner = "grant = \"basic\"\nusername = \"south\"\npassword = \"$SOUTH_PASSWORD\"";
    let clerk = "[[tenant.principal]]\nname = \"clerk\"\ngrant = \"session\"\nheaders = { X-Session = \"{token}\" }\n\
                 steps = [{ request = \"POST /clerks\", as = \"service\", take = { token = \"$.token\" } }]";
    let bed = Bed::new(parsed(&text(&url, "test", "", &format!("{owner}\n{clerk}"))));
    let (south, clerk) = (bed.tenant(1), bed.spec.principals(bed.tenant(1)).nth(1).unwrap().0);
    let call = bed.get(Caller::Own(clerk), "/x");
    let script = bed.run(Access::Write, move |t| {
        let call = call.clone();
        Box::pin(async move {
            let _quiet = t.quiet([south]).await;
            t.call(call).await.status()
        })
    });
    // Where it fails, each waits for the other for ever.
    let status = tokio::time::timeout(Duration::from_secs(30), script).await.expect("it waits for ever");
    assert_eq!(status, Some(200));
    assert!(seen.lock().unwrap()[0].starts_with("POST /clerks "));
}
