//! Which trials may run side by side.
//!
//! A trial that only reads must not run beside one that plants and removes in the same tenant: a list that loses an entry
//! while it is read page by page shows less than it holds. Trials that read, and trials that write, disturb none of their
//! own kind: each plants objects of its own. What must not be disturbed for a moment asks for it ([`Tape::quiet`]).
//!
//! The lane is the tenant and not the kind of object: two resources of a spec may be two ways to the same objects.
//!
//! [`Tape::quiet`]: crate::Tape::quiet

use std::collections::HashMap;

use watertight_spec::TenantIx;

use crate::tape::Access;

/// How far ahead it is looked for a trial that may begin.
pub(super) const AHEAD: usize = 64;

/// Trials under way, by tenant and kind of tape.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    busy: HashMap<(TenantIx, Access), usize>,
}

impl Lanes {
    /// The place of the first trial that disturbs none of those under way.
    pub(super) fn next<'j>(&self, mut pending: impl Iterator<Item = (Access, &'j [TenantIx])>) -> Option<usize> {
        pending.position(|(access, tenants)| self.is_free(access, tenants))
    }

    fn is_free(&self, access: Access, tenants: &[TenantIx]) -> bool {
        let other = match access {
            Access::Read => Access::Write,
            Access::Write => Access::Read,
        };
        tenants.iter().all(|tenant| self.busy.get(&(*tenant, other)).is_none_or(|count| *count == 0))
    }

    pub(super) fn enter(&mut self, access: Access, tenants: &[TenantIx]) {
        for tenant in tenants {
            *self.busy.entry((*tenant, access)).or_default() += 1;
        }
    }

    pub(super) fn leave(&mut self, access: Access, tenants: &[TenantIx]) {
        for tenant in tenants {
            if let Some(count) = self.busy.get_mut(&(*tenant, access)) {
                *count = count.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(number: u32) -> TenantIx {
        serde_json::from_value(number.into()).unwrap()
    }

    #[test]
    fn what_reads_waits_for_what_writes_in_the_same_tenant_and_for_nothing_else() {
        let mut lanes = Lanes::default();
        let (a, b, c) = (tenant(0), tenant(1), tenant(2));
        lanes.enter(Access::Write, &[a, b]);
        let pending = [(Access::Read, vec![b, c]), (Access::Read, vec![c]), (Access::Write, vec![b])];
        let next = |lanes: &Lanes| lanes.next(pending.iter().map(|(access, tenants)| (*access, tenants.as_slice())));
        assert_eq!(next(&lanes), Some(1));
        lanes.leave(Access::Write, &[a, b]);
        assert_eq!(next(&lanes), Some(0));
        lanes.enter(Access::Read, &[b]);
        assert_eq!(lanes.next([(Access::Write, &[b][..])].into_iter()), None);
        assert_eq!(lanes.next([(Access::Write, &[][..])].into_iter()), Some(0), "disturbed by no one");
    }
}
