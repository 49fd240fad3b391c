//! Those who must go on when someone loses access: others of the tenant, and those who call for other tenants.

use watertight_engine::call::Caller;
use watertight_engine::{Tape, both, side_by_side};
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
        let shown_to = async |who: &Who| first_shown_to(t, *who).await;
        let (of_own, of_others) =
            both(side_by_side(own.iter().map(shown_to)), side_by_side(elsewhere.iter().map(shown_to))).await;
        let mut shown: Vec<ProtectedObject> = of_others.into_iter().flatten().collect();
        let mut made = Vec::new();
        for who in elsewhere.iter().filter(|_| writes) {
            made.extend(first_made_by(t, *who).await.map(|open| (*who, open)));
        }
        if shown.is_empty() || (writes && made.is_empty()) {
            let why = "no other tenant is shown an object, or may make one, so it can't be told whether it goes on";
            return Err(Unproven::new(Reason::ControlFailed, why).into());
        }
        shown.extend(of_own.into_iter().flatten());
        Ok(Self { shown, made })
    }

    /// The control: all of them still can.
    pub(super) async fn go_on(&self, t: &Tape) -> Result<(), Stop> {
        let shown = side_by_side(self.shown.iter().map(|object| object.control(t))).await;
        shown.into_iter().try_for_each(|control| control.map(drop))?;
        for (who, open) in &self.made {
            let answer = t.send(open.request(t, Caller::Own(*who))?).await;
            failed(&answer).map_or(Ok(()), Err)?;
        }
        Ok(())
    }
}
