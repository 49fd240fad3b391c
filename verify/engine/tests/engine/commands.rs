//! Tokens that a command prints.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tempfile::TempDir;
use watertight_engine::call::{Call, Caller};
use watertight_testbed::raw::{reply, serve};

use crate::bed::{Bed, failure, parsed_in, text};

/// A folder with a script that writes down each time that it is run, and a bed whose south runs it.
struct Shop {
    folder: TempDir,
    bed: Bed,
    seen: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

impl Shop {
    async fn new(script: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("print-token.sh");
        fs::write(&path, format!("#!/bin/sh\necho \"$1\" >> runs\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let (url, seen) = serve(|stream, _| reply(stream, "", b"{}")).await;
        let south = format!("grant = \"command\"\ncommand = [\"./print-token.sh\", \"so uth; $x\"]\n{more}");
        let bed = Bed::new(parsed_in(folder.path(), &text(&url, "test", "", &south)));
        Self { folder, bed, seen }
    }

    fn call(&self) -> Call {
        self.bed.get(Caller::Own(self.bed.south()), "/x")
    }

    fn runs(&self) -> Vec<String> {
        let runs = fs::read_to_string(self.folder.path().join("runs")).unwrap_or_default();
        runs.lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn what_it_prints_is_the_token_and_it_is_run_once_for_as_long_as_that_holds() {
    let shop = Shop::new("printf '\\n printed-token-0123 \\n\\n'", "").await;
    let calls = vec![shop.call(), shop.call()];
    for exchange in shop.bed.perform(calls.clone()).await {
        assert_eq!(exchange.status(), Some(200), "{:?}", exchange.outcome);
    }
    assert!(shop.seen.lock().unwrap().iter().all(|head| head.contains("authorization: Bearer printed-token-0123\r\n")));
    assert_eq!(shop.runs(), ["so uth; $x"], "in its folder, word by word");
    let recorded = shop.bed.recorded();
    assert!(!recorded.contains("printed-token-0123"), "{recorded}");
    assert_eq!(shop.bed.judged(calls).len(), 2);
    assert_eq!(shop.runs().len(), 1, "who judges a record runs nothing");
}

#[tokio::test]
async fn a_token_within_json_goes_into_a_header_of_its_own_and_is_renewed_when_its_time_is_over() {
    let print = r#"printf '{"data":{"token":"printed-token-0123"}}'"#;
    let more = "token = \"$.data.token\"\nheader = \"X-Session\"\nlifetime = \"1s\"";
    let shop = Shop::new(print, more).await;
    assert_eq!(shop.bed.one(shop.call()).await.status(), Some(200));
    assert!(shop.seen.lock().unwrap()[0].contains("x-session: printed-token-0123\r\n"));
    assert_eq!(shop.bed.judged(vec![shop.call()]).len(), 1);
}

/// The bed's clock says that a minute has passed since 1970.
#[tokio::test]
async fn a_signed_token_says_itself_how_long_it_holds() {
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let token = |exp: u64| {
        let claims = format!(r#"{{"iat":0,"exp":{exp},"sub":"robot"}}"#);
        format!("{}.{}.c2lnbmF0dXJlLTAxMjM", part(r#"{"alg":"ES256"}"#), part(&claims))
    };
    let lasting = Shop::new(&format!("printf {}", token(3660)), "").await;
    assert_eq!(lasting.bed.one(lasting.call()).await.status(), Some(200));
    let recorded = lasting.bed.recorded();
    assert!(recorded.contains("\"sub\":\"robot\"") && recorded.contains("\"lifetime\":3600"), "{recorded}");
    assert!(!recorded.contains("c2lnbmF0dXJlLTAxMjM"), "{recorded}");
    let over = Shop::new(&format!("printf {}", token(59)), "").await;
    assert_eq!(over.bed.one(over.call()).await.status(), None);
    assert!(over.bed.recorded().contains("printed a token that has expired"), "{}", over.bed.recorded());
}

#[tokio::test]
async fn one_that_fails_is_said_with_what_it_told_and_is_not_run_for_ever() {
    for (script, more, says) in [
        ("echo 'no such user' >&2; exit 3", "", "`./print-token.sh` ended with exit status: 3 and told: no such user"),
        ("echo \"was $(echo s3cret/of+north=)\" >&2; exit 1", "", "told: was redacted-"),
        ("yes long | head -c 9000 >&2; exit 1", "", "long"),
        ("exit 0", "", "printed no token"),
        ("printf 'a b\\nc'", "", "printed more than a token"),
        ("printf 'x\\351y'", "", "printed what is no text"),
        ("head -c 70000 /dev/zero | tr '\\0' x", "", "printed more than 65536 bytes"),
        ("printf x", "token = \"$.token\"", "printed no JSON"),
        ("printf '{}'", "token = \"$.token\"", "printed no token"),
    ] {
        let shop = Shop::new(script, more).await;
        for exchange in shop.bed.perform((0..5).map(|_| shop.call()).collect()).await {
            assert!(failure(&exchange).is_some(), "{script}");
            let said = format!("{:?}", exchange.outcome);
            assert!(said.contains(says) && said.len() < 1000, "{script}: {said}");
        }
        assert_eq!(shop.runs().len(), 3, "{script}");
        assert!(!shop.bed.recorded().contains("s3cret/of+north="), "{script}");
        assert!(shop.seen.lock().unwrap().is_empty(), "{script}");
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_said() {
    let shop = Shop::new("", "").await;
    fs::remove_file(shop.folder.path().join("print-token.sh")).unwrap();
    let said = format!("{:?}", shop.bed.one(shop.call()).await.outcome);
    assert!(said.contains("`./print-token.sh` can't be run"), "{said}");
    assert!(!Path::new("runs").exists());
}
