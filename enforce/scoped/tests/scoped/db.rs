//! The database, with the same ids in both tenants.

use std::collections::BTreeSet;

use sqlx::Row;
use tempfile::TempDir;
use watertight_core::TenantScope;
use watertight_model::{OperationClass, ResourceId, TenantStatus};
use watertight_scoped::db::{
    Column, Cursor, Database, DbError, Limit, MAX_TEXT_BYTES, Record, Rows, SearchTerm, Table, Value, ValueRule,
};

use crate::scope::{scope, scope_in};

pub(crate) static CASES: Table = Table::new(
    "cases",
    "case",
    &[
        Column::text("title").searched(),
        Column::text("reference").optional().unique_in_tenant().searched(),
        Column::text("status"),
        Column::integer("weight").optional(),
    ],
);
static TASKS: Table = Table::new("tasks", "task", &[Column::text("title").searched()]).child_of("case_id", &CASES);

/// A database with two tenants in it: north with cases 1 to 3, south with cases 1 to 4.
pub(crate) struct World {
    pub(crate) database: Database,
    north: TenantScope,
    south: TenantScope,
    _dir: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(&dir.path().join("data.db")).await.unwrap();
        database.create_tables(&[&CASES, &TASKS]).await.unwrap();
        let world = Self {
            database,
            north: scope("agency-north", OperationClass::Write).await,
            south: scope("agency-south", OperationClass::Write).await,
            _dir: dir,
        };
        for (scope, cases) in [(&world.north, 3), (&world.south, 4)] {
            for number in 1..=cases {
                world.add(scope, &format!("{} {number}", scope.tenant())).await;
            }
        }
        world
    }

    fn cases<'w>(&'w self, scope: &'w TenantScope) -> Rows<'w> {
        self.database.for_scope(scope).rows(&CASES)
    }

    fn tasks<'w>(&'w self, scope: &'w TenantScope, case: &str) -> Rows<'w> {
        self.database.for_scope(scope).rows(&TASKS).under(&id(case)).unwrap()
    }

    async fn add(&self, scope: &TenantScope, title: &str) -> Record {
        self.cases(scope).insert([("title", title.into()), ("status", "open".into())]).await.unwrap()
    }

    async fn titles(&self, scope: &TenantScope) -> Vec<String> {
        let page = self.cases(scope).page(None, Limit::default()).await.unwrap();
        page.items.iter().map(|case| case.text("title").unwrap().to_owned()).collect()
    }

    /// Every stored row of every table, as text, read without any predicate.
    async fn everything(&self) -> Vec<String> {
        let sql = "SELECT 'case ' || concat_ws('|', tenant_id, id, title, reference, status, weight) FROM cases
                   UNION ALL SELECT 'task ' || concat_ws('|', tenant_id, id, case_id, title) FROM tasks ORDER BY 1";
        sqlx::query_scalar(sql).fetch_all(self.database.engine_for_schema()).await.unwrap()
    }
}

fn id(text: &str) -> ResourceId {
    text.parse().unwrap()
}

fn term(text: &str) -> SearchTerm {
    text.parse().unwrap()
}

fn limit(rows: u32) -> Limit {
    Limit::try_from(rows).unwrap()
}

#[tokio::test]
async fn the_same_id_in_two_tenants_is_two_rows() {
    let world = World::new().await;
    for scope in [&world.north, &world.south, &world.north] {
        let case = world.cases(scope).get(&id("case-1")).await.unwrap().unwrap();
        assert_eq!(case.text("title").unwrap(), format!("{} 1", scope.tenant()));
        assert_eq!(case.tenant(), scope.tenant());
    }
    assert_eq!(world.cases(&world.north).get(&id("case-4")).await.unwrap(), None, "south's fourth");
}

#[tokio::test]
async fn one_connection_serves_two_tenants_with_one_prepared_statement_and_mixes_nothing() {
    let world = World::new().await;
    let engine = world.database.engine_for_schema();
    let mut taken = Vec::new();
    while taken.len() + 1 < engine.options().get_max_connections() as usize {
        taken.push(engine.acquire().await.unwrap());
    }
    for _ in 0..20 {
        for scope in [&world.north, &world.south] {
            let case = world.cases(scope).get(&id("case-2")).await.unwrap().unwrap();
            assert_eq!(case.text("title").unwrap(), format!("{} 2", scope.tenant()));
        }
    }
    assert_eq!(engine.size() as usize, taken.len() + 1, "all of it went over the one connection left");
}

