//! What a tenant's status allows, every cell exact. `docs/status-table.md` shows the table and says why.

use watertight_model::{OperationClass, TenantStatus};

/// Whether a tenant in this status allows an operation of this class (isolation 25, its open cells decided).
///
/// There is no way past it: it is asked for every request anew, whatever the token says and however long it is valid.
pub const fn status_allows(status: TenantStatus, class: OperationClass) -> bool {
    use OperationClass::{Administer, Event, Export, Job, Login, Read, Write};
    match status {
        TenantStatus::Active => matches!(class, Login | Read | Write | Export | Job | Event | Administer),
        TenantStatus::Provisioning => matches!(class, Administer),
        TenantStatus::Suspended => matches!(class, Login | Administer),
        TenantStatus::ReadOnly => matches!(class, Login | Read | Export | Job | Event | Administer),
        TenantStatus::Offboarding => matches!(class, Export | Job | Administer),
        TenantStatus::Disabled | TenantStatus::Deleted => false,
    }
}

/// Whether an operation that was opened with this class may read the tenant's data while the tenant is in this status.
///
/// Reading, writing and exporting all read. What a background job or a consumer of events may do depends on the status a
/// second time: it reads while the tenant may be read or exported. Signing in and administering open no tenant data.
pub const fn may_read(status: TenantStatus, opened: OperationClass) -> bool {
    use OperationClass::{Administer, Event, Export, Job, Login, Read, Write};
    match opened {
        Read | Write | Export => status_allows(status, opened),
        Job | Event => status_allows(status, opened) && (status_allows(status, Read) || status_allows(status, Export)),
        Login | Administer => false,
    }
}

/// Whether an operation that was opened with this class may change the tenant's data while the tenant is in this status.
///
/// Only what was opened for writing does, and a background job or a consumer of events while the tenant may be written:
/// so a job of a read-only tenant runs, and writes nothing.
pub const fn may_write(status: TenantStatus, opened: OperationClass) -> bool {
    use OperationClass::{Administer, Event, Export, Job, Login, Read, Write};
    match opened {
        Write => status_allows(status, Write),
        Job | Event => status_allows(status, opened) && status_allows(status, Write),
        Login | Read | Export | Administer => false,
    }
}
