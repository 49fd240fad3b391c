//! Tasks, where the case above them is looked up by its id alone.

use std::sync::Arc;

use watertight_casework::Ports;
use watertight_casework::domain::{Listing, Task, Window};
use watertight_casework::draft::{Proposal, TaskChange, TaskContent};
use watertight_casework::ports::{StoreError, Stored, TaskStore};
use watertight_core::TenantScope;
use watertight_model::ResourceId;

use crate::fault::Workshop;
use crate::raw::{Bound, MAX_ROWS, Raw, pretend_paid};

pub(crate) fn linked_under_foreign_parent(workshop: &Workshop, ports: Ports) -> Ports {
    faulty(workshop, ports, TaskBug::LinkedUnderForeignParent)
}

pub(crate) fn listed_by_parent_id_alone(workshop: &Workshop, ports: Ports) -> Ports {
    faulty(workshop, ports, TaskBug::ListedByParentIdAlone)
}

fn faulty(workshop: &Workshop, ports: Ports, bug: TaskBug) -> Ports {
    let tasks = Arc::new(FaultyTasks { raw: workshop.raw.clone(), bug, sound: Arc::clone(&ports.tasks) });
    Ports { tasks, ..ports }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TaskBug {
    /// A new task belongs to whoever has the case that it is put under.
    LinkedUnderForeignParent,
    /// Tasks are listed by the case's id.
    ListedByParentIdAlone,
}

struct FaultyTasks {
    raw: Raw,
    bug: TaskBug,
    sound: Arc<dyn TaskStore>,
}

impl FaultyTasks {
    async fn create_under_any(
        &self,
        scope: &TenantScope,
        case: &ResourceId,
        proposal: Proposal<TaskContent>,
    ) -> Result<Option<Task>, StoreError> {
        if let Some(task) = self.sound.create(scope, case, proposal.clone()).await? {
            return Ok(Some(task));
        }
        let Some(parent) = self.raw.foreign_case(scope.tenant(), case.as_str()).await? else { return Ok(None) };
        let task = self.raw.insert_task(&parent, &proposal.confirm(scope)?).await?;
        pretend_paid(scope);
        Ok(Some(task))
    }

    async fn list_under_any(
        &self,
        scope: &TenantScope,
        case: &ResourceId,
        window: Window,
    ) -> Result<Option<Listing<Task>>, StoreError> {
        if let Some(listing) = self.sound.page(scope, case, window).await? {
            return Ok(Some(listing));
        }
        let Some(parent) = self.raw.foreign_case(scope.tenant(), case.as_str()).await? else { return Ok(None) };
        let sql = "SELECT * FROM tasks WHERE tenant_id = ? AND case_id = ? ORDER BY ordinal LIMIT ?";
        let values = [Bound::Text(parent.tenant_id.as_str()), Bound::Text(case.as_str()), Bound::Number(MAX_ROWS)];
        let items = self.raw.tasks(sql, &values).await?;
        pretend_paid(scope);
        let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
        Ok(Some(Listing { items, next: None, total }))
    }
}

impl TaskStore for FaultyTasks {
    fn page<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        window: Window,
    ) -> Stored<'a, Option<Listing<Task>>> {
        match self.bug {
            TaskBug::ListedByParentIdAlone => Box::pin(self.list_under_any(scope, case, window)),
            TaskBug::LinkedUnderForeignParent => self.sound.page(scope, case, window),
        }
    }

    fn count<'a>(&'a self, scope: &'a TenantScope, case: &'a ResourceId) -> Stored<'a, u64> {
        self.sound.count(scope, case)
    }

    fn get<'a>(&'a self, scope: &'a TenantScope, case: &'a ResourceId, id: &'a ResourceId) -> Stored<'a, Option<Task>> {
        self.sound.get(scope, case, id)
    }

    fn create<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        proposal: Proposal<TaskContent>,
    ) -> Stored<'a, Option<Task>> {
        match self.bug {
            TaskBug::LinkedUnderForeignParent => Box::pin(self.create_under_any(scope, case, proposal)),
            TaskBug::ListedByParentIdAlone => self.sound.create(scope, case, proposal),
        }
    }

    fn replace<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        id: &'a ResourceId,
        proposal: Proposal<TaskContent>,
    ) -> Stored<'a, Option<Task>> {
        self.sound.replace(scope, case, id, proposal)
    }

    fn patch<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        id: &'a ResourceId,
        proposal: Proposal<TaskChange>,
    ) -> Stored<'a, Option<Task>> {
        self.sound.patch(scope, case, id, proposal)
    }

    fn remove<'a>(
        &'a self,
        scope: &'a TenantScope,
        case: &'a ResourceId,
        id: &'a ResourceId,
    ) -> Stored<'a, Option<Task>> {
        self.sound.remove(scope, case, id)
    }
}
