//! The secrets of a live run, as rendering asks for them.

use std::collections::BTreeMap;

use watertight_spec::{PrivateKey, Totp, Who};

use super::Live;
use crate::call::Forged;
use crate::credentials::{Carried, Jar, assertion, totp};
use crate::log::Source;
use crate::redact::Goes;
use crate::render::{Held, Secrets, Text, forged_label};
use crate::tape::topic;

/// What a live run knows, for one source.
pub(super) struct Known<'l> {
    live: &'l Live,
    topic: String,
}

impl<'l> Known<'l> {
    pub(super) fn of(live: &'l Live, source: Source) -> Self {
        Self { live, topic: topic(source) }
    }
}

impl Secrets for Known<'_> {
    fn shown(&self, secret: &str) -> String {
        self.live.redactor.borrow().placeholder(secret)
    }
    fn current(&self, who: Who) -> Option<(u64, Text)> {
        self.live.tokens.current(who)
    }
    fn session(&self, who: Who) -> Option<(u64, Carried)> {
        self.live.tokens.session(who)
    }
    fn jar(&self, who: Who) -> Jar {
        self.live.tokens.jar(who)
    }
    fn issued(&self, seq: u64) -> Option<(Who, Held)> {
        self.live.tokens.held(seq, &self.live.spec)
    }
    fn forge(&self, genuine: &Text, what: &Forged) -> Result<Text, String> {
        let forgery = self.live.forge.borrow().clone().ok_or("no key or listener for forging could be had")?;
        let made = forgery.forge.make(genuine.real(), what, &forgery.listener.url(&self.topic))?;
        Ok(Text::secret(made, forged_label(genuine.shown(), what)))
    }
    fn sign(&self, key: &PrivateKey, claims: &BTreeMap<String, String>) -> Result<Text, String> {
        Ok(Text::secret(assertion::sign(key, claims)?, assertion::SHOWN))
    }
    fn one_time_code(&self, totp: &Totp) -> Result<Text, String> {
        Ok(Text::secret(self.live.codes.take(totp)?, totp::SHOWN))
    }
    fn as_it_was(&self, text: &str, goes: Goes) -> String {
        self.live.redactor.borrow().as_it_was(text, goes)
    }
}
