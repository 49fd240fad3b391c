//! Sessions: what the steps of a log-in have set and told, and what every request then carries.

use std::collections::BTreeMap;

use serde_json::Value;
use watertight_spec::{LoginStep, Take, UNIQUE, Who, Written, WrittenPart};

use crate::call::{TokenCall, encode};
use crate::log::{CookieReach, IssuedSession, ShownCookie, ShownJar, attribute, document};
use crate::render::Text;

/// Of an answer, names lower-case.
type Headers = [(String, Vec<u8>)];

/// Bytes of a value that is kept.
const LONGEST: usize = 16 * 1024;
/// Cookies that are kept of one log-in.
const MOST_COOKIES: usize = 50;

/// What the steps so far have set and told.
#[derive(Clone, Default)]
pub(crate) struct Jar {
    cookies: Vec<Cookie>,
    taken: BTreeMap<String, Text>,
}

/// A cookie. It goes back to the host that set it, and below that where it says so: an issuer's is none of the target's.
#[derive(Clone)]
struct Cookie {
    host: String,
    /// Whether hosts below that one get it too (`Domain`).
    reach: CookieReach,
    name: String,
    value: Text,
}

impl Cookie {
    /// RFC 6265 5.1.3 and 5.3: a domain that is not the host's own, or above it, is the host alone.
    fn new(set: Set, host: &str, value: Text) -> Self {
        let domain = set.domain.filter(|domain| is_below(host, domain) && domain.contains('.'));
        let reach = if domain.is_some() { CookieReach::AllBelow } else { CookieReach::HostAlone };
        Self { host: domain.unwrap_or_else(|| host.to_owned()), reach, name: set.name, value }
    }

    /// As it is recorded.
    fn shown(&self) -> ShownCookie {
        let Self { host, reach, name, value } = self;
        ShownCookie { host: host.clone(), reach: *reach, name: name.clone(), value: value.shown().to_owned() }
    }

    /// As a replay knows it.
    fn recorded(shown: &ShownCookie) -> Self {
        let ShownCookie { host, reach, name, value } = shown;
        Self {
            host: host.clone(),
            reach: *reach,
            name: name.clone(),
            value: Text::secret(value.as_str(), value.as_str()),
        }
    }

    fn goes_to(&self, host: &str) -> bool {
        self.host == host || (self.reach == CookieReach::AllBelow && is_below(host, &self.host))
    }
}

/// Whether a host is this domain, or below it.
fn is_below(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|above| above.ends_with('.'))
}

/// The `Cookie` header of those that go to a host.
fn cookie(cookies: &[Cookie], host: &str) -> Option<Text> {
    let of_host: Vec<&Cookie> = cookies.iter().filter(|cookie| cookie.goes_to(host)).collect();
    let line = |value: &dyn Fn(&Text) -> String| {
        let pairs: Vec<String> =
            of_host.iter().map(|cookie| format!("{}={}", cookie.name, value(&cookie.value))).collect();
        pairs.join("; ")
    };
    (!of_host.is_empty())
        .then(|| Text::secret(line(&|text| text.real().to_owned()), line(&|text| text.shown().to_owned())))
}

/// What every request of a session carries: the cookies of the host to which it goes, headers, and members of forms.
#[derive(Clone, Default)]
pub(crate) struct Carried {
    headers: Vec<(String, Text)>,
    form: Vec<(String, Text)>,
    cookies: Vec<Cookie>,
}

/// Texts by name, as they are recorded.
fn shown(texts: &[(String, Text)]) -> Vec<(String, String)> {
    texts.iter().map(|(name, text)| (name.clone(), text.shown().to_owned())).collect()
}

/// Texts by name, as a replay knows them.
fn recorded(texts: &[(String, String)]) -> Vec<(String, Text)> {
    texts.iter().map(|(name, text)| (name.clone(), Text::secret(text.as_str(), text.as_str()))).collect()
}

impl Carried {
    /// The headers of a request to a host.
    pub(crate) fn to(&self, host: &str) -> Vec<(String, Text)> {
        let cookie = cookie(&self.cookies, host).map(|cookie| ("cookie".to_owned(), cookie));
        cookie.into_iter().chain(self.headers.iter().cloned()).collect()
    }

    /// What a form has besides its own members.
    pub(crate) fn form(&self) -> &[(String, Text)] {
        &self.form
    }

    /// As it is recorded.
    pub(crate) fn shown(&self, who: Who) -> IssuedSession {
        let cookies = self.cookies.iter().map(Cookie::shown).collect();
        IssuedSession { who, carried: shown(&self.headers), form: shown(&self.form), cookies }
    }