#[tokio::test]
async fn every_page_shows_own_rows_alone_and_the_total_counts_them_alone() {
    let world = World::new().await;
    for (scope, total) in [(&world.north, 3), (&world.south, 4)] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let page = world.cases(scope).page(after, limit(2)).await.unwrap();
            assert_eq!(page.total, total);
            assert!(page.items.len() <= 2);
            seen.extend(page.items.iter().map(|case| case.text("title").unwrap().to_owned()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let own: Vec<String> = (1..=total).map(|number| format!("{} {number}", scope.tenant())).collect();
        assert_eq!(seen, own);
    }
}

#[tokio::test]
async fn a_cursor_of_another_tenant_shows_own_rows_alone() {
    let world = World::new().await;
    let souths = world.cases(&world.south).page(None, limit(2)).await.unwrap().next.unwrap();
    let page = world.cases(&world.north).page(Some(souths), Limit::default()).await.unwrap();
    assert_eq!(page.items.iter().map(|case| case.text("title").unwrap()).collect::<Vec<_>>(), ["agency-north 3"]);
    assert_eq!(page.next, None);

    let beyond: Cursor = "7fffffffffffffff".parse().unwrap();
    assert!(world.cases(&world.north).page(Some(beyond), Limit::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_page_goes_on_by_count_and_not_by_text() {
    let world = World::new().await;
    for number in 4..=12 {
        world.add(&world.north, &format!("agency-north {number}")).await;
    }
    let titles = world.titles(&world.north).await;
    assert_eq!(titles.last().map(String::as_str), Some("agency-north 12"), "{titles:?}");
}

#[tokio::test]
async fn an_update_reaches_own_rows_alone() {
    let world = World::new().await;
    let before = world.everything().await;
    let foreign = world.cases(&world.north).update(&id("case-4"), [("title", "taken over".into())]).await.unwrap();
    assert_eq!(foreign, None);
    assert_eq!(world.everything().await, before);

    let own = world.cases(&world.north).update(&id("case-1"), [("title", "changed".into())]).await.unwrap().unwrap();
    assert_eq!(own.text("title").unwrap(), "changed");
    assert_eq!(own.text("status").unwrap(), "open", "what was not named stays");
    assert_eq!(world.titles(&world.south).await, ["1", "2", "3", "4"].map(|number| format!("agency-south {number}")));
}

#[tokio::test]
async fn no_caller_can_name_tenant_id_ordinal_or_parent() {
    let world = World::new().await;
    world.tasks(&world.north, "case-1").insert([("title", "task".into())]).await.unwrap();
    let before = world.everything().await;
    for column in ["tenant_id", "id", "ordinal", "TENANT_ID", "case_id", "title = 'x', tenant_id"] {
        let values = [(column, Value::from("agency-south"))];
        let update = world.cases(&world.north).update(&id("case-1"), values.clone()).await;
        let insert = world.cases(&world.north).insert(values.clone()).await;
        let of_child = world.tasks(&world.north, "case-1").update(&id("task-1"), values).await;
        for refused in [update.err(), insert.err(), of_child.err()] {
            assert!(matches!(refused, Some(DbError::UnknownColumn { .. })), "{column}: {refused:?}");
        }
        assert!(world.cases(&world.north).matching(column, "agency-south").is_err());
        assert!(world.cases(&world.north).count_by(column).await.is_err());
    }
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn a_delete_reaches_own_rows_alone() {
    let world = World::new().await;
    world.tasks(&world.north, "case-1").insert([("title", "north's".into())]).await.unwrap();
    world.tasks(&world.south, "case-1").insert([("title", "south's".into())]).await.unwrap();
    let before = world.everything().await;
    assert_eq!(world.cases(&world.north).delete(&id("case-4")).await.unwrap(), None);
    assert_eq!(world.everything().await, before);

    let gone = world.cases(&world.north).delete(&id("case-1")).await.unwrap().unwrap();
    assert_eq!(gone.text("title").unwrap(), "agency-north 1");
    let left: Vec<String> = before
        .into_iter()
        .filter(|row| !row.starts_with("case agency-north|case-1|") && !row.starts_with("task agency-north|"))
        .collect();
    assert_eq!(world.everything().await, left, "its task went along, south's stayed");
}

#[tokio::test]
async fn search_finds_own_rows_alone_and_counts_them_alone() {
    let world = World::new().await;
    let first = world.cases(&world.north).search(&term("AGENCY"), None, limit(2)).await.unwrap();
    assert_eq!((first.items.len(), first.total), (2, 3));
    let second = world.cases(&world.north).search(&term("AGENCY"), first.next, limit(2)).await.unwrap();
    assert_eq!((second.items.len(), second.total, second.next), (1, 3, None));
    assert!(first.items.iter().chain(&second.items).all(|case| case.tenant() == world.north.tenant()));

    let foreign = world.cases(&world.north).search(&term("agency-south"), None, limit(2)).await.unwrap();
    assert_eq!((foreign.items.len(), foreign.total), (0, 0));
}

#[tokio::test]
async fn wildcards_and_sql_in_a_search_are_looked_for_literally() {
    let world = World::new().await;
    world.add(&world.north, "100% sure_thing \\o/").await;
    for (text, found) in [
        ("%", 1),
        ("_", 1),
        ("\\", 1),
        ("%%", 0),
        ("0% s", 1),
        ("agency_north", 0),
        ("' OR '1'='1", 0),
        ("%' OR tenant_id LIKE '%", 0),
        ("') OR (1=1", 0),
    ] {
        let page = world.cases(&world.north).search(&term(text), None, limit(100)).await.unwrap();
        assert_eq!((page.items.len(), page.total), (found, found as u64), "{text}");
    }
}

#[tokio::test]
async fn a_search_in_a_table_without_searched_columns_finds_nothing() {
    static NOTES: Table = Table::new("notes", "note", &[Column::text("body")]);
    let world = World::new().await;
    world.database.create_tables(&[&NOTES]).await.unwrap();
    let notes = world.database.for_scope(&world.north).rows(&NOTES);
    notes.insert([("body", "text".into())]).await.unwrap();
    assert_eq!(notes.search(&term("text"), None, limit(5)).await.unwrap().total, 0);
}

#[tokio::test]
async fn sql_in_values_and_ids_stays_text() {
    let world = World::new().await;
    let before = world.everything().await.len();
    let hostile = "x'); DELETE FROM cases; -- \" ` ? $1 :a \u{202e} 🦀";
    let added = world.add(&world.north, hostile).await;
    assert_eq!(added.text("title").unwrap(), hostile);
    assert_eq!(world.cases(&world.north).matching("title", hostile).unwrap().count().await.unwrap(), 1);
    for attack in ["case-1' OR '1'='1", "case-1'; DROP TABLE cases; --", "' UNION SELECT * FROM cases --", "%"] {
        assert_eq!(world.cases(&world.north).get(&id(attack)).await.unwrap(), None);
        assert_eq!(world.cases(&world.north).update(&id(attack), [("title", "x".into())]).await.unwrap(), None);
        assert_eq!(world.cases(&world.north).delete(&id(attack)).await.unwrap(), None);
        assert_eq!(world.cases(&world.north).matching("status", attack).unwrap().count().await.unwrap(), 0);
    }
    assert_eq!(world.everything().await.len(), before + 1);
}

#[tokio::test]
async fn counts_are_of_own_rows_alone() {
    let world = World::new().await;
    world.cases(&world.north).update(&id("case-1"), [("status", "closed".into()), ("weight", 7.into())]).await.unwrap();
    let by_status = world.cases(&world.north).count_by("status").await.unwrap();
    assert_eq!(by_status.into_iter().collect::<Vec<_>>(), [("closed".into(), 1), ("open".into(), 2)]);
    let by_weight = world.cases(&world.north).count_by("weight").await.unwrap();
    assert_eq!(by_weight.into_iter().collect::<Vec<_>>(), [(Value::Null, 2), (Value::Integer(7), 1)]);
    assert_eq!(world.cases(&world.north).count().await.unwrap(), 3);
    assert_eq!(world.cases(&world.south).count().await.unwrap(), 4);
    assert_eq!(world.cases(&world.south).matching("status", "closed").unwrap().count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_child_under_a_foreign_parent_is_refused_like_one_under_none() {
    let world = World::new().await;
    let before = world.everything().await;
    for absent in ["case-4", "case-99"] {
        let refused = world.tasks(&world.north, absent).insert([("title", "task".into())]).await.unwrap_err();
        assert!(matches!(refused, DbError::ParentAbsent { table: "tasks", parent: "cases" }), "{refused:?}");
        assert!(!refused.to_string().contains("case-4"));
    }
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn the_foreign_key_itself_refuses_a_child_under_a_foreign_parent() {
    let world = World::new().await;
    let engine = world.database.engine_for_schema();
    let sql = "INSERT INTO tasks (tenant_id, id, ordinal, case_id, title) VALUES (?, 'task-1', 1, 'case-4', 'x')";
    let refused = sqlx::query(sql).bind("agency-north").execute(engine).await.unwrap_err();
    assert!(refused.as_database_error().unwrap().is_foreign_key_violation());
    sqlx::query(sql).bind("agency-south").execute(engine).await.unwrap();
}

#[tokio::test]
async fn children_of_the_same_parent_id_in_two_tenants_stay_apart() {
    let world = World::new().await;
    for (scope, title) in [(&world.north, "north's"), (&world.south, "south's")] {
        let task = world.tasks(scope, "case-1").insert([("title", title.into())]).await.unwrap();
        assert_eq!((task.id().as_str(), task.parent().map(ResourceId::as_str)), ("task-1", Some("case-1")));
    }
    let tasks = world.tasks(&world.north, "case-1").page(None, limit(10)).await.unwrap();
    assert_eq!(tasks.items.iter().map(|task| task.text("title").unwrap()).collect::<Vec<_>>(), ["north's"]);
    assert_eq!(world.tasks(&world.north, "case-2").get(&id("task-1")).await.unwrap(), None, "not under that case");
    let moved = world.tasks(&world.north, "case-2").update(&id("task-1"), [("title", "x".into())]).await.unwrap();
    assert_eq!(moved, None);
    assert_eq!(world.tasks(&world.north, "case-2").delete(&id("task-1")).await.unwrap(), None);
}

#[tokio::test]
async fn a_child_needs_its_parent_and_only_a_child_has_one() {
    let world = World::new().await;
    let orphan = world.database.for_scope(&world.north).rows(&TASKS).insert([("title", "task".into())]).await;
    assert!(matches!(orphan, Err(DbError::Parentage { table: "tasks" })));
    assert!(matches!(world.cases(&world.north).under(&id("case-1")), Err(DbError::Parentage { table: "cases" })));
    let twice = world.tasks(&world.north, "case-1").under(&id("case-2"));
    assert!(matches!(twice, Err(DbError::Parentage { table: "tasks" })));
}

#[tokio::test]
async fn an_id_is_never_given_twice_and_counts_per_tenant() {
    let world = World::new().await;
    world.cases(&world.north).delete(&id("case-3")).await.unwrap().unwrap();
    assert_eq!(world.add(&world.north, "next").await.id(), &id("case-4"), "neither 3 again, nor after south's 4");
}

#[tokio::test]
async fn concurrent_inserts_get_ids_of_their_own() {
    let world = World::new().await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..24 {
        let (database, scope) = (world.database.clone(), world.north.clone());
        tasks.spawn(async move {
            let rows = database.for_scope(&scope).rows(&CASES);
            let title = format!("concurrent {number}");
            rows.insert([("title", title.into()), ("status", "open".into())]).await.unwrap().id().clone()
        });
    }
    let ids: BTreeSet<ResourceId> = tasks.join_all().await.into_iter().collect();
    assert_eq!(ids.len(), 24);
    assert_eq!(world.cases(&world.south).count().await.unwrap(), 4);
}

#[tokio::test]
async fn a_unique_value_conflicts_within_a_tenant_and_never_across() {
    let world = World::new().await;
    let reference = [("title", "x".into()), ("status", "open".into()), ("reference", Value::from("REF-1"))];
    world.cases(&world.north).insert(reference.clone()).await.unwrap();
    world.cases(&world.south).insert(reference.clone()).await.expect("south cannot tell that north has it");

    let before = world.everything().await;
    let again = world.cases(&world.north).insert(reference).await.unwrap_err();
    assert!(matches!(again, DbError::Conflict { table: "cases", column: "reference" }), "{again:?}");
    let changed = world.cases(&world.north).update(&id("case-1"), [("reference", "REF-1".into())]).await.unwrap_err();
    assert!(matches!(changed, DbError::Conflict { table: "cases", column: "reference" }), "{changed:?}");
    assert_eq!(world.everything().await, before);
    assert_eq!(world.add(&world.north, "after").await.id(), &id("case-5"), "a refused row uses up no number");
}

#[tokio::test]
async fn values_keep_the_rules_of_their_columns() {
    let world = World::new().await;
    let too_long = "x".repeat(MAX_TEXT_BYTES + 1);
    for (value, rule) in [
        (Value::Null, ValueRule::Required),
        (Value::Integer(1), ValueRule::Kind),
        (Value::from("a\0b"), ValueRule::Nul),
        (Value::from(too_long), ValueRule::TooLong),
    ] {
        let refused = world.cases(&world.north).update(&id("case-1"), [("title", value)]).await.unwrap_err();
        assert!(matches!(refused, DbError::Value { column: "title", rule: found, .. } if found == rule), "{refused:?}");
    }
    let lacking = world.cases(&world.north).insert([("title", "no status".into())]).await.unwrap_err();
    assert!(matches!(lacking, DbError::Value { column: "status", rule: ValueRule::Required, .. }), "{lacking:?}");
}

#[tokio::test]
async fn a_scope_that_is_not_for_writing_cannot_write() {
    let world = World::new().await;
    let before = world.everything().await;
    for reader in [
        scope("agency-north", OperationClass::Read).await,
        scope("agency-north", OperationClass::Export).await,
        scope("agency-north", OperationClass::Login).await,
        scope("agency-north", OperationClass::Administer).await,
        scope_in("agency-north", TenantStatus::ReadOnly, OperationClass::Job).await,
    ] {
        let rows = world.cases(&reader);
        let insert = rows.insert([("title", "x".into()), ("status", "open".into())]).await.err();
        let update = rows.update(&id("case-1"), [("title", "x".into())]).await.err();
        let nothing = rows.update(&id("case-1"), []).await.err();
        let delete = rows.delete(&id("case-1")).await.err();
        for refused in [insert, update, nothing, delete] {
            assert!(matches!(refused, Some(DbError::NotForWriting { .. })), "{reader:?}: {refused:?}");
        }
        assert_eq!(reader.ledger().owed().len(), 2, "a refusal pays nothing");
    }
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn a_scope_that_is_not_for_data_cannot_read() {
    let world = World::new().await;
    for class in [OperationClass::Login, OperationClass::Administer] {
        let outsider = scope("agency-north", class).await;
        let rows = world.cases(&outsider);
        for refused in [
            rows.get(&id("case-1")).await.err(),
            rows.page(None, limit(1)).await.err(),
            rows.search(&term("a"), None, limit(1)).await.err(),
            rows.count().await.err(),
            rows.count_by("status").await.err(),
        ] {
            assert!(matches!(refused, Some(DbError::NotForReading { .. })), "{class}: {refused:?}");
        }
        assert_eq!(outsider.ledger().owed().len(), 2, "a refusal pays nothing");
    }
}

#[tokio::test]
async fn success_and_a_clean_not_found_pay_the_owed_terms_and_an_error_pays_nothing() {
    let world = World::new().await;
    let found = scope("agency-north", OperationClass::Read).await;
    assert_eq!(found.ledger().owed().len(), 2);
    world.cases(&found).get(&id("case-1")).await.unwrap().unwrap();
    assert!(found.ledger().owed().is_empty());

    let absent = scope("agency-north", OperationClass::Read).await;
    assert_eq!(world.cases(&absent).get(&id("case-99")).await.unwrap(), None);
    assert!(absent.ledger().owed().is_empty());

    let failed = scope("agency-north", OperationClass::Read).await;
    world.database.close().await;
    assert!(matches!(world.cases(&failed).get(&id("case-1")).await, Err(DbError::Engine(_))));
    assert_eq!(failed.ledger().owed().len(), 2);
}

#[tokio::test]
async fn data_outlives_the_database_handle_and_foreign_keys_hold_on_every_connection() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data %20?.db");
    let north = scope("agency-north", OperationClass::Write).await;
    let first = Database::open(&path).await.unwrap();
    first.create_tables(&[&CASES, &TASKS]).await.unwrap();
    first.for_scope(&north).rows(&CASES).insert([("title", "kept".into()), ("status", "open".into())]).await.unwrap();
    first.close().await;

    let second = Database::open(&path).await.unwrap();
    second.create_tables(&[&CASES, &TASKS]).await.unwrap();
    assert_eq!(second.for_scope(&north).rows(&CASES).count().await.unwrap(), 1);
    let mut connections = Vec::new();
    for _ in 0..4 {
        let mut connection = second.engine_for_schema().acquire().await.unwrap();
        let row = sqlx::query("PRAGMA foreign_keys").fetch_one(&mut *connection).await.unwrap();
        assert!(row.get::<bool, _>(0));
        connections.push(connection);
    }
}

#[tokio::test]
async fn a_count_by_too_many_values_is_refused_and_counts_no_other_tenants_values() {
    let world = World::new().await;
    let many = "WITH RECURSIVE n (i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n WHERE i < 1005)
                INSERT INTO cases (tenant_id, id, ordinal, title, status)
                SELECT 'agency-south', 'case-' || i, i, 'title ' || i, 'open' FROM n";
    sqlx::query(many).execute(world.database.engine_for_schema()).await.unwrap();
    let refused = world.cases(&world.south).count_by("title").await.unwrap_err();
    assert!(matches!(refused, DbError::TooManyGroups { table: "cases", column: "title" }), "{refused:?}");
    assert_eq!(world.cases(&world.north).count_by("title").await.unwrap().len(), 3);
}
