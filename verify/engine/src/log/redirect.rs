//! Redirects, as they are recorded: the engine follows none by itself.

use super::Exchange;

impl Exchange {
    /// Where a redirect leads (RFC 9110 15.4).
    pub fn led_to(&self) -> Option<&str> {
        let is_redirect = matches!(self.status(), Some(301 | 302 | 303 | 307 | 308));
        self.header("location").filter(|_| is_redirect)
    }

    /// Whether a request was let in, as far as its answer says: a success, or a write that leads on.
    pub fn lets_in(&self) -> bool {
        self.succeeded() || self.leads_on()
    }

    /// Whether a redirect leads to where one is sent back from, as a log-in does: what was asked for goes with it.
    pub fn leads_back(&self) -> bool {
        let asked = self.request.target.split('?').next().unwrap_or_default();
        let query = self.led_to().and_then(|place| place.split_once('?')).map(|(_, query)| query).unwrap_or_default();
        let echoes = [asked.to_owned(), asked.replace('/', "%2F"), asked.replace('/', "%2f")];
        echoes.iter().any(|echo| !echo.is_empty() && query.contains(echo.as_str()))
    }

    /// Whether what came back to a write is where to look next, as a form is answered (RFC 9110 15.4.4). That it was done is
    /// not said: what has become of the data shows it.
    pub fn leads_on(&self) -> bool {
        let is_write = !matches!(self.request.method.as_str(), "GET" | "HEAD");
        let is_next = matches!(self.status(), Some(302 | 303)) && self.led_to().is_some();
        is_write && is_next && !self.leads_back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Body, Outcome, Received};

    fn answered(method: &str, status: u16, location: &str) -> Exchange {
        let mut exchange = Exchange::unanswered();
        exchange.request.method = method.to_owned();
        exchange.request.target = "/courses/new/".to_owned();
        let headers = vec![("location".to_owned(), location.to_owned())];
        exchange.outcome = Outcome::Response(Received { status, headers, body: Body::default(), length: 0 });
        exchange
    }

    #[test]
    fn a_write_leads_on_unless_it_is_sent_to_where_one_comes_back_from() {
        assert!(answered("POST", 302, "/courses/7/").leads_on());
        assert!(answered("POST", 303, "/courses/?made=7").leads_on());
        for (method, status, location) in [
            ("GET", 302, "/courses/7/"),
            ("POST", 307, "/courses/7/"),
            ("POST", 201, "/courses/7/"),
            ("POST", 302, "/login/?next=/courses/new/"),
            ("POST", 302, "/login/?next=%2Fcourses%2Fnew%2F"),
        ] {
            assert!(!answered(method, status, location).leads_on(), "{method} {status} {location}");
        }
    }
}
