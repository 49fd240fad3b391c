//! What a body was encoded with. We ask for no encoding; a target that encodes all the same must not hide a marker in it.

use std::io::Read;

use super::HttpError;
use crate::log::Failure;

/// Without its `content-encoding`, within the limit.
pub(super) fn decode(headers: &[(String, Vec<u8>)], raw: Vec<u8>, limit: usize) -> Result<Vec<u8>, HttpError> {
    let encodings = headers.iter().filter(|(name, _)| name == "content-encoding");
    let named: Vec<String> = encodings
        .flat_map(|(_, value)| {
            String::from_utf8_lossy(value).split(',').map(|e| e.trim().to_lowercase()).collect::<Vec<_>>()
        })
        .filter(|e| !e.is_empty() && e != "identity")
        .collect();
    if named.len() > 3 {
        return Err((Failure::Protocol, "the answer is encoded more than three times over".into()));
    }
    named.iter().rev().try_fold(raw, |bytes, encoding| match encoding.as_str() {
        "gzip" | "x-gzip" => inflate(flate2::read::MultiGzDecoder::new(bytes.as_slice()), limit),
        "deflate" => inflate(flate2::read::ZlibDecoder::new(bytes.as_slice()), limit),
        other => Err((Failure::Protocol, format!("the answer is encoded as {other:?}, which was not asked for"))),
    })
}

fn inflate(decoder: impl Read, limit: usize) -> Result<Vec<u8>, HttpError> {
    let mut bytes = Vec::new();
    let bound = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder
        .take(bound)
        .read_to_end(&mut bytes)
        .map_err(|error| (Failure::Protocol, format!("the answer does not decompress: {error}")))?;
    if bytes.len() > limit {
        return Err((Failure::TooLarge, format!("the answer decompresses to more than {limit} bytes")));
    }
    Ok(bytes)
}
