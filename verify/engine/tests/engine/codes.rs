//! One-time codes: one each time that someone logs in, and none twice.

use std::time::Duration;

use watertight_engine::call::Caller;
use watertight_engine::log::What;
use watertight_engine::{Access, Width};
use watertight_spec::PrincipalIx;
use watertight_testbed::raw::{reply, serve};

use crate::bed::{Bed, SEED, job, parsed, text};

/// Of [`SEED`], in the periods from the third on.
const CODES: [&str; 3] = ["359152", "969429", "338314"];

const LOGIN: &str = "grant = \"login\"\nrequest = \"POST /login\"\ntoken = \"$.token\"\ntotp = \"$SOUTH_TOTP\"\n\
                     json = { user = \"s\", otp = \"{totp}\" }";

/// A target of which a token lasts no time, and one that refuses a code that it has seen. With what was sent to log in.
async fn target() -> (String, impl Fn() -> Vec<String>) {
    let (url, seen) = serve(|stream, head| async move {
        let body = if head.contains("/login") { r#"{"token":"token-0123-access","expires_in":0}"# } else { "{}" };
        reply(stream, "set-cookie: s=cookie-value-0123\r\n", body.as_bytes()).await;
    })
    .await;
    let logins = move || {
        let seen = seen.lock().unwrap();
        let bodies = seen.iter().filter(|head| head.starts_with("POST /login"));
        bodies.map(|head| head.split_once("\r\n\r\n").unwrap().1.to_owned()).collect()
    };
    (url, logins)
}

#[tokio::test]
async fn who_logs_in_twice_in_a_period_waits_for_the_next_code() {
    let (url, logins) = target().await;
    let bed = Bed::new(parsed(&text(&url, "test", "", LOGIN)));
    for _ in 0..3 {
        let exchange = bed.one(bed.get(Caller::Own(bed.south()), "/x")).await;
        assert_eq!(exchange.status(), Some(200), "{:?}", exchange.outcome);
    }
    let expected = CODES.map(|code| format!("{{\"otp\":\"{code}\",\"user\":\"s\"}}"));
    assert_eq!(logins(), expected);
    let waits: Vec<_> = bed
        .events()
        .iter()
        .filter_map(|event| match event.what {
            What::AwaitsCode { who, ms } => Some((who, ms)),
            _ => None,
        })
        .collect();
    assert_eq!(waits, [(bed.south(), 30_000), (bed.south(), 30_000)]);
    assert_eq!(bed.time(), Duration::from_secs(120), "no more is waited than it takes");
    let recorded = bed.recorded();
    assert!(recorded.contains("[one-time code]"), "{recorded}");
    assert!(!recorded.contains(SEED) && CODES.iter().all(|code| !recorded.contains(code)), "{recorded}");
}

#[tokio::test]
async fn a_step_of_a_session_sends_a_code_and_the_others_take_none() {
    let (url, logins) = target().await;
    let session = "grant = \"session\"\ntotp = \"$SOUTH_TOTP\"\nsteps = [\n\
                   { request = \"POST /login/1\", form = { user = \"s\", password = \"$SOUTH_PASSWORD\" } },\n\
                   { request = \"POST /login/2\", form = { code = \"{totp}\" } },\n\
                   { request = \"POST /login/3\", form = { sure = \"yes\" } },\n]";
    let bed = Bed::new(parsed(&text(&url, "test", "", session)));
    let exchange = bed.one(bed.get(Caller::Own(bed.south()), "/x")).await;
    assert_eq!(exchange.status(), Some(200), "{:?}", exchange.outcome);
    assert_eq!(logins()[1..], [format!("code={}", CODES[0]), "sure=yes".to_owned()]);
    assert_eq!(bed.time(), Duration::from_secs(60), "the first code is free at once");
}

#[tokio::test]
async fn two_principals_of_one_seed_never_send_the_same_code() {
    let (url, logins) = target().await;
    let two = format!("{LOGIN}\n[[tenant.principal]]\nname = \"reader\"\n{LOGIN}");
    let bed = Bed::new(parsed(&text(&url, "test", "", &two)));
    let second: PrincipalIx = serde_json::from_value(1.into()).unwrap();
    let reader = watertight_spec::Who { principal: second, ..bed.south() };
    let calls = [bed.south(), reader].map(|who| bed.get(Caller::Own(who), "/x"));
    let jobs = (0..).zip(calls).map(|(index, call)| {
        job(index, Access::Write, move |t| {
            let call = call.clone();
            Box::pin(async move { t.call(call).await })
        })
    });
    let mut done = Vec::new();
    bed.engine.run(jobs, Width::Limits, |_, seen| done.push(seen.unwrap().status())).await;
    assert_eq!(done, [Some(200), Some(200)]);
    let logins = logins();
    assert!(logins[0].contains(CODES[0]) && logins[1].contains(CODES[1]), "{logins:?}");
}

#[tokio::test]
async fn what_is_no_seed_is_said_and_nothing_is_sent() {
    let (url, logins) = target().await;
    let bed = Bed::new(parsed(&text(&url, "test", "", &LOGIN.replace("$SOUTH_TOTP", "$SOUTH_PASSWORD"))));
    let exchange = bed.one(bed.get(Caller::Own(bed.south()), "/x")).await;
    assert_eq!(exchange.status(), None);
    assert!(bed.recorded().contains("`totp` makes no code"), "{}", bed.recorded());
    assert!(logins().is_empty());
}
