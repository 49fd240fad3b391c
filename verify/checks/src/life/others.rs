//! Those who must go on when someone loses access: others of the tenant, and those who call for other tenants.

use watertight_engine::Tape;
use watertight_engine::call::Caller;
use watertight_spec::{Act, Ends, Names, Usage, Who};

use super::places::{Open, first_made_by, first_shown_to};
use crate::shared::failed;
use crate::token::ProtectedObject;
use crate::verdict::{Reason, Stop, Unproven};

/// Of the tenant itself, and of others.
const MOST: usize = 3;

/// Who goes on.
pub(super) struct Others {
    /// What they are shown.
    shown: Vec<ProtectedObject>,
    /// Where an act ends writing alone: what those of other tenants make.
    made: Vec<(Who, Open)>,
}

impl Others {
    /// Those of whom it can be told now.
    ///
    /// # Errors
    /// Nobody of another tenant is shown anything, or can make anything where that is asked.
    pub(super) async fn of(t: &Tape, act: &Act) -> Result<Self, Stop> {
        let writes = act.kind.ends() == Ends::Writes;
        // Where writing alone ends, those go on reading too whom it is about.
        let is_other = |who: &Who| writes || !act.of.contains(who);
        let own = t
            .spec
            .principals(act.tenant)
            .filter(|(who, principal)| principal.names == Names::Own && principal.usage == Usage::All && is_other(who));
        let own: Vec<Who> = own.map(|(who, _)| who).take(MOST).collect();
        let elsewhere = t.spec.tenant_ixs().filter(|tenant| *tenant != act.tenant);
        let elsewhere: Vec<Who> = elsewhere.filter_map(|tenant| t.spec.caller(tenant)).take(MOST).collect();
        let (mut shown, mut made) = (Vec::new(), Vec::new());
        for who in &elsewhere {
            shown.extend(first_shown_to(t, *who).await);
            if writes {
                made.extend(first_made_by(t, *who).await.map(|open| (*who, open)));
            }
        }
        if shown.is_empty() || (writes && made.is_empty()) {
            let why = "no other tenant is shown an object, or may make one, so it can't be told whether it goes on";
            return Err(Unproven::new(Reason::ControlFailed, why).into());
        }
        for who in own {
            shown.extend(first_shown_to(t, who).await);
        }
        Ok(Self { shown, made })
    }

    /// The control: all of them still can.
    pub(super) async fn go_on(&self, t: &Tape) -> Result<(), Stop> {
        for object in &self.shown {
            object.control(t).await?;
        }
        for (who, open) in &self.made {
            let answer = t.send(open.request(t, Caller::Own(*who))?).await;
            failed(&answer).map_or(Ok(()), Err)?;
        }
        Ok(())
    }
}
