//! Cases in the database.

use watertight_core::TenantScope;
use watertight_model::ResourceId;
use watertight_scoped::db::{Database, DbError, Limit, Page, Record, Rows, SearchTerm, Value};

use crate::domain::{Case, CaseStatus, Facets, Listing, Term, Window, moment, moment_text, now};
use crate::draft::{CaseChange, CaseContent, Proposal};
use crate::ports::{CaseStore, StoreError, Stored};
use crate::tables::CASES;

/// Cases in the database.
pub(crate) struct ScopedCases(pub(crate) Database);

impl ScopedCases {
    fn rows<'s>(&'s self, scope: &'s TenantScope) -> Rows<'s> {
        self.0.for_scope(scope).rows(&CASES)
    }
}

impl CaseStore for ScopedCases {
    fn page<'a>(&'a self, scope: &'a TenantScope, window: Window) -> Stored<'a, Listing<Case>> {
        Box::pin(async move { listing(self.rows(scope).page(window.after, window.limit).await?) })
    }

    fn get<'a>(&'a self, scope: &'a TenantScope, id: &'a ResourceId) -> Stored<'a, Option<Case>> {
        Box::pin(async move { found(self.rows(scope).get(id).await?) })
    }

    fn create<'a>(&'a self, scope: &'a TenantScope, proposal: Proposal<CaseContent>) -> Stored<'a, Case> {
        Box::pin(async move {
            let mut values = content(proposal.confirm(scope)?);
            values.push(("status", CaseStatus::Open.name().into()));
            values.push(("created_at", moment_text(now()).into()));
            read(&self.rows(scope).insert(values).await?)
        })
    }

    fn replace<'a>(
        &'a self,
        scope: &'a TenantScope,
        id: &'a ResourceId,
        proposal: Proposal<CaseContent>,
    ) -> Stored<'a, Option<Case>> {
        Box::pin(async move {
            let values = content(proposal.confirm(scope)?);
            found(self.rows(scope).update(id, values).await?)
        })
    }

    fn patch<'a>(
        &'a self,
        scope: &'a TenantScope,
        id: &'a ResourceId,
        proposal: Proposal<CaseChange>,
    ) -> Stored<'a, Option<Case>> {
        Box::pin(async move {
            let change = proposal.confirm(scope)?;
            let title = change.title.map(|title| ("title", Value::from(title.as_str())));
            let external_ref =
                change.external_ref.map(|name| ("external_ref", name.as_ref().map(|name| name.as_str()).into()));
            found(self.rows(scope).update(id, title.into_iter().chain(external_ref)).await?)
        })
    }

    fn close<'a>(&'a self, scope: &'a TenantScope, id: &'a ResourceId) -> Stored<'a, Option<Case>> {
        Box::pin(async move {
            let closed = [("status", CaseStatus::Closed.name().into())];
            found(self.rows(scope).update(id, closed).await?)
        })
    }

    fn close_matching<'a>(&'a self, scope: &'a TenantScope, term: &'a Term) -> Stored<'a, Vec<ResourceId>> {
        Box::pin(async move {
            let term = search_term(term)?;
            let (mut matching, mut after) = (Vec::new(), None);
            loop {
                let page = self.rows(scope).search(&term, after, Limit::default()).await?;
                matching.extend(page.items.iter().map(|record| record.id().clone()));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            for id in &matching {
                self.close(scope, id).await?;
            }
            Ok(matching)
        })
    }

    fn remove<'a>(&'a self, scope: &'a TenantScope, id: &'a ResourceId) -> Stored<'a, Option<Case>> {
        Box::pin(async move { found(self.rows(scope).delete(id).await?) })
    }

    fn search<'a>(&'a self, scope: &'a TenantScope, term: &'a Term, window: Window) -> Stored<'a, Listing<Case>> {
        Box::pin(
            async move { listing(self.rows(scope).search(&search_term(term)?, window.after, window.limit).await?) },
        )
    }

    fn facets<'a>(&'a self, scope: &'a TenantScope) -> Stored<'a, Facets> {
        Box::pin(async move {
            let mut facets = Facets::default();
            for (value, number) in self.rows(scope).count_by("status").await? {
                let Value::Text(name) = value else { return Err(misfit("status")) };
                let status = CaseStatus::named(&name).ok_or_else(|| misfit("status"))?;
                facets.status.insert(status, number);
                facets.total += number;
            }
            Ok(facets)
        })
    }
}

fn search_term(term: &Term) -> Result<SearchTerm, StoreError> {
    term.as_str().parse().map_err(|error| StoreError::Failed(Box::new(error)))
}

fn content(case: CaseContent) -> Vec<(&'static str, Value)> {
    vec![
        ("title", case.title.as_str().into()),
        ("external_ref", case.external_ref.as_ref().map(|name| name.as_str()).into()),
    ]
}

fn found(record: Option<Record>) -> Result<Option<Case>, StoreError> {
    record.as_ref().map(read).transpose()
}

fn listing(page: Page) -> Result<Listing<Case>, StoreError> {
    let items = page.items.iter().map(read).collect::<Result<_, _>>()?;
    Ok(Listing { items, next: page.next, total: page.total })
}

fn read(record: &Record) -> Result<Case, StoreError> {
    let external_ref = record.optional_text("external_ref")?;
    Ok(Case {
        id: record.id().clone(),
        tenant_id: record.tenant().clone(),
        title: record.text("title")?.parse().map_err(|_| misfit("title"))?,
        external_ref: external_ref.map(str::parse).transpose().map_err(|_| misfit("external_ref"))?,
        status: CaseStatus::named(record.text("status")?).ok_or_else(|| misfit("status"))?,
        created_at: moment(record.text("created_at")?).ok_or_else(|| misfit("created_at"))?,
    })
}

fn misfit(column: &'static str) -> StoreError {
    DbError::Shape { table: CASES.name(), column }.into()
}
