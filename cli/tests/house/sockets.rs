//! Checks know no socket: they ask their tape, and the engine alone sends.

use crate::{SourceFile, assert_clean, repository};

/// What opens, or is, a connection.
const SOCKETS: [&str; 6] = ["std::net", "tokio::net", "tokio::io", "hyper", "reqwest", "tokio_rustls"];

fn sockets_in_checks(files: &[SourceFile]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("verify/checks/src/")) {
        for (number, line) in (1..).zip(file.text.lines()) {
            for socket in SOCKETS.iter().filter(|socket| line.contains(*socket)) {
                complaints.push(format!("{}:{number}: checks use {socket}; ask the tape", file.path));
            }
        }
    }
    complaints
}

#[test]
fn a_check_that_opens_a_connection_is_complained_of() {
    let bad =
        SourceFile::new("verify/checks/src/api/swap.rs", "use tokio::net::TcpStream;\nlet c = reqwest::get(url);\n");
    assert_eq!(sockets_in_checks(&[bad]).len(), 2);
    let engine = SourceFile::new("verify/engine/src/channel/http.rs", "use tokio::net::TcpStream;\n");
    assert!(sockets_in_checks(&[engine]).is_empty());
}

#[test]
fn no_check_opens_a_connection() {
    assert_clean(sockets_in_checks(&repository()));
}
