//! A tenant API in memory that is sound, and costs as much as it is told.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::Outcome;

/// Objects by collection.
type Data = Arc<Mutex<HashMap<String, Vec<(String, Value)>>>>;

/// Listens until it is killed.
pub(crate) fn serve(work: Duration, pad: usize) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        let data = Data::default();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let data = Arc::clone(&data);
            let service = service_fn(move |request| answer(Arc::clone(&data), request, work, pad));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    })
}

async fn answer(
    data: Data,
    request: Request<Incoming>,
    work: Duration,
    pad: usize,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let (status, json) = decide(&data, &parts.method, parts.uri.path(), &parts.headers, &body, pad);
    // Work, not sleep: the processor is busy with it.
    while begun.elapsed() < work {
        std::hint::spin_loop();
    }
    let response = Response::builder().status(status).header("content-type", "application/json");
    Ok(response.body(Full::new(Bytes::from(json.to_string()))).unwrap_or_default())
}

fn decide(
    data: &Data,
    method: &Method,
    path: &str,
    headers: &hyper::HeaderMap,
    body: &[u8],
    pad: usize,
) -> (u16, Value) {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let tenant = parts.first().copied().unwrap_or_default();
    let may = tenant.strip_prefix('t').is_some_and(|number| headers.contains_key(format!("x-key-{number}")));
    if !may && path != "/open" {
        return (404, json!({ "error": "not found" }));
    }
    let mut data = data.lock().unwrap_or_else(PoisonError::into_inner);
    let collection = parts.get(..2).unwrap_or_default().join("/");
    let objects = data.entry(collection).or_default();
    match (method, parts.get(2)) {
        (&Method::POST, None) => {
            let sent: Value = serde_json::from_slice(body).unwrap_or_default();
            let id = format!("{:08x}", objects.len() * 0x9e37 + 1);
            let object = json!({ "id": id, "title": sent["title"], "padding": "x".repeat(pad) });
            objects.push((id, object.clone()));
            (201, object)
        }
        (&Method::GET, None) => {
            // Padded once, so that an answer has the size that was asked for.
            let items: Vec<Value> =
                objects.iter().map(|(id, object)| json!({ "id": id, "title": object["title"] })).collect();
            (200, json!({ "items": items, "padding": "x".repeat(pad) }))
        }
        (&Method::DELETE, Some(id)) => {
            let before = objects.len();
            objects.retain(|(known, _)| known != id);
            (if objects.len() < before { 204 } else { 404 }, json!({}))
        }
        (&Method::GET, Some(id)) => match objects.iter().find(|(known, _)| known == id) {
            Some((_, object)) => (200, object.clone()),
            None => (404, json!({ "error": "not found" })),
        },
        _ => (405, json!({})),
    }
}
