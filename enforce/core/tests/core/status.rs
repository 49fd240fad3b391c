//! The status table, cell by cell, in three copies that must agree: here, in the code, in the documentation.

use watertight_core::{may_read, may_write, status_allows};
use watertight_model::OperationClass::{self, Administer, Event, Export, Job, Login, Read, Write};
use watertight_model::TenantStatus::{self, Active, Deleted, Disabled, Offboarding, Provisioning, ReadOnly, Suspended};

const COLUMNS: [OperationClass; 7] = [Login, Read, Write, Export, Job, Event, Administer];

#[rustfmt::skip]
const TABLE: [(TenantStatus, [bool; 7]); 7] = [
    //              login  read   write  export job    event  administer
    (Provisioning, [false, false, false, false, false, false, true ]),
    (Active,       [true,  true,  true,  true,  true,  true,  true ]),
    (Suspended,    [true,  false, false, false, false, false, true ]),
    (ReadOnly,     [true,  true,  false, true,  true,  true,  true ]),
    (Offboarding,  [false, false, false, true,  true,  false, true ]),
    (Disabled,     [false, false, false, false, false, false, false]),
    (Deleted,      [false, false, false, false, false, false, false]),
];

#[test]
fn every_cell_of_the_status_table_is_as_written() {
    assert_eq!(TABLE.map(|(status, _)| status).as_slice(), TenantStatus::ALL);
    assert_eq!(COLUMNS.as_slice(), OperationClass::ALL);
    for (status, row) in TABLE {
        for (class, allowed) in COLUMNS.into_iter().zip(row) {
            assert_eq!(status_allows(status, class), allowed, "{class} while {status}");
        }
    }
}

#[test]
fn the_documented_table_is_the_one_that_is_enforced() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/status-table.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|-"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    let (head, body) = rows.split_first().unwrap();

    let classes: Vec<OperationClass> = head.iter().skip(1).map(|name| name.parse().unwrap()).collect();
    assert_eq!(classes, OperationClass::ALL);
    let statuses: Vec<TenantStatus> = body.iter().map(|row| row[0].parse().unwrap()).collect();
    assert_eq!(statuses, TenantStatus::ALL);
    for (row, status) in body.iter().zip(statuses) {
        assert_eq!(row.len(), 8, "{status}");
        for (cell, &class) in row.iter().skip(1).zip(&classes) {
            let expected = if status_allows(status, class) { "yes" } else { "no" };
            assert_eq!(*cell, expected, "{class} while {status}");
        }
    }
}

#[rustfmt::skip]
#[test]
fn what_an_operation_does_to_data_is_checked_against_the_status_again() {
    // (opened as, statuses in which it reads, statuses in which it writes); in all others it does neither.
    let table: [(OperationClass, &[TenantStatus], &[TenantStatus]); 7] = [
        (Login,      &[],                              &[]),
        (Read,       &[Active, ReadOnly],              &[]),
        (Write,      &[Active],                        &[Active]),
        (Export,     &[Active, ReadOnly, Offboarding], &[]),
        (Job,        &[Active, ReadOnly, Offboarding], &[Active]),
        (Event,      &[Active, ReadOnly],              &[Active]),
        (Administer, &[],                              &[]),
    ];
    for (opened, reads, writes) in table {
        for &status in TenantStatus::ALL {
            assert_eq!(may_read(status, opened), reads.contains(&status), "{opened} reads while {status}");
            assert_eq!(may_write(status, opened), writes.contains(&status), "{opened} writes while {status}");
        }
    }
}
