//! The session against hostile targets, and what it may never send or record.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use watertight_probe::journal::Journal;
use watertight_probe::marker::RunTag;
use watertight_probe::request::{Call, Caller, Request, TokenCall, Who};
use watertight_probe::session::Session;
use watertight_probe::trace::{Exchange, Failure, Outcome, Owner, Trace};
use watertight_spec::Spec;

const NORTH: Who = Who { tenant: 0, principal: 0 };
const SECRET: &str = "s3cret/of+north=";

/// A server that answers every connection with what `answer` makes of the request's head and body.
async fn serve<F, A>(answer: F) -> (String, Arc<Mutex<Vec<String>>>)
where
    F: Fn(TcpStream, String) -> A + Send + Sync + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            let mut buffer = [0; 4096];
            while !is_complete(&head) {
                match stream.read(&mut buffer).await {
                    Ok(n) if n > 0 => head.extend_from_slice(&buffer[..n]),
                    _ => break,
                }
            }
            let text = String::from_utf8_lossy(&head).into_owned();
            log.lock().unwrap().push(text.clone());
            tokio::spawn(answer(stream, text));
        }
    });
    (url, seen)
}

/// Whether a request's head, and the body that it announces, are there.
fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let at = request.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    request.len() >= at + 4 + length
}

async fn reply(mut stream: TcpStream, headers: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body).await;
}

fn spec(url: &str, environment: &str, limits: &str) -> Spec {
    let south = "grant = \"basic\"\nusername = \"south\"\npassword = \"$SOUTH_PASSWORD\"";
    spec_with(url, environment, limits, south)
}

