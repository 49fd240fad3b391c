//! `watertight.toml` → [`Spec`]: parsed once, never re-validated.
//!
//! A user names the target, how its tenants are told apart, two or more tenants with ordinary credentials, and the
//! resources that each holds. A [`Spec`] that exists is complete: every variable is resolved, every template parses,
//! every reference points at something. Whatever is wrong in the file is reported at once, with line, text and
//! what to write instead ([`Problems`]), before anything is sent.
//!
//! Tenant ids are opaque strings here ([`TenantName`]): a platform in any language may name its tenants as it likes.
//!
//! How the parts fit: [`parse`](parse()) reads TOML into a table with byte spans; `read/` has a file for each section
//! of the spec, which turns its table into the types of `spec.rs` through a `Reader`, noting each mistake and going
//! on; `keys.rs` lists every key there is, from which [`schema`](schema()) makes a JSON Schema; `diagnostic.rs` shows the mistakes as a compiler would. Whoever uses a
//! [`Spec`] refers to its parts by the indices of `ix.rs`.

mod diagnostic;
mod env;
mod hosts;
mod init;
mod ix;
mod keys;
mod locator;
mod moment;
mod object_id;
mod parse;
mod read;
mod reader;
mod report;
mod schema;
mod secrets;
mod setting;
mod shapes;
mod spec;
mod storage;
mod template;
mod values;
mod variables;

pub use diagnostic::{Color, Problem, Problems};
pub use env::{EnvSource, Environment, Variable};
pub use init::{RECIPES, TEMPLATE as INIT_TEMPLATE};
pub use ix::{ActIx, OperationIx, Pair, PrincipalIx, ResourceIx, TenantIx, Who};
pub use locator::{Locator, Way};
pub use moment::{Moment, MomentForm};
pub use object_id::ObjectId;
pub use parse::{parse, parse_file};
pub use schema::schema;
pub use setting::Setting;
pub use spec::act::{Act, ActKind, Ends};
pub use spec::credential::*;
pub use spec::*;
pub use template::slots::Slots;
pub use template::spots::Spot;
pub use template::{
    AddressPart, BodyTemplate, FileForm, FileTemplate, Form, JsonTemplate, PartTemplate, PathTemplate, Piece, Symbol,
    TextTemplate,
};
