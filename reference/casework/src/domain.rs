//! Cases and tasks, as the platform's handlers and stores speak of them.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use watertight_model::{ResourceId, TenantId};
use watertight_scoped::db::{Cursor, Limit};

/// A text that a field can't hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {max} characters, none of them a control character")]
pub struct TextRejected {
    max: usize,
}

macro_rules! line {
    ($(#[$doc:meta])* $Name:ident, max $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        #[serde(transparent)]
        pub struct $Name(String);

        impl $Name {
            /// Most characters.
            pub const MAX_CHARS: usize = $max;

            /// The text as it was written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $Name {
            type Err = TextRejected;

            fn from_str(text: &str) -> Result<Self, TextRejected> {
                let length = text.chars().take($max + 1).count();
                if (1..=$max).contains(&length) && !text.chars().any(char::is_control) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(TextRejected { max: $max })
                }
            }
        }
    };
}

line! {
    /// What a case or a task is called.
    Title, max 200
}
line! {
    /// What another system calls a case. No two cases of one tenant share it; cases of two tenants may.
    ExternalRef, max 100
}

line! {
    /// What cases are searched for, taken literally.
    Term, max 200
}

macro_rules! status {
    ($(#[$doc:meta])* $Name:ident { $($(#[$member_doc:meta])* $Member:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        pub enum $Name {
            $($(#[$member_doc])* #[serde(rename = $name)] $Member,)+
        }

        impl $Name {
            /// Every status.
            pub const ALL: &'static [Self] = &[$(Self::$Member,)+];

            /// The name on the wire and in the database.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$Member => $name,)+
                }
            }

            /// The status of this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|status| status.name() == name)
            }
        }
    };
}

status! {
    /// Where a case is in its life.
    CaseStatus {
        /// Being worked on.
        Open = "open",
        /// Done with.
        Closed = "closed",
    }
}
status! {
    /// Whether a task is done.
    TaskStatus {
        /// Not yet.
        Open = "open",
        /// It is.
        Done = "done",
    }
}

/// A case of a tenant. Serialises as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// Its name within the tenant: `case-1`, `case-2` and so on, never given twice.
    pub id: ResourceId,
    /// Whose it is, as stored with it.
    pub tenant_id: TenantId,
    /// What it is called.
    pub title: Title,
    /// What another system calls it.
    pub external_ref: Option<ExternalRef>,
    /// Where it is in its life.
    pub status: CaseStatus,
    /// When it was created.
    #[serde(serialize_with = "rfc3339")]
    pub created_at: OffsetDateTime,
}

/// A task under a case of the same tenant. Serialises as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its name within the tenant: `task-1`, `task-2` and so on, never given twice.
    pub id: ResourceId,
    /// Whose it is, as stored with it.
    pub tenant_id: TenantId,
    /// The case that it belongs to.
    pub case_id: ResourceId,
    /// What it is called.
    pub title: Title,
    /// Whether it is done.
    pub status: TaskStatus,
    /// When it was created.
    #[serde(serialize_with = "rfc3339")]
    pub created_at: OffsetDateTime,
}

/// A case in short, as it is cached. Serialises as the API shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseSummary {
    /// The case.
    pub id: ResourceId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// What it is called.
    pub title: Title,
    /// Where it is in its life.
    pub status: CaseStatus,
    /// How many tasks it has.
    pub tasks: u64,
}

/// How many cases a tenant has, altogether and in each status. Serialises as the API shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facets {
    /// All of them.
    pub total: u64,
    /// By status; those with none are left out.
    pub status: BTreeMap<CaseStatus, u64>,
}

/// A part of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing<T> {
    /// What this part shows.
    pub items: Vec<T>,
    /// Where the next part begins; none on the last.
    pub next: Option<Cursor>,
    /// How many items the whole listing has.
    pub total: u64,
}

/// Which part of a listing is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// Where the part before ended; none for the first.
    pub after: Option<Cursor>,
    /// Most items.
    pub limit: Limit,
}

/// The present moment, to the second.
pub fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now)
}

/// A moment as it is stored and shown (RFC 3339).
pub fn moment_text(moment: OffsetDateTime) -> String {
    // Fails only for years beyond 9999, which no clock here shows.
    moment.format(&Rfc3339).unwrap_or_default()
}

/// Reads what [`moment_text`] wrote.
pub fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

fn rfc3339<S: Serializer>(moment: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&moment_text(*moment))
}
