//! A bearer token has no text for logs.

use watertight_core::BearerToken;

fn print(token: &BearerToken) -> String {
    format!("{token:?} {token}")
}

fn main() {}