    /// As a replay knows it.
    pub(crate) fn recorded(session: &IssuedSession) -> Self {
        let cookies = session.cookies.iter().map(Cookie::recorded).collect();
        Self { headers: recorded(&session.carried), form: recorded(&session.form), cookies }
    }
}

impl Jar {
    /// As it is recorded.
    pub(crate) fn shown(&self, who: Who) -> ShownJar {
        let cookies = self.cookies.iter().map(Cookie::shown);
        let taken = self.taken.iter().map(|(name, text)| (name.clone(), text.shown().to_owned()));
        ShownJar { who, cookies: cookies.collect(), taken: taken.collect() }
    }

    /// As a replay knows it.
    pub(crate) fn recorded(shown: &ShownJar) -> Self {
        let taken = shown.taken.iter().map(|(name, text)| (name.clone(), Text::secret(text.as_str(), text.as_str())));
        Self { cookies: shown.cookies.iter().map(Cookie::recorded).collect(), taken: taken.collect() }
    }

    /// What a step of a log-in knows, where this is what has been told so far. It begins with nothing; and the steps that make
    /// an account need not be taken again for another log-in with it, in which no cookie of the last one is sent.
    pub(crate) fn before(self, ask: &TokenCall, steps: &[LoginStep]) -> Self {
        let begins = steps.iter().take(ask.step).all(|step| step.by.is_some());
        let mut jar = match ask.step {
            0 => Self::default(),
            _ if begins => self.without_cookies(),
            _ => self,
        };
        jar.keep(UNIQUE, Text::plain(ask.unique.clone()));
        jar
    }

    /// The same without cookies: what an act upon a log-in may name.
    pub(crate) fn without_cookies(mut self) -> Self {
        self.cookies.clear();
        self
    }

    /// What an answer of a host sets and tells. `hidden` gives what stands for a value that is a secret.
    pub(crate) fn fill(
        &mut self,
        take: &[(String, Take)],
        (host, headers, body): (&str, &Headers, &str),
        hidden: &mut dyn FnMut(&str) -> String,
    ) {
        self.set(host, headers, hidden);
        self.take(take, (headers, body), hidden);
    }

    /// The cookies that an answer sets.
    fn set(&mut self, host: &str, headers: &Headers, hidden: &mut dyn FnMut(&str) -> String) {
        for set in cookies(headers) {
            let (is_taken_back, value) = (set.value.is_empty(), Text::secret(set.value.as_str(), hidden(&set.value)));
            let cookie = Cookie::new(set, host, value);
            self.cookies.retain(|known| known.name != cookie.name || known.host != cookie.host);
            // One that is set to nothing is taken back (RFC 6265 5.3).
            if !is_taken_back && self.cookies.len() < MOST_COOKIES {
                self.cookies.push(cookie);
            }
        }
    }

    /// What an answer tells.
    pub(crate) fn take(
        &mut self,
        take: &[(String, Take)],
        (headers, body): (&Headers, &str),
        hidden: &mut dyn FnMut(&str) -> String,
    ) {
        for (name, from) in take {
            let found = match from {
                Take::Member(path) => {
                    let json: Option<Value> = serde_json::from_str(body).ok();
                    let json = json.or_else(|| document(body, header(headers, "content-type").as_deref()));
                    json.and_then(|json| Some(path.query(&json).first()?.as_str()?.to_owned()))
                }
                Take::Header(wanted) => header(headers, wanted),
                Take::Cookie(wanted) => {
                    let known = self.cookies.iter().rfind(|cookie| cookie.name == *wanted);
                    known.map(|cookie| cookie.value.real().to_owned())
                }
                Take::Field(wanted) => field(body, wanted),
            };
            if let Some(value) = found.filter(|value| value.len() <= LONGEST) {
                let text = Text::secret(value.as_str(), hidden(&value));
                self.taken.insert(name.clone(), text);
            }
        }
    }

    /// What was taken under a name.
    pub(crate) fn taken(&self, name: &str) -> Option<Text> {
        self.taken.get(name).cloned()
    }

    /// Keeps a text under a name.
    pub(crate) fn keep(&mut self, name: &str, text: Text) {
        self.taken.insert(name.to_owned(), text);
    }

    /// The `Cookie` header for a host, if it gets any cookie.
    pub(crate) fn cookie(&self, host: &str) -> Option<Text> {
        cookie(&self.cookies, host)
    }

    /// What the requests of the session carry from now on, with these headers and members of forms; or the name of what was
    /// not taken.
    pub(crate) fn carried(&self, headers: &[(String, Written)], form: &[(String, Written)]) -> Result<Carried, String> {
        let all = |texts: &[(String, Written)]| -> Result<Vec<(String, Text)>, String> {
            texts.iter().map(|(name, text)| Ok((name.clone(), self.written(text)?))).collect()
        };
        Ok(Carried { headers: all(headers)?, form: all(form)?, cookies: self.cookies.clone() })
    }

