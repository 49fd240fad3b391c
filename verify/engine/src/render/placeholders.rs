//! What a replay knows of secrets.

use std::collections::{BTreeMap, HashMap};

use watertight_spec::{PrivateKey, Totp, Who};

use super::{Held, Secrets, Text, forged_label};
use crate::call::Forged;
use crate::credentials::{Carried, Jar, assertion, totp};
use crate::log::IssuedSession;
use crate::redact::Goes;

/// What a replay knows: placeholders.
#[derive(Default)]
pub(crate) struct Placeholders {
    /// Placeholders of this part of the run, by what the spec has for the secret.
    pub(crate) variables: HashMap<String, String>,
    /// By the event that brought it.
    pub(crate) issued: BTreeMap<u64, (Who, String)>,
    /// What sessions carry, by the event that brought it.
    pub(crate) sessions: BTreeMap<u64, IssuedSession>,
    /// What each principal's log-in has told so far.
    pub(crate) jars: HashMap<Who, Jar>,
    /// The token that the event at hand says it used, where a principal's current one is asked for.
    pub(crate) used: Option<u64>,
}

impl Secrets for Placeholders {
    fn shown(&self, secret: &str) -> String {
        self.variables.get(secret).cloned().unwrap_or_else(|| secret.to_owned())
    }
    fn current(&self, who: Who) -> Option<(u64, Text)> {
        let seq = self.used?;
        let (owner, token) = self.issued.get(&seq)?;
        (*owner == who).then(|| (seq, Text::secret(token.clone(), token.clone())))
    }
    fn session(&self, who: Who) -> Option<(u64, Carried)> {
        let seq = self.used?;
        let session = self.sessions.get(&seq)?;
        (session.who == who).then(|| (seq, Carried::recorded(session)))
    }
    fn jar(&self, who: Who) -> Jar {
        self.jars.get(&who).cloned().unwrap_or_default()
    }
    fn issued(&self, seq: u64) -> Option<(Who, Held)> {
        match (self.sessions.get(&seq), self.issued.get(&seq)) {
            (Some(session), _) => Some((session.who, Held::Session(Carried::recorded(session)))),
            (None, Some((who, token))) => Some((*who, Held::Token(Text::secret(token.clone(), token.clone())))),
            (None, None) => None,
        }
    }
    fn forge(&self, genuine: &Text, what: &Forged) -> Result<Text, String> {
        let label = forged_label(genuine.shown(), what);
        Ok(Text::secret(label.clone(), label))
    }
    fn sign(&self, _: &PrivateKey, _: &BTreeMap<String, String>) -> Result<Text, String> {
        Ok(Text::secret(assertion::SHOWN, assertion::SHOWN))
    }
    fn one_time_code(&self, _: &Totp) -> Result<Text, String> {
        Ok(Text::secret(totp::SHOWN, totp::SHOWN))
    }
    fn as_it_was(&self, text: &str, _: Goes) -> String {
        text.to_owned()
    }
}
