//! The tables of tenant data. `scoped` adds tenant, id and count to each, and the tenant to every key.

use watertight_scoped::db::{Column, Table};

/// Cases.
pub static CASES: Table = Table::new(
    "cases",
    "case",
    &[
        Column::text("title").searched(),
        Column::text("external_ref").optional().unique_in_tenant().searched(),
        Column::text("status"),
        Column::text("created_at"),
    ],
);

/// Tasks, each under a case of its own tenant.
pub static TASKS: Table =
    Table::new("tasks", "task", &[Column::text("title"), Column::text("status"), Column::text("created_at")])
        .child_of("case_id", &CASES);
