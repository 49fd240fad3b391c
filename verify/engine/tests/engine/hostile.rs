//! Answers that are hostile are bounded, and are no responses.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use watertight_engine::call::Caller;
use watertight_engine::log::Failure;
use watertight_testbed::raw::{reply, serve};

use crate::bed::{Bed, failure, spec};

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
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
    let bed = Bed::new(spec(&url, "test", ""));
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
        let exchange = bed.one(bed.get(Caller::Anonymous, path)).await;
        assert_eq!(failure(&exchange), Some(expected), "{path}: status {:?}", exchange.status());
    }
}

/// What shows another tenant's data shows it, whether the answer ends or not.
#[tokio::test]
async fn a_canary_is_found_in_an_answer_that_never_ends_or_breaks_off() {
    let first = Bed::new(spec("http://127.0.0.1:1", "test", ""));
    let canary = first.tag.canary(first.tenant(1), "x").to_string();
    let packed = gzip(format!("{canary} {}", "xyz".repeat(100)).as_bytes());
    let (url, _) = serve(move |mut stream, head| {
        let (canary, packed) = (canary.clone(), packed.clone());
        async move {
            let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
            let (headers, body) = match path.as_str() {
                "/packed" => ("content-encoding: gzip\r\n", packed),
                "/long" => ("", format!("{canary}{}", "x".repeat(70_000)).into_bytes()),
                "/header" => (&*format!("x-echo: {canary}\r\n").leak(), Vec::new()),
                _ => ("", format!("[\"{canary}\",").into_bytes()),
            };
            let _ =
                stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n{headers}\r\n").as_bytes()).await;
            let _ = stream.write_all(&body).await;
            if path != "/cut" {
                let _ = stream.read(&mut [0; 8]).await;
            }
        }
    })
    .await;
    let bed = Bed::new(spec(&url, "test", ""));
    for (path, expected) in [
        ("/stalls", Failure::Timeout),
        ("/packed", Failure::Timeout),
        ("/header", Failure::Timeout),
        ("/long", Failure::TooLarge),
        ("/cut", Failure::Protocol),
    ] {
        let exchange = bed.one(bed.get(Caller::Anonymous, path)).await;
        assert_eq!(failure(&exchange), Some(expected), "{path}");
        assert!(exchange.shows(bed.tenant(1)), "{path}");
    }
}

#[tokio::test]
async fn a_target_that_is_not_there_is_a_failed_connection() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let bed = Bed::new(spec(&format!("http://{unused}"), "test", ""));
    let exchange = bed.one(bed.get(Caller::Anonymous, "/")).await;
    assert_eq!(failure(&exchange), Some(Failure::Connect));
}

#[tokio::test]
async fn canaries_are_found_in_headers_and_compressed_bodies() {
    let first = Bed::new(spec("http://127.0.0.1:1", "test", ""));
    let south = first.tenant(1);
    let canary = first.tag.canary(south, "x").to_string();
    let (url, _) = serve(move |stream, _| {
        let canary = canary.clone();
        async move {
            let headers = format!("x-echo: {canary}\r\ncontent-encoding: gzip\r\n");
            reply(stream, &headers, &gzip(format!("{{\"a\":\"{canary}\"}}").as_bytes())).await;
        }
    })
    .await;
    let bed = Bed::new(spec(&url, "test", ""));
    let exchange = bed.one(bed.get(Caller::Anonymous, "/")).await;
    let places: Vec<_> = exchange.hits.iter().map(|hit| (hit.owner, hit.place.as_str())).collect();
    assert_eq!(places, [(south, "body"), (south, "header x-echo")]);
}