    /// A text with what was taken in it; the name of what was not, if there is any.
    pub(crate) fn written(&self, written: &Written) -> Result<Text, String> {
        self.framed(written, |text| text.to_owned())
    }

    /// Path and query of a request, in which what was taken is percent-encoded.
    pub(crate) fn target(&self, written: &Written) -> Result<Text, String> {
        self.framed(written, encode)
    }

    fn framed(&self, written: &Written, encode: impl Fn(&str) -> String) -> Result<Text, String> {
        let (mut real, mut shown) = (String::new(), String::new());
        for part in written.parts() {
            match part {
                WrittenPart::Text(text) => {
                    real.push_str(text);
                    shown.push_str(text);
                }
                WrittenPart::Taken(name) => {
                    let text = self.taken.get(name).ok_or_else(|| name.clone())?;
                    real.push_str(&encode(text.real()));
                    shown.push_str(&text.shown_in(&encode));
                }
            }
        }
        Ok(Text::secret(real, shown))
    }
}

/// What a `Set-Cookie` says.
struct Set {
    name: String,
    value: String,
    domain: Option<String>,
}

/// Each cookie that an answer sets (RFC 6265 5.2).
fn cookies(headers: &Headers) -> impl Iterator<Item = Set> {
    let set = headers.iter().filter(|(name, _)| name == "set-cookie");
    set.filter_map(|(_, value)| {
        let text = String::from_utf8_lossy(value);
        let mut parts = text.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let domain = parts.filter_map(|part| part.split_once('=')).find_map(|(name, value)| {
            let domain = value.trim().trim_start_matches('.').to_ascii_lowercase();
            (name.trim().eq_ignore_ascii_case("domain") && !domain.is_empty()).then_some(domain)
        });
        let is_kept = !name.trim().is_empty() && value.len() <= LONGEST;
        is_kept.then(|| Set { name: name.trim().to_owned(), value: value.trim().to_owned(), domain })
    })
}

fn header(headers: &Headers, wanted: &str) -> Option<String> {
    let (_, value) = headers.iter().find(|(name, _)| name == wanted)?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// The value of an `input`, or the content of a `meta` element, of this name.
fn field(html: &str, wanted: &str) -> Option<String> {
    html.split('<').find_map(|tag| {
        let is_kind =
            ["input", "meta"].iter().any(|kind| tag.get(..kind.len()).is_some_and(|t| t.eq_ignore_ascii_case(kind)));
        let tag = tag.split('>').next().filter(|_| is_kind)?;
        let is_it = attribute(tag, "name").is_some_and(|name| name == wanted);
        attribute(tag, "value").or_else(|| attribute(tag, "content")).filter(|_| is_it)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_goes_back_to_the_host_that_set_it_and_below_it_only_where_it_says_so() {
        let mut jar = Jar::default();
        let sets = |text: &str| vec![("set-cookie".to_owned(), text.as_bytes().to_vec())];
        for (host, text) in [
            ("login.example.com", "idp=1; Path=/"),
            ("login.example.com", "both=2; Domain=.Example.com"),
            ("app.example.com", "app=3; Domain=other.org"),
            ("app.example.com", "wide=4; Domain=com"),
            ("app.example.com", "gone=5"),
            ("app.example.com", "gone="),
        ] {
            jar.fill(&[], (host, &sets(text), ""), &mut |value| value.to_owned());
        }
        let sent = |host: &str| jar.cookie(host).map(|cookie| cookie.real().to_owned());
        assert_eq!(sent("login.example.com").as_deref(), Some("idp=1; both=2"));
        assert_eq!(sent("app.example.com").as_deref(), Some("both=2; app=3; wide=4"));
        assert_eq!(sent("below.app.example.com").as_deref(), Some("both=2"));
        assert_eq!(sent("notexample.com"), None);
    }

    #[test]
    fn a_field_is_found_by_its_name_however_the_tag_is_written() {
        for html in [
            "<form><input type=\"hidden\" name=\"csrf\" value=\"a&amp;b\"></form>",
            "<INPUT value='a&amp;b' name='csrf'/>",
            "<meta name=\"csrf\" content=\"a&amp;b\" />",
            "<input name=other value=x><input name=csrf value=a&amp;b>",
            "<input data-value=\"no\" name=\"csrf\" value=\"a&amp;b\">",
        ] {
            assert_eq!(field(html, "csrf").as_deref(), Some("a&b"), "{html}");
        }
        assert_eq!(field("<input name=\"csrf_other\" value=\"x\">", "csrf"), None);
    }
}