/// With another kind of credential for south.
fn spec_with(url: &str, environment: &str, limits: &str, south: &str) -> Spec {
    let text = format!(
        r#"
[target]
name = "hostile"
url = "{url}"
environment = "{environment}"
[limits]
timeout = "400ms"
body = 65536
rate = 10000
{limits}
[tenancy]
locator = "path"
[tokens]
kind = "opaque"
[[tenant]]
id = "north"
[[tenant.principal]]
name = "service"
grant = "client_credentials"
token_url = "{url}/token"
client_id = "north-client"
client_secret = "$NORTH_SECRET"
[[tenant]]
id = "south"
[[tenant.principal]]
name = "service"
{south}
[[resource]]
name = "case"
path = "/tenants/{{tenant}}/cases"
create = {{ title = "{{canary}}" }}
"#
    );
    let variables: BTreeMap<String, String> = [("NORTH_SECRET", SECRET), ("SOUTH_PASSWORD", "pässword of south")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let today = time::Date::from_calendar_date(2026, time::Month::January, 1).unwrap();
    watertight_spec::parse(Path::new("test.toml"), &text, &variables, today).unwrap_or_else(|p| panic!("{p}"))
}

async fn perform(spec: &Spec, call: Call) -> Exchange {
    let tag = RunTag::new(1, 2);
    let mut session = Session::new(spec, &tag, Journal::in_memory()).unwrap();
    let mut trace = Trace::default();
    session.perform(&call, Owner::Check(0), &mut trace).await;
    trace.exchange(trace.next_seq() - 1).unwrap().clone()
}

fn get(caller: Caller, path: &str) -> Call {
    Call::Api(Request::new(caller, 0, "GET", path))
}

fn failure(exchange: &Exchange) -> Option<Failure> {
    match &exchange.outcome {
        Outcome::Failed { kind, .. } => Some(*kind),
        Outcome::Response(_) => None,
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn hostile_answers_are_bounded_and_are_no_responses() {
    let (url, _) = serve(|mut stream, head| async move {
        let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
        match path.as_str() {
            "/endless" => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
                while stream.write_all(b"400\r\n").await.is_ok()
                    && stream.write_all(&[b'x'; 1024]).await.is_ok()
                    && stream.write_all(b"\r\n").await.is_ok()
                {}
            }
            "/drip" => {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
                while stream.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            "/silent" => drop(stream.read(&mut [0; 8]).await),
            "/bomb" => reply(stream, "content-encoding: gzip\r\n", &gzip(&vec![0; 10_000_000])).await,
            "/onion" => reply(stream, "content-encoding: gzip, gzip, gzip, gzip\r\n", b"x").await,
            "/brotli" => reply(stream, "content-encoding: br\r\n", b"x").await,
            "/headers" => reply(stream, &format!("x: {}\r\n", "y".repeat(100_000)), b"").await,
            "/garbage" => drop(stream.write_all(b"\x00\xff\x1b[2J not HTTP\r\n\r\n").await),
            "/cut" => drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc").await),
            _ => {}
        }
    })
    .await;
    let spec = spec(&url, "test", "");
    for (path, expected) in [
        ("/endless", Failure::TooLarge),
        ("/drip", Failure::Timeout),
        ("/silent", Failure::Timeout),
        ("/bomb", Failure::TooLarge),
        ("/onion", Failure::Protocol),
        ("/brotli", Failure::Protocol),
        ("/headers", Failure::TooLarge),
        ("/garbage", Failure::Protocol),
        ("/cut", Failure::Protocol),
        ("/closed", Failure::Protocol),
    ] {
        let exchange = perform(&spec, get(Caller::Anonymous, path)).await;
        assert_eq!(failure(&exchange), Some(expected), "{path}: status {:?}", exchange.status());
    }
}

#[tokio::test]
async fn a_target_that_is_not_there_is_a_failed_connection() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let exchange = perform(&spec(&format!("http://{unused}"), "test", ""), get(Caller::Anonymous, "/")).await;
    assert_eq!(failure(&exchange), Some(Failure::Connect));
}

#[tokio::test]
async fn odd_paths_and_duplicate_headers_arrive_as_they_were_written() {
    let (url, seen) = serve(|stream, _| reply(stream, "", b"")).await;
    let spec = spec(&url, "test", "");
    for path in ["/tenants/a/../b/cases", "//tenants//b", "/tenants/%2e%2e/x", "/a;b/./c?x=1&x=2"] {
        let request = Request::new(Caller::Anonymous, 0, "GET", path).header("x-tenant", "a").header("x-tenant", "b");
        perform(&spec, Call::Api(request)).await;
        let head = seen.lock().unwrap().pop().unwrap();
        assert!(head.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{head}");
        assert_eq!(head.matches("x-tenant: ").count(), 2, "{head}");
    }
}

#[tokio::test]
async fn nothing_goes_to_a_host_that_the_spec_does_not_name() {
    let (url, _) = serve(|stream, _| reply(stream, "", b"")).await;
    let (elsewhere, seen) = serve(|stream, _| reply(stream, "", b"")).await;
    let exchange = perform(&spec(&url, "test", ""), Call::Keys { url: elsewhere, token: 0 }).await;
    assert_eq!(failure(&exchange), Some(Failure::Refused));
    assert!(seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_sent_once_the_budget_is_spent() {
    let (url, seen) = serve(|stream, _| reply(stream, "", b"")).await;
    let spec = spec(&url, "test", "requests = 2");
    let tag = RunTag::new(1, 2);
    let mut session = Session::new(&spec, &tag, Journal::in_memory()).unwrap();
    let mut trace = Trace::default();
    for _ in 0..4 {
        session.perform(&get(Caller::Anonymous, "/"), Owner::Check(0), &mut trace).await;
    }
    assert_eq!(seen.lock().unwrap().len(), 2);
    assert_eq!(failure(trace.exchange(3).unwrap()), Some(Failure::Refused));
}

#[tokio::test]
async fn production_gets_reads_alone() {
    let (url, seen) = serve(|stream, _| reply(stream, "", b"")).await;
    let spec = spec(&url, "production", "");
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let exchange = perform(&spec, Call::Api(Request::new(Caller::Anonymous, 0, method, "/x"))).await;
        assert_eq!(failure(&exchange), Some(Failure::Refused), "{method}");
    }
    assert!(seen.lock().unwrap().is_empty());
    assert_eq!(perform(&spec, get(Caller::Anonymous, "/x")).await.status(), Some(200));
}

#[tokio::test]
async fn another_tenants_secret_half_is_never_sent() {
    let (url, seen) = serve(|stream, _| reply(stream, "", b"")).await;
    let spec = spec(&url, "test", "");
    let canary = RunTag::new(1, 2).canary(1, "x");
    let request = |text: &str| Request::new(Caller::Anonymous, 0, "GET", format!("/search?q={text}"));
    let exchange = perform(&spec, Call::Api(request(&canary.secret))).await;
    assert_eq!(failure(&exchange), Some(Failure::Refused));
    assert!(seen.lock().unwrap().is_empty());
    assert_eq!(perform(&spec, Call::Api(request(&canary.public))).await.status(), Some(200));
}

#[tokio::test]
async fn canaries_are_found_in_headers_and_compressed_bodies() {
    let canary = RunTag::new(1, 2).canary(1, "x").to_string();
    let (url, _) = serve(move |stream, _| {
        let canary = canary.clone();
        async move {
            let headers = format!("x-echo: {canary}\r\ncontent-encoding: gzip\r\n");
            reply(stream, &headers, &gzip(format!("{{\"a\":\"{canary}\"}}").as_bytes())).await;
        }
    })
    .await;
    let exchange = perform(&spec(&url, "test", ""), get(Caller::Anonymous, "/")).await;
    let places: Vec<_> = exchange.hits.iter().map(|hit| (hit.owner, hit.place.as_str())).collect();
    assert_eq!(places, [(1, "body"), (1, "header x-echo")]);
}

#[tokio::test]
async fn no_secret_stands_in_the_trace_however_the_target_echoes_it() {
    const TOKEN: &str = "opaque-Token/of+north==";
    let (url, seen) = serve(|stream, head| async move {
        if head.starts_with("POST /token") {
            let body =
                serde_json::json!({ "access_token": TOKEN, "expires_in": 3600, "refresh_token": "Refresh-0123" });
            return reply(stream, "", body.to_string().as_bytes()).await;
        }
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let form: String = url::form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect();
        let body = format!(
            "{head} {TOKEN} {} {form} {SECRET} {} Refresh-0123 {}",
            encode(TOKEN),
            encode(&format!("north-client:{SECRET}")),
            serde_json::json!({ "t": TOKEN, "s": SECRET }),
        );
        let cookie = "set-cookie: session=Cookie-value-42; Path=/\r\n";
        reply(stream, &format!("x-echo: {TOKEN}\r\n{cookie}"), body.as_bytes()).await;
    })
    .await;
    let spec = spec(&url, "test", "");
    let tag = RunTag::new(1, 2);
    let mut session = Session::new(&spec, &tag, Journal::in_memory()).unwrap();
    let mut trace = Trace::default();
    session.perform(&get(Caller::Own(NORTH), "/echo"), Owner::Check(0), &mut trace).await;
    session.perform(&get(Caller::Own(Who { tenant: 1, principal: 0 }), "/echo"), Owner::Check(0), &mut trace).await;
    session.perform(&Call::Token(TokenCall::plain(NORTH)), Owner::Check(0), &mut trace).await;
    let wire = seen.lock().unwrap().concat();
    assert!(wire.contains(&format!("authorization: Bearer {TOKEN}")), "{wire}");
    let recorded = serde_json::to_string(trace.events()).unwrap();
    for secret in [TOKEN, SECRET, "Refresh-0123", "Cookie-value-42", "pässword"] {
        for text in [secret.to_owned(), base64::engine::general_purpose::STANDARD.encode(secret)] {
            assert!(!recorded.contains(text.trim_end_matches('=')), "{text} in {recorded}");
        }
    }
    let basic = base64::engine::general_purpose::STANDARD.encode("south:pässword of south");
    assert!(!recorded.contains(&basic) && wire.contains(&basic));
}

const SOUTH: Who = Who { tenant: 1, principal: 0 };

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
        let exchange = perform(&spec_with(&url, "test", "", &south), get(Caller::Own(SOUTH), "/x")).await;
        assert_eq!(exchange.status(), Some(200), "{south}: {:?}", exchange.outcome);
        let wire = seen.lock().unwrap().concat().to_lowercase();
        for text in expected {
            assert!(wire.contains(&text.to_lowercase()), "{text} is not in {wire}");
        }
        let recorded = serde_json::to_string(&exchange).unwrap();
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
        let spec = spec_with(&url, "test", "", &south);
        let tag = RunTag::new(1, 2);
        let mut session = Session::new(&spec, &tag, Journal::in_memory()).unwrap();
        let mut trace = Trace::default();
        for _ in 0..3 {
            session.perform(&get(Caller::Own(SOUTH), "/x"), Owner::Check(0), &mut trace).await;
        }
        let tokens = seen.lock().unwrap().iter().filter(|head| head.starts_with("POST /token")).count();
        assert_eq!(tokens, fetched, "{scope}");
    }
}

#[tokio::test]
async fn a_hostile_cookie_does_not_choose_what_is_blotted_out() {
    let (url, _) = serve(|stream, _| async move {
        let cookies = "set-cookie: a=next; Path=/\r\nset-cookie: b=south\r\nset-cookie: c=a-long-session-secret\r\n";
        reply(stream, cookies, br#"{"next":"/x","tenantId":"south","echo":"a-long-session-secret"}"#).await;
    })
    .await;
    let exchange = perform(&spec(&url, "test", ""), get(Caller::Anonymous, "/")).await;
    let received = exchange.response().unwrap();
    assert!(received.body.starts_with(r#"{"next":"/x","tenantId":"south","echo":"[redacted:"#), "{}", received.body);
    let cookies: Vec<_> = received.headers.iter().filter(|(name, _)| name == "set-cookie").collect();
    assert!(cookies.iter().all(|(_, value)| value.contains("=[redacted:")), "{cookies:?}");
}

#[tokio::test]
async fn every_secret_in_a_token_endpoints_answer_is_redacted_whatever_its_status() {
    for status in ["200 OK", "403 Forbidden"] {
        let (url, _) = serve(move |mut stream, _| async move {
            let body = r#"{"access_token":"opaque-0123456789","data":{"refreshToken":"nested-refresh-77","apiKey":"nested-key-00001"},"error":"denied"}"#;
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(body.as_bytes()).await;
        })
        .await;
        let exchange = perform(&spec(&url, "test", ""), Call::Token(TokenCall::plain(NORTH))).await;
        let recorded = serde_json::to_string(&exchange).unwrap();
        for secret in ["opaque-0123456789", "nested-refresh-77", "nested-key-00001"] {
            assert!(!recorded.contains(secret), "{status}: {recorded}");
        }
        assert!(recorded.contains("denied"));
    }
}
