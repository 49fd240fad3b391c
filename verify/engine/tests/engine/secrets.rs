//! No secret is in the log, whoever handed it out.

use base64::Engine as _;
use tokio::io::AsyncWriteExt as _;
use watertight_engine::call::{Call, Caller, Mark, TokenCall};
use watertight_testbed::raw::{reply, serve};

use crate::bed::{BASIC, Bed, SECRET, parsed, spec, text};

#[tokio::test]
async fn no_secret_is_recorded_however_the_target_echoes_it() {
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
    let bed = Bed::new(spec(&url, "test", ""));
    bed.perform(vec![
        bed.get(Caller::Own(bed.north()), "/echo"),
        bed.get(Caller::Own(bed.south()), "/echo"),
        Call::Token(TokenCall::plain(bed.north())),
    ])
    .await;
    let wire = seen.lock().unwrap().concat();
    assert!(wire.contains(&format!("authorization: Bearer {TOKEN}")), "{wire}");
    let recorded = bed.recorded();
    for secret in [TOKEN, SECRET, "Refresh-0123", "Cookie-value-42", "pässword"] {
        for text in [secret.to_owned(), base64::engine::general_purpose::STANDARD.encode(secret)] {
            assert!(!recorded.contains(text.trim_end_matches('=')), "{text} in {recorded}");
        }
    }
    let basic = base64::engine::general_purpose::STANDARD.encode("south:pässword of south");
    assert!(!recorded.contains(&basic) && wire.contains(&basic));
}

/// `key` is what many call an id, and what others call a secret.
#[tokio::test]
async fn an_id_that_the_spec_names_stays_where_its_member_is_called_key() {
    const MADE: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    const KNOWN: &str = "01BX5ZZKBKACTAV9WEVGEMMVRZ";
    const OTHER: &str = "01CX5ZZKBKACTAV9WEVGEMMVS0";
    let (url, _) = serve(|stream, _| async move {
        let body = serde_json::json!({ "key": MADE, "beside": { "key": KNOWN }, "webhook": { "key": OTHER } });
        reply(stream, "", body.to_string().as_bytes()).await;
    })
    .await;
    let further = format!(
        "id = \"$.key\"\n[[resource]]\nname = \"user\"\npath = \"/users\"\nexisting = {{ north = \"{KNOWN}\" }}\n"
    );
    let bed = Bed::new(parsed(&(text(&url, "test", "", BASIC) + &further)));
    let (resource, owner) = (bed.spec.resource_ixs().next().unwrap(), bed.tenant(0));
    let mark = Mark::Creates { resource, owner, named: None, above: vec![] };
    let create = bed.request(Caller::Anonymous, "POST", "/cases").mark(mark);
    let exchange = bed.one(Call::Api(create)).await;
    let body = exchange.response().unwrap().body.text();
    assert!(body.contains(MADE) && body.contains(KNOWN) && !body.contains(OTHER), "{body}");
}

#[tokio::test]
async fn a_secret_that_an_answer_to_a_create_hands_out_is_not_recorded() {
    const HANDED_OUT: [&str; 5] = [
        "hook-Secret-0123456789",
        "api-Key-9876543210",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "0a1b2c3d4e5f6071",
        "9999-8888",
    ];
    let (url, _) = serve(|stream, _| async move {
        let body = serde_json::json!({
            "id": "hook-1", "data": { "signingSecret": HANDED_OUT[0] }, "api_key": HANDED_OUT[1],
            "note": HANDED_OUT[2], "upload": format!("https://files.example/x?sig={}&part=1", HANDED_OUT[3]),
            "recovery_codes": [HANDED_OUT[4]], "token_type": "Bearer", "name": "a hook",
        });
        reply(stream, "", body.to_string().as_bytes()).await;
    })
    .await;
    let bed = Bed::new(spec(&url, "test", ""));
    let exchange = bed.one(bed.get(Caller::Anonymous, "/hooks")).await;
    let body = exchange.response().unwrap().body.text();
    assert!(body.contains("\"id\":\"hook-1\"") && body.contains("\"token_type\":\"Bearer\""), "{body}");
    let recorded = bed.recorded();
    for secret in HANDED_OUT {
        assert!(!recorded.contains(secret), "{secret} in {recorded}");
    }
}

