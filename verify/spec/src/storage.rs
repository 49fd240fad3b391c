//! Files that hold the cookies of a browser: the `cookies.txt` of Netscape, which curl and wget write as well, and the
//! `storageState` of Playwright.

use serde_json::Value;
use url::{Host, Url};

/// Cookies that are sent of a file: more than a browser keeps for a host (RFC 6265 6.1).
const MOST: usize = 50;

/// A cookie of a file.
struct Stored {
    name: String,
    value: String,
    /// Without a dot at its beginning.
    domain: String,
    reach: Reach,
    path: String,
    /// Whether it goes over https alone.
    is_secure: bool,
}

/// Whether hosts below the domain get it too.
#[derive(PartialEq, Eq)]
enum Reach {
    Host,
    Below,
}

/// Names and values of the cookies that a browser would send to this URL.
///
/// # Errors
/// What is wrong with the file, or that there are none. Nothing of what it holds is said.
pub(crate) fn cookies_for(url: &Url, text: &str) -> Result<Vec<(String, String)>, String> {
    let stored = match text.trim_start().starts_with('{') {
        true => of_playwright(text)?,
        false => of_netscape(text)?,
    };
    let fitting: Vec<_> =
        stored.into_iter().filter(|cookie| cookie.goes_to(url)).map(|cookie| (cookie.name, cookie.value)).collect();
    match fitting.len() {
        0 => Err(format!("holds no cookie that a browser would send to {url}")),
        1..=MOST => Ok(fitting),
        many => Err(format!("holds {many} cookies for {url}, and {MOST} can be sent")),
    }
}

impl Stored {
    /// RFC 6265 5.4.
    fn goes_to(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let is_below = host.strip_suffix(self.domain.as_str()).is_some_and(|above| above.ends_with('.'));
        let fits_host = host == self.domain || (self.reach == Reach::Below && is_below);
        // 5.1.4
        let rest = url.path().strip_prefix(self.path.as_str());
        let fits_path = rest.is_some_and(|rest| rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'));
        fits_host && fits_path && (!self.is_secure || is_trustworthy(url)) && self.is_sendable()
    }

    /// Whether a header can hold it (4.1.1).
    fn is_sendable(&self) -> bool {
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';');
        !self.name.is_empty() && is_plain(&self.name) && is_plain(&self.value)
    }
}

/// What browsers take for https: that, and this machine.
fn is_trustworthy(url: &Url) -> bool {
    let is_this_machine = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || is_this_machine
}

/// Seven members a line, with tabs between them. `#HttpOnly_` before a domain is no comment.
fn of_netscape(text: &str) -> Result<Vec<Stored>, String> {
    let mut stored = Vec::new();
    for (number, line) in (1_usize..).zip(text.lines()) {
        let line = line.strip_prefix("#HttpOnly_").unwrap_or(line);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let members: Vec<&str> = line.split('\t').collect();
        let [domain, below, path, secure, _, name, value] = members.as_slice() else {
            return Err(format!(
                "is neither JSON with `cookies` nor a cookies.txt: line {number} has no seven members"
            ));
        };
        stored.push(Stored {
            name: (*name).to_owned(),
            value: (*value).to_owned(),
            domain: domain.trim_start_matches('.').to_lowercase(),
            reach: if below.eq_ignore_ascii_case("true") { Reach::Below } else { Reach::Host },
            path: (*path).to_owned(),
            is_secure: secure.eq_ignore_ascii_case("true"),
        });
    }
    Ok(stored)
}

