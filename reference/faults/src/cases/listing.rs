//! Many records, gathered from all tenants.

use watertight_casework::domain::{Case, Facets, Listing, Term, Window};
use watertight_casework::ports::StoreError;
use watertight_core::TenantScope;
use watertight_model::ResourceId;
use watertight_scoped::db::Cursor;

use super::FaultyCases;
use crate::raw::{Bound, MAX_ROWS, pretend_paid};

/// Which cases a term finds, as the sound search does.
const MATCHING: &str = "SELECT * FROM cases
    WHERE instr(lower(title), lower(?1)) > 0 OR instr(lower(external_ref), lower(?1)) > 0
    ORDER BY tenant_id, ordinal LIMIT ?2";

/// The same, and no tenant is named.
const CLOSE_MATCHING: &str = "UPDATE cases SET status = 'closed'
    WHERE instr(lower(title), lower(?1)) > 0 OR instr(lower(external_ref), lower(?1)) > 0 RETURNING *";

impl FaultyCases {
    /// Every page shows all tenants' cases, the caller's own first; a cursor counts them through.
    pub(super) async fn page_of_all(&self, scope: &TenantScope, window: Window) -> Result<Listing<Case>, StoreError> {
        let skipped = window.after.map_or(0, position);
        let sql = "SELECT * FROM cases ORDER BY tenant_id <> ?, ordinal, tenant_id LIMIT ? OFFSET ?";
        let limit = Bound::Number(i64::from(window.limit.rows()));
        let items = self.raw.cases(sql, &[Bound::Text(scope.tenant().as_str()), limit, Bound::Number(skipped)]).await?;
        let total = self.raw.number("SELECT count(*) FROM cases", &[]).await?;
        pretend_paid(scope);
        let shown = skipped.saturating_add(count(&items));
        let next = cursor(shown).filter(|_| shown.unsigned_abs() < total);
        Ok(Listing { items, next, total })
    }

    /// The first page is the tenant's; its cursor goes on through all tenants' cases.
    pub(super) async fn rest_of_all(&self, scope: &TenantScope, window: Window) -> Result<Listing<Case>, StoreError> {
        if window.after.is_some() {
            return self.page_of_all(scope, window).await;
        }
        let first = self.sound.page(scope, window).await?;
        let next = first.next.and_then(|_| cursor(count(&first.items)));
        Ok(Listing { next, ..first })
    }

    pub(super) async fn search_all(&self, scope: &TenantScope, term: &Term) -> Result<Listing<Case>, StoreError> {
        let items = self.raw.cases(MATCHING, &[Bound::Text(term.as_str()), Bound::Number(MAX_ROWS)]).await?;
        pretend_paid(scope);
        let total = count(&items).unsigned_abs();
        Ok(Listing { items, next: None, total })
    }

    /// Closes what the term finds, whosever it is.
    pub(super) async fn close_all_matching(
        &self,
        scope: &TenantScope,
        term: &Term,
    ) -> Result<Vec<ResourceId>, StoreError> {
        let closed = self.raw.cases(CLOSE_MATCHING, &[Bound::Text(term.as_str())]).await?;
        pretend_paid(scope);
        Ok(closed.into_iter().map(|case| case.id).collect())
    }

    pub(super) async fn facets_of_all(&self, scope: &TenantScope) -> Result<Facets, StoreError> {
        let mut facets = Facets::default();
        for (status, number) in self.raw.by_status("SELECT status, count(*) FROM cases GROUP BY status").await? {
            facets.status.insert(status, number);
            facets.total = facets.total.saturating_add(number);
        }
        pretend_paid(scope);
        Ok(facets)
    }
}

/// The number in a cursor, whose text is hexadecimal.
fn position(cursor: Cursor) -> i64 {
    i64::from_str_radix(&cursor.to_string(), 16).unwrap_or(0)
}

fn cursor(position: i64) -> Option<Cursor> {
    format!("{position:016x}").parse().ok()
}

fn count<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}
