//! What set-up meets at a target that does not do as the spec says, in words from which a stranger sees what to change.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use crate::desk::*;

/// What is answered to a method: status, media type, body.
type Answer = fn(&str) -> (u16, &'static str, &'static str);

/// A target that answers every request by its method alone, for as long as the test runs.
fn target(answer: Answer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve(stream, answer));
        }
    });
    url
}

fn serve(mut stream: TcpStream, answer: Answer) {
    let mut read = Vec::new();
    let mut more = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut more) {
        read.extend_from_slice(&more[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() < length.unwrap_or(0) {
            continue;
        }
        let (status, kind, body) = answer(head.split(' ').next().unwrap());
        let head = format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
        if stream.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
        read.clear();
    }
}

/// What `verify` says of it.
fn told(answer: Answer, resource: &str) -> String {
    let desk = Desk::new();
    let text = spec(&target(answer), "").replace("\"path\"", "\"token\"");
    let (before, _) = text.split_once("[[resource]]").unwrap();
    desk.write("watertight.toml", &format!("{before}{resource}"));
    let output = desk.run(&["verify", "--only", "api.swap-item"]);
    assert_eq!(code(&output), 4, "{}{}", out(&output), err(&output));
    out(&output) + &err(&output)
}

const NOTE: &str = "[[resource]]\nname = \"note\"\npath = \"/notes\"\ncreate = { title = \"{canary}\" }\n";

#[test]
fn a_page_in_place_of_an_object_is_not_called_a_stripped_marker() {
    let told = told(
        |method| match method {
            "POST" => (201, "application/json", "{\"id\":\"n1\"}"),
            _ => (200, "text/html; charset=utf-8", "<!doctype html><title>Log in</title>"),
        },
        NOTE,
    );
    assert!(told.contains("an HTML page is answered, without the marker"), "{told}");
    assert!(!told.contains("strips or changes"), "{told}");
}

#[test]
fn a_marker_that_is_gone_is_called_stripped() {
    let told = told(
        |method| {
            if method == "POST" {
                (201, "application/json", "{\"id\":\"n1\"}")
            } else {
                (200, "application/json", "{\"id\":\"n1\",\"title\":\"\"}")
            }
        },
        NOTE,
    );
    assert!(told.contains("the target strips or changes the marker"), "{told}");
}

/// A refusal that is a success in its status says what it says; a secret in it is not shown.
#[test]
fn an_error_in_a_success_is_shown_where_set_up_is_refused() {
    const ERROR: &str = "{\"errors\":[{\"message\":\"Title is too short for hush-north\",\"code\":7}]}";
    let told = told(|_| (200, "application/json", ERROR), NOTE);
    assert!(told.contains("the owner's own create failed, and the target says: "), "{told}");
    assert!(told.contains("Title is too short") && !told.contains("hush-north"), "{told}");
}

/// What nothing marks can't have lost its marker.
#[test]
fn an_object_without_a_marker_is_not_said_to_have_lost_it() {
    let export = "[[resource]]\nname = \"export\"\npath = \"/exports\"\ncreate = { of = \"notes\" }\nmethods = [\"create\", \"list\"]\n";
    let desk = Desk::new();
    let url = target(|method| match method {
        "POST" => (201, "application/json", "{\"id\":\"e1\"}"),
        _ => (200, "application/json", "[{\"id\":\"e1\",\"of\":\"notes\"}]"),
    });
    let text = spec(&url, "").replace("\"path\"", "\"token\"");
    let (before, _) = text.split_once("[[resource]]").unwrap();
    desk.write("watertight.toml", &format!("{before}{export}"));
    let output = desk.run(&["verify"]);
    assert!(!out(&output).contains("strips or changes"), "{}", out(&output));
    assert_ne!(code(&output), 4, "{}", out(&output));
}
