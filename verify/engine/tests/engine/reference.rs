//! What comes from the target and goes back to it is sent as it was, and shown as a placeholder.

use watertight_engine::Access;
use watertight_engine::call::{Address, Caller, Payload};
use watertight_testbed::raw::{reply, serve};

use crate::bed::{Bed, spec};

/// A page cursor that looks like a token, a cursor that holds a learned secret, an id that is one.
#[tokio::test]
async fn a_link_a_cursor_and_an_id_go_back_as_they_were() {
    const CURSOR: &str = "eyJsYXN0IjoxN30.c2lnbmF0dXJl";
    const SIGNED: &str = "a%2Bb%2Fc%3D0123456789";
    const ID: &str = "k+/=Zm9vYmFyMDEyMzQ1Njc4OWFi";
    let (url, seen) = serve(|stream, _| async move {
        let body = serde_json::json!({
            "next": format!("/cases?cursor={CURSOR}"), "signed": format!("/cases?sig={SIGNED}&n=2"), "secret": ID,
        });
        reply(stream, "", body.to_string().as_bytes()).await;
    })
    .await;
    let bed = Bed::new(spec(&url, "test", ""));
    let first = bed.request(Caller::Anonymous, "GET", "/cases");
    let shown = bed
        .run(Access::Read, move |t| {
            let first = first.clone();
            Box::pin(async move {
                let page = t.send(first.clone()).await;
                let text = |name: &str| page.json().unwrap()[name].as_str().unwrap().to_owned();
                let link = t.send(first.clone().to(text("next"))).await;
                let signed = t.send(first.clone().to(text("signed"))).await;
                let id = t.send(first.clone().to(Address::from("/cases/").value(text("secret")))).await;
                let body =
                    t.send(first.bringing(Some(Payload::Json(serde_json::json!({ "ref": text("secret") }))))).await;
                [link, signed, id, body]
            })
        })
        .await;
    let wire = seen.lock().unwrap().clone();
    assert!(wire[1].starts_with(&format!("GET /cases?cursor={CURSOR} ")), "{}", wire[1]);
    assert!(wire[2].starts_with(&format!("GET /cases?sig={SIGNED}&n=2 ")), "{}", wire[2]);
    assert!(wire[3].starts_with(&format!("GET /cases/{} ", watertight_engine::call::encode(ID))), "{}", wire[3]);
    assert!(wire[4].contains(&format!("{{\"ref\":\"{ID}\"}}")), "{}", wire[4]);
    for exchange in &shown {
        let shown = format!("{} {:?}", exchange.request.target, exchange.request.body);
        assert!(shown.contains("redacted-"), "{shown}");
    }
    let recorded = bed.recorded();
    for secret in [CURSOR, "0123456789", ID] {
        assert!(!recorded.contains(secret), "{secret} in {recorded}");
    }
}
