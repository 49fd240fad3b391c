//! What the value of each key is like, for the JSON Schema. The reader knows more of it; what this lets pass that the reader
//! refuses is told by `watertight plan`.

use crate::keys::{
    ACT, EXCLUDE, LIMITS, OPERATION, PAGE, PERSON, PRINCIPAL, RESOURCE, STAFF, STEP, Section, TARGET, TENANCY, TENANT,
    TOKENS, UNTIL, WHOAMI,
};

/// What a value is like.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// A text: also a duration, a URL, a JSONPath, a request in a line.
    Text,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// `$NAME`, and nothing else.
    Variable,
    /// A whole number from 1 to this.
    Whole(u32),
    /// `true` or `false`.
    Flag,
    /// A day, without quotes.
    Date,
    /// A text, a whole number, `true` or `false`.
    Scalar,
    /// A list of texts.
    Texts,
    /// A text, or a list of texts.
    TextOrTexts,
    /// A list of these texts.
    SomeOf(&'static [&'static str]),
    /// A table of texts, by names that the file chooses.
    TextsByName,
    /// A table of texts, or of lists of texts.
    ListsByName,
    /// A table of scalars.
    ScalarsByName,
    /// Any table.
    Members,
    /// Anything.
    Anything,
    /// A table of this section.
    Table(&'static Section),
    /// Tables of this section, at most so many.
    Tables(&'static Section, u32),
    /// A request: a line, or a table.
    Request,
    /// A request, or the body of one.
    Create,
    /// Requests by names that the file chooses.
    Requests,
    /// Known objects by tenant, or `"listed"`.
    Existing,
    /// A request of an act: a line, or a step.
    Undo,
    /// Parts of an upload: texts and files.
    Parts,
}

use Shape::{
    Anything, Create, Date, Existing, Flag, ListsByName, Members, OneOf, Parts, Request, Requests, Scalar,
    ScalarsByName, SomeOf, Table, Tables, Text, TextOrTexts, Texts, TextsByName, Undo, Variable, Whole,
};

/// What a key's value is like. None of a key that this does not know: a test sees to it that there is none.
pub(crate) fn shape(section: &Section, key: &str) -> Option<Shape> {
    Some(match (section.header, key) {
        ("the spec", "target") => Table(&TARGET),
        ("the spec", "limits") => Table(&LIMITS),
        ("the spec", "tenancy") => Table(&TENANCY),
        ("the spec", "tokens") => Table(&TOKENS),
        ("the spec", "tenant") => Tables(&TENANT, 50),
        ("the spec", "person") => Tables(&PERSON, 50),
        ("the spec", "staff") => Tables(&STAFF, 50),
        ("the spec", "act") => Tables(&ACT, 50),
        ("the spec", "resource") => Tables(&RESOURCE, 100),
        ("the spec", "operation") => Tables(&OPERATION, 500),
        ("the spec", "exclude") => Tables(&EXCLUDE, 500),

        ("[target]", "environment") => OneOf(&["test", "staging", "production"]),
        ("[target]", "hosts") => Texts,
        ("[target]", "headers" | "query") => TextsByName,
        ("[target]", "name" | "url" | "address" | "settle" | "env_file") => Text,

        ("[limits]", "requests") => Whole(10_000_000),
        ("[limits]", "rate") => Whole(100_000),
        ("[limits]", "body") => Whole(64 << 20),
        ("[limits]", "pages") => Whole(10_000),
        ("[limits]", "concurrency") => Whole(256),
        ("[limits]", "timeout" | "time") => Text,

        ("[tenancy]", "locator") => TextOrTexts,
        ("[tenancy]", "fields") => Texts,

        ("[tokens]", "kind") => OneOf(&["jwt", "opaque"]),
        ("[tokens]", "audience") => OneOf(&["shared", "per-tenant"]),
        ("[tokens]", "issuers" | "audiences") => Texts,
        ("[tokens]", "whoami") => Table(&WHOAMI),
        ("[tokens]", "elsewhere") => TextsByName,
        ("[tokens]", "tenant_claim" | "max_lifetime" | "leeway" | "expiry_wait" | "forbidden_scope") => Text,
        ("whoami", "request" | "tenant") => Text,

        ("[[tenant]]", "id" | "name" | "url") => Text,
        ("[[tenant]]", "values") => ScalarsByName,
        ("[[tenant]]", "principal") => Tables(&PRINCIPAL, 50),

        ("[[tenant.principal]]" | "[[person]]" | "[[staff]]", "grant") => OneOf(&[
            "client_credentials",
            "password",
            "refresh_token",
            "jwt_bearer",
            "basic",
            "header",
            "login",
            "session",
            "cookies",
            "command",
            "certificate",
        ]),
        ("[[tenant.principal]]" | "[[person]]" | "[[staff]]", "use") => OneOf(&["all", "tokens", "acts"]),
        ("[[tenant.principal]]" | "[[person]]" | "[[staff]]", "client_auth") => {
            OneOf(&["basic", "post", "private_key_jwt", "tls"])
        }
        ("[[tenant.principal]]" | "[[person]]" | "[[staff]]", "key_algorithm") => {
            OneOf(&["RS256", "PS256", "ES256", "EdDSA"])
        }
        (
            "[[tenant.principal]]" | "[[person]]" | "[[staff]]",
            "client_secret" | "password" | "value" | "refresh_token" | "private_key" | "certificate_key" | "totp",
        ) => Variable,
        ("[[tenant.principal]]" | "[[person]]" | "[[staff]]", "json" | "form" | "claims") => Members,
        ("[[tenant.principal]]" | "[[person]]" | "[[staff]]", "params" | "headers" | "query" | "cookies") => {
            TextsByName
        }
        ("[[tenant.principal]]" | "[[person]]" | "[[staff]]", "command") => Texts,
        ("[[tenant.principal]]" | "[[person]]" | "[[staff]]", "totp_digits") => Whole(8),
        ("[[tenant.principal]]" | "[[person]]" | "[[staff]]", "totp_algorithm") => OneOf(&["SHA1", "SHA256", "SHA512"]),
        ("[[tenant.principal]]" | "[[person]]" | "[[staff]]", "steps") => Tables(&STEP, 10),
        (
            "[[tenant.principal]]" | "[[person]]" | "[[staff]]",
            "name" | "names" | "token_url" | "client_id" | "scope" | "key_id" | "username" | "header" | "request"
            | "token" | "lifetime" | "storage" | "certificate" | "totp_period",
        ) => Text,

        ("[[person]]", "tenants") => Texts,

        ("a step" | "[[act]]", "as" | "request" | "graphql") => Text,
        ("a step" | "[[act]]", "json" | "form" | "variables") => Members,
        ("a step" | "[[act]]", "headers" | "take") => TextsByName,

        ("[[act]]", "kind") => OneOf(&[
            "logout",
            "revoke",
            "switch",
            "remove-member",
            "disable",
            "delete",
            "suspend",
            "read-only",
            "support",
        ]),
        ("[[act]]", "of") => TextOrTexts,
        ("[[act]]", "undo") => Undo,
        ("[[act]]", "name" | "by" | "within") => Text,

        ("[[resource]]", "create") => Create,
        ("[[resource]]", "list" | "read" | "replace" | "patch" | "delete" | "search" | "count") => Request,
        ("[[resource]]", "views") => Requests,
        ("[[resource]]", "update") => Members,
        ("[[resource]]", "existing") => Existing,
        ("[[resource]]", "shows") => TextsByName,
        ("[[resource]]", "singleton" | "disposable") => Flag,
        ("[[resource]]", "methods") => SomeOf(&["list", "create", "read", "replace", "patch", "delete"]),
        ("[[resource]]", "page") => Table(&PAGE),
        ("[[resource]]", "ids") => OneOf(&["server", "client"]),
        ("[[resource]]", "name" | "parent" | "path" | "id" | "id_header") => Text,

        ("[[operation]]", "name" | "concerns" | "after") => Text,
        ("[[operation]]", "changes") => Texts,
        ("[[operation]]", "effect") => OneOf(&["read", "create", "change", "destroy"]),
        ("a request" | "[[operation]]", "request" | "text" | "type" | "graphql" | "follow") => Text,
        ("a request" | "[[operation]]", "headers") => TextsByName,
        ("a request" | "[[operation]]", "form") => ListsByName,
        ("a request" | "[[operation]]", "multipart") => Parts,
        ("a request" | "[[operation]]", "body" | "variables") => Anything,
        ("a request" | "[[operation]]", "until") => Table(&UNTIL),
        ("until", "is") => Scalar,
        ("until", "member" | "within") => Text,
        ("a file", "name" | "type" | "text") => Text,
        ("page", "size" | "next" | "next_header" | "cursor" | "number" | "offset" | "more") => Text,

        ("[[exclude]]", "expires") => Date,
        ("[[exclude]]", "check" | "operation" | "reason") => Text,
        _ => return None,
    })
}

/// Keys that every table of a section must have.
pub(crate) fn required(section: &Section) -> &'static [&'static str] {
    match section.header {
        "the spec" => &["target", "tenancy", "tenant"],
        "[target]" | "[[resource]]" => &["name"],
        "[tenancy]" => &["locator"],
        "[tokens]" => &["kind"],
        "whoami" => &["request", "tenant"],
        "[[tenant]]" => &["id", "principal"],
        "[[tenant.principal]]" | "[[staff]]" => &["name", "grant"],
        "[[person]]" => &["name", "tenants", "grant"],
        "[[act]]" => &["name", "kind", "of", "request"],
        "a step" | "a request" => &["request"],
        "[[operation]]" => &["name", "request"],
        "a file" => &["name", "text"],
        "[[exclude]]" => &["check", "reason", "expires"],
        _ => &[],
    }
}
