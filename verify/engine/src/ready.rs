//! Sending a request until what it asks for is ready, and to where its answer leads.

use std::time::Duration;

use url::Url;
use watertight_spec::{Effect, Follow, Until};

use crate::call::{Address, Call, Caller, Mark, Request};
use crate::log::{Exchange, Received};
use crate::tape::{Seen, Tape};

/// Between two looks, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Tape {
    /// Sends a request to the target. Where the spec says so of its operation, it is sent again until what it asks for is
    /// ready (`until`), and then where the answer leads (`follow`): what comes from there is the answer.
    pub async fn send(&self, request: Request) -> Seen {
        let Some(operation) = request.operation else { return self.call(Call::Api(request)).await };
        let template = &self.spec[operation].request;
        let answer = match &template.until {
            Some(until) => self.send_until(&request, until).await,
            None => self.call(Call::Api(request.clone())).await,
        };
        let link = template.follow.as_ref().filter(|_| answer.response().is_some_and(is_to_follow));
        match link.and_then(|follow| self.led_to(&request, &answer, follow)) {
            Some(further) => self.call(Call::Api(further)).await,
            None => answer,
        }
    }

    async fn send_until(&self, request: &Request, until: &Until) -> Seen {
        let (mut passed, mut pause) = (Duration::ZERO, FIRST_PAUSE);
        loop {
            let answer = self.call(Call::Api(request.clone())).await;
            let is_pending = answer.status().is_some_and(|status| until.is_pending(status, answer.json()));
            if !is_pending || passed >= until.within {
                return answer;
            }
            let step = pause.min(until.within.saturating_sub(passed));
            self.wait(step).await;
            passed = passed.saturating_add(step);
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }

    /// The request for what an answer names. At the origin of the tenant's own URL it has the same credential and headers;
    /// elsewhere it has none: a link that opens for whoever has it.
    fn led_to(&self, request: &Request, answer: &Exchange, follow: &Follow) -> Option<Request> {
        let link = match follow {
            Follow::Member(path) => path.query(answer.json()?).first()?.as_str()?.to_owned(),
            Follow::Header(name) => answer.header(name)?.to_owned(),
        };
        let base = Url::parse(&format!("{}{}", answer.request.origin, answer.request.target)).ok()?;
        let url = base.join(&link).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let is_own = url.origin() == self.spec[request.at].url.origin();
        let (caller, headers) = match is_own {
            true => (request.caller.clone(), request.headers.clone()),
            false => (Caller::Anonymous, Vec::new()),
        };
        Some(Request {
            caller,
            method: "GET".to_owned(),
            address: Address::from(target),
            origin: Some(Box::new(url)),
            headers,
            body: None,
            effect: Effect::Read,
            mark: Mark::Nothing,
            ..request.clone()
        })
    }
}

/// A success, or a redirect that names where to go on.
fn is_to_follow(received: &Received) -> bool {
    matches!(received.status, 200..=299 | 301 | 302 | 303 | 307 | 308)
}