#[tokio::test]
async fn a_hostile_cookie_does_not_choose_what_is_hidden_elsewhere() {
    let (url, _) = serve(|stream, _| async move {
        let cookies = "set-cookie: a=next; Path=/\r\nset-cookie: b=south\r\nset-cookie: c=a-long-session-secret\r\n";
        reply(stream, cookies, br#"{"next":"/x","tenantId":"south","echo":"a-long-session-secret"}"#).await;
    })
    .await;
    let bed = Bed::new(spec(&url, "test", ""));
    let exchange = bed.one(bed.get(Caller::Anonymous, "/")).await;
    let received = exchange.response().unwrap();
    let body = received.body.text();
    assert!(body.starts_with(r#"{"next":"/x","tenantId":"south","echo":"redacted-"#), "{body}");
    let cookies: Vec<_> = received.headers.iter().filter(|(name, _)| name == "set-cookie").collect();
    assert!(cookies.iter().all(|(_, value)| value.contains("=redacted-")), "{cookies:?}");
}

/// What looks like a parameter in it is not all of it.
#[tokio::test]
async fn a_cookies_value_is_hidden_whole_whatever_it_is_made_of() {
    let (url, _) = serve(|stream, _| async move {
        let cookies = "set-cookie: session=userid=12345678&auth=5up3rS3cret; HttpOnly\r\n\
                       set-cookie: sid=token=0123456789abcdef,rest-of-It-77; Path=/\r\n";
        reply(stream, cookies, b"{}").await;
    })
    .await;
    let bed = Bed::new(spec(&url, "test", ""));
    bed.one(bed.get(Caller::Anonymous, "/")).await;
    let all = bed.recorded();
    for part in ["5up3rS3cret", "userid", "12345678", "rest-of-It", "0123456789abcdef"] {
        assert!(!all.contains(part), "{part} in {all}");
    }
    assert!(all.contains("HttpOnly"), "{all}");
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
        let bed = Bed::new(spec(&url, "test", ""));
        bed.one(Call::Token(TokenCall::plain(bed.north()))).await;
        let recorded = bed.recorded();
        for secret in ["opaque-0123456789", "nested-refresh-77", "nested-key-00001"] {
            assert!(!recorded.contains(secret), "{status}: {recorded}");
        }
        assert!(recorded.contains("denied"));
    }
}

/// A variable that is a client id here and a member of a login there is a secret in both: shown in neither.
#[tokio::test]
async fn a_client_id_that_is_a_secret_elsewhere_is_not_shown() {
    let (url, seen) = serve(|stream, _| reply(stream, "", br#"{"access_token":"token-0123456"}"#)).await;
    let login = "grant = \"login\"\nrequest = \"POST /login\"\njson = { client = \"$SOUTH_PASSWORD\" }\ntoken = \"$.access_token\"";
    let written = text(&url, "test", "", login).replace("\"north-client\"", "\"$SOUTH_PASSWORD\"");
    let bed = Bed::new(parsed(&written));
    bed.perform(vec![bed.get(Caller::Own(bed.north()), "/x"), bed.get(Caller::Own(bed.south()), "/x")]).await;
    assert!(seen.lock().unwrap().concat().contains("pässword of south"), "the login sends it");
    let recorded = bed.recorded();
    assert!(!recorded.contains("ssword of south") && !recorded.contains("ssword+of+south"), "{recorded}");
}

#[tokio::test]
async fn a_secret_in_a_name_a_claim_or_behind_a_marker_is_not_recorded() {
    const SESSION: &str = "0123456789abcdefSESSION";
    const BEHIND: &str = "Zq81LmPw93";
    let marker = watertight_engine::marker::RunTag::new(1, 2);
    let souths = {
        let bed = Bed::new(spec("http://127.0.0.1:1", "test", ""));
        marker.canary(bed.tenant(1), "x").secret
    };
    let part = |json: serde_json::Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json.to_string());
    let nested = (0..60).fold(serde_json::json!("deep"), |inner, _| serde_json::json!([inner]));
    let claims = serde_json::json!({ "sid": SESSION, "echo": SECRET, "nested": nested });
    let token = format!("{}.{}.Signature-0123456789", part(serde_json::json!({ "alg": "RS256" })), part(claims));
    let answer = serde_json::json!({ "access_token": token, "scope": format!("read {SECRET}") }).to_string();
    let (url, _) = serve(move |stream, head| {
        let (answer, body) = (answer.clone(), format!("{souths}{BEHIND}"));
        async move {
            if head.starts_with("POST /token") {
                return reply(stream, "", answer.as_bytes()).await;
            }
            let names = format!("set-cookie: {SECRET}=y; Path=/\r\n");
            reply(stream, &names, body.as_bytes()).await;
        }
    })
    .await;
    let bed = Bed::new(spec(&url, "test", ""));
    let exchange = bed.one(bed.get(Caller::Own(bed.north()), "/x")).await;
    assert!(exchange.shows(bed.tenant(1)), "{exchange:?}");
    // Deep claims are no reason that the log can't be read again.
    let recorded =
        serde_json::to_string(&bed.events().iter().map(|event| (event.seq, hits(event))).collect::<Vec<_>>());
    assert!(!recorded.unwrap().contains(BEHIND), "what follows a marker");
    let all = bed.recorded();
    for secret in [SESSION, SECRET] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}

fn hits(event: &watertight_engine::log::Event) -> Vec<String> {
    event.exchange().map(|exchange| exchange.hits.iter().map(|hit| hit.text.clone()).collect()).unwrap_or_default()
}

#[tokio::test]
async fn a_header_with_a_secret_name_does_not_choose_what_is_hidden_everywhere() {
    let (url, _) = serve(|stream, _| async move {
        let headers = "x-csrf-token: true\r\nx-ratelimit-limit-tokens: 10000\r\ncontent-type: application/json\r\n";
        reply(stream, headers, b"{\"is_open\":true,\"size\":10000}").await;
    })
    .await;
    let bed = Bed::new(spec(&url, "test", ""));
    let exchanges = bed.perform(vec![bed.get(Caller::Anonymous, "/x"); 2]).await;
    assert_eq!(exchanges[1].json(), Some(&serde_json::json!({ "is_open": true, "size": 10000 })));
}

#[tokio::test]
async fn a_secret_is_recognised_as_other_writers_of_json_escape_it() {
    const KEY: &str = "ab/cd+EF0123456789/xyz";
    let (url, _) = serve(|stream, _| async move {
        let named = serde_json::json!({ "api_key": KEY }).to_string();
        let slashed = KEY.replace('/', "\\/");
        let plus = KEY.replace('+', "\\u002B");
        let body = format!("[{named},{{\"note\":\"{slashed}\"}},{{\"note\":\"{plus}\"}}]");
        reply(stream, "", body.as_bytes()).await;
    })
    .await;
    let bed = Bed::new(spec(&url, "test", ""));
    bed.one(bed.get(Caller::Anonymous, "/x")).await;
    let all = bed.recorded();
    assert!(!all.contains("0123456789"), "{all}");
}
