//! Tokens that a command of the spec prints.

use std::path::Path;

use watertight_spec::{TokenCommand, Who};

use super::Live;
use crate::call::{Call, Caller, Request};
use crate::credentials::command::{LONGEST_TIME, printed};
use crate::credentials::token_of;
use crate::log::{Source, What};
use crate::render::Unrendered;

impl Live {
    /// Runs it, unless it has failed too often.
    pub(super) async fn run_command(&self, who: Who, command: &TokenCommand) {
        if self.failed_commands.borrow().are_too_many(who) {
            return;
        }
        // It may take a while.
        self.flush();
        let folder = self.spec.source.path.parent().unwrap_or(Path::new("."));
        let printed = printed(command, folder, LONGEST_TIME, self.codes.now()).await;
        let token = printed.and_then(|(value, left)| {
            let token = token_of(who, &value, left, command.lifetime, &mut self.redactor.borrow_mut());
            token.ok_or_else(|| "printed a token that is too long".to_owned())
        });
        match token {
            Ok((token, recorded)) => {
                self.failed_commands.borrow_mut().forget(who);
                let recorded = self.recorder().shown_token(recorded);
                if let Some(event) = self.record(Source::Engine, What::Printed(Box::new(recorded))) {
                    let dropped = self.tokens.keep(event.seq, Source::Engine, who, token);
                    self.release(dropped);
                }
            }
            Err(why) => {
                let why = self.redactor.borrow_mut().text(&why, |_| false);
                self.failed_commands.borrow_mut().note(who, &format!("`{}` {why}", command.program));
            }
        }
    }

    /// Why a call has no token, where a command should have printed it.
    pub(super) fn explained(&self, call: &Call, why: Unrendered) -> Unrendered {
        let failed = self.failed_commands.borrow();
        match (why, call) {
            (Unrendered::NoToken(text), Call::Api(Request { caller: Caller::Own(who), .. })) => {
                let why = failed.why(*who).map(|why| format!(": {why}")).unwrap_or_default();
                Unrendered::NoToken(text + &why)
            }
            (why, _) => why,
        }
    }
}