/// `{ "cookies": [{ "name": …, "value": …, "domain": …, "path": …, "secure": … }] }`
fn of_playwright(text: &str) -> Result<Vec<Stored>, String> {
    let json: Value = serde_json::from_str(text)
        .map_err(|error| format!("is no JSON (line {}, column {})", error.line(), error.column()))?;
    let cookies = json.get("cookies").and_then(Value::as_array).ok_or("has no list `cookies`")?;
    let read = cookies.iter().map(|cookie| {
        let text = |name: &str| cookie.get(name).and_then(Value::as_str);
        let written = text("domain")?;
        Some(Stored {
            name: text("name")?.to_owned(),
            value: text("value")?.to_owned(),
            domain: written.trim_start_matches('.').to_lowercase(),
            reach: if written.starts_with('.') { Reach::Below } else { Reach::Host },
            path: text("path").unwrap_or("/").to_owned(),
            is_secure: cookie.get("secure").and_then(Value::as_bool).unwrap_or_default(),
        })
    });
    read.collect::<Option<_>>().ok_or_else(|| "has a cookie without `name`, `value` or `domain`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(url: &str, text: &str) -> Vec<String> {
        let cookies = cookies_for(&url.parse().unwrap(), text).unwrap_or_default();
        cookies.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    const NETSCAPE: &str = "# Netscape HTTP Cookie File\n\
        .example.com\tTRUE\t/\tFALSE\t0\twide\t1\n\
        #HttpOnly_api.example.com\tFALSE\t/\tTRUE\t1999999999\tsecret\t2=\n\
        api.example.com\tFALSE\t/v1\tFALSE\t0\tdeep\t3\n\
        example.com\tFALSE\t/\tFALSE\t0\tabove\t4\n\
        evil-example.com\tTRUE\t/\tFALSE\t0\tother\t5\n";

    #[test]
    fn a_cookies_txt_gives_what_a_browser_would_send() {
        assert_eq!(sent("https://api.example.com/", NETSCAPE), ["wide=1", "secret=2="]);
        assert_eq!(sent("http://api.example.com/", NETSCAPE), ["wide=1"]);
        assert_eq!(sent("https://api.example.com/v1", NETSCAPE), ["wide=1", "secret=2=", "deep=3"]);
        assert_eq!(sent("https://api.example.com/v12", NETSCAPE), ["wide=1", "secret=2="]);
        assert_eq!(sent("https://example.com/", NETSCAPE), ["wide=1", "above=4"]);
        assert_eq!(sent("https://example.org/", NETSCAPE), [""; 0]);
    }

    #[test]
    fn a_storage_state_gives_what_a_browser_would_send() {
        let text = r#"{"cookies":[
            {"name":"wide","value":"1","domain":".example.com","path":"/","expires":-1,"httpOnly":true,"secure":false},
            {"name":"own","value":"2","domain":"api.example.com","path":"/","secure":true},
            {"name":"above","value":"3","domain":"example.com","path":"/"},
            {"name":"split","value":"4; x=5","domain":"api.example.com","path":"/"}],"origins":[]}"#;
        assert_eq!(sent("https://api.example.com", text), ["wide=1", "own=2"]);
        assert_eq!(sent("http://127.0.0.1:1", &text.replace("api.example.com", "127.0.0.1")), ["own=2"]);
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_without_what_it_holds() {
        let url: Url = "https://api.example.com".parse().unwrap();
        let why = |text: &str| cookies_for(&url, text).unwrap_err();
        assert_eq!(
            why("secret stuff"),
            "is neither JSON with `cookies` nor a cookies.txt: line 1 has no seven members"
        );
        assert_eq!(why("{\"cookies\": secret"), "is no JSON (line 1, column 13)");
        assert_eq!(why("{\"cookies\": 7}"), "has no list `cookies`");
        assert_eq!(why("{\"cookies\": [{\"name\": \"secret\"}]}"), "has a cookie without `name`, `value` or `domain`");
        let none = "holds no cookie that a browser would send to https://api.example.com/";
        assert_eq!(why("{\"cookies\": []}"), none);
        let many: String = (0..51).map(|n| format!("api.example.com\tFALSE\t/\tFALSE\t0\tc{n}\tx\n")).collect();
        assert_eq!(why(&many), "holds 51 cookies for https://api.example.com/, and 50 can be sent");
    }
}
