//! Every key that a spec may hold, by section, each with an example of its value.

/// A table of the spec.
pub(crate) struct Section {
    /// As the file writes it.
    pub(crate) header: &'static str,
    /// Name and an example of a value.
    pub(crate) keys: &'static [(&'static str, &'static str)],
}

impl Section {
    /// An example of a key's value.
    pub(crate) fn example(&self, key: &str) -> &'static str {
        self.keys.iter().find(|(name, _)| *name == key).map_or("…", |(_, example)| example)
    }
}

pub(crate) const ROOT: Section = Section {
    header: "the spec",
    keys: &[
        ("target", "[target]"),
        ("limits", "[limits]"),
        ("tenancy", "[tenancy]"),
        ("tokens", "[tokens]"),
        ("tenant", "[[tenant]]"),
        ("person", "[[person]]"),
        ("staff", "[[staff]]"),
        ("resource", "[[resource]]"),
        ("operation", "[[operation]]"),
        ("act", "[[act]]"),
        ("exclude", "[[exclude]]"),
    ],
};

pub(crate) const TARGET: Section = Section {
    header: "[target]",
    keys: &[
        ("name", r#""casework-staging""#),
        ("url", r#""https://api.staging.example.com""#),
        ("address", r#""127.0.0.1:8443""#),
        ("headers", r#"{ Accept = "application/vnd.api+json" }"#),
        ("query", r#"{ api-version = "2026-01-01" }"#),
        ("hosts", r#"["https://files.staging.example.com"]"#),
        ("environment", r#""staging""#),
        ("settle", r#""2s""#),
        ("env_file", r#""staging.env""#),
    ],
};

pub(crate) const LIMITS: Section = Section {
    header: "[limits]",
    keys: &[
        ("requests", "20000"),
        ("rate", "100"),
        ("timeout", r#""10s""#),
        ("body", "4194304"),
        ("pages", "50"),
        ("concurrency", "8"),
        ("time", r#""2h""#),
    ],
};

pub(crate) const TENANCY: Section =
    Section { header: "[tenancy]", keys: &[("locator", r#""path""#), ("fields", r#"["tenantId"]"#)] };

pub(crate) const TOKENS: Section = Section {
    header: "[tokens]",
    keys: &[
        ("kind", r#""jwt""#),
        ("issuers", r#"["https://idp.staging.example.com"]"#),
        ("tenant_claim", r#""tenant_id""#),
        ("audience", r#""shared""#),
        ("audiences", r#"["case-api"]"#),
        ("max_lifetime", r#""1h""#),
        ("leeway", r#""60s""#),
        ("expiry_wait", r#""10s""#),
        ("whoami", r#"{ request = "GET /me", tenant = "$.tenantId" }"#),
        ("elsewhere", r#"{ audience = "billing-api" }"#),
        ("forbidden_scope", r#""case:admin""#),
    ],
};

pub(crate) const WHOAMI: Section =
    Section { header: "whoami", keys: &[("request", r#""GET /me""#), ("tenant", r#""$.tenantId""#)] };

pub(crate) const TENANT: Section = Section {
    header: "[[tenant]]",
    keys: &[
        ("id", r#""agency-north""#),
        ("name", r#""north""#),
        ("url", r#""https://north.staging.example.com""#),
        ("values", "{ project = 7 }"),
        ("principal", "[[tenant.principal]]"),
    ],
};

/// How a principal proves itself, and these.
macro_rules! principal_keys {
    ($($further:expr),*) => {
        &[
            $($further,)*
            ("name", r#""service""#),
            ("grant", r#""client_credentials""#),
            ("token_url", r#""https://idp.staging.example.com/oauth/token""#),
            ("client_id", r#""$NORTH_CLIENT_ID""#),
            ("client_secret", r#""$NORTH_CLIENT_SECRET""#),
            ("scope", r#""case:read case:write""#),
            ("client_auth", r#""basic""#),
            ("private_key", r#""$NORTH_PRIVATE_KEY""#),
            ("key_id", r#""key-1""#),
            ("key_algorithm", r#""ES256""#),
            ("params", r#"{ audience = "case-api" }"#),
            ("refresh_token", r#""$NORTH_REFRESH_TOKEN""#),
            ("claims", r#"{ iss = "client-n", sub = "robot@north.example.com", aud = "https://idp.staging.example.com" }"#),
            ("username", r#""north""#),
            ("password", r#""$NORTH_PASSWORD""#),
            ("header", r#""X-Api-Key""#),
            ("value", r#""$NORTH_API_KEY""#),
            ("request", r#""POST /login""#),
            ("json", r#"{ user = "north", password = "$NORTH_PASSWORD" }"#),
            ("form", r#"{ user = "north", password = "$NORTH_PASSWORD" }"#),
            ("token", r#""$.session.token""#),
            ("lifetime", r#""1h""#),
            ("steps", r#"[{ request = "POST /login", form = { user = "north", password = "$NORTH_PASSWORD" } }]"#),
            ("headers", r#"{ X-CSRF-Token = "{csrf}" }"#),
            ("query", r#"{ api_key = "$NORTH_API_KEY" }"#),
            ("cookies", r#"{ sessionid = "$NORTH_SESSION" }"#),
            ("storage", r#""north.json""#),
            ("command", r#"["./print-token.sh", "north"]"#),
            ("certificate", r#""$NORTH_CERTIFICATE""#),
            ("certificate_key", r#""$NORTH_CERTIFICATE_KEY""#),
            ("totp", r#""$NORTH_TOTP""#),
            ("totp_digits", "6"),
            ("totp_period", r#""30s""#),
            ("totp_algorithm", r#""SHA1""#),
        ]
    };
}

pub(crate) const PRINCIPAL: Section =
    Section { header: "[[tenant.principal]]", keys: principal_keys!(("names", r#""none""#), ("use", r#""tokens""#)) };

pub(crate) const PERSON: Section = Section {
    header: "[[person]]",
    keys: principal_keys!(("tenants", r#"["agency-north", "agency-south"]"#), ("use", r#""acts""#)),
};

pub(crate) const STAFF: Section = Section { header: "[[staff]]", keys: principal_keys!() };

pub(crate) const ACT: Section = Section {
    header: "[[act]]",
    keys: &[
        ("name", r#""remove-member""#),
        ("kind", r#""remove-member""#),
        ("of", r#""leaver""#),
        ("by", r#""admin""#),
        ("request", r#""DELETE /members/{id}""#),
        ("headers", r#"{ X-Reason = "left" }"#),
        ("json", r#"{ reason = "left" }"#),
        ("form", r#"{ reason = "left" }"#),
        ("graphql", r#""mutation($id: ID!) { removeMember(id: $id) { ok } }""#),
        ("variables", r#"{ id = "{id}" }"#),
        ("take", r#"{ grant = "$.id" }"#),
        ("undo", r#"{ request = "POST /members/{id}/restore" }"#),
        ("within", r#""5s""#),
    ],
};

pub(crate) const STEP: Section = Section {
    header: "a step",
    keys: &[
        ("as", r#""admin""#),
        ("request", r#""POST /login""#),
        ("headers", r#"{ Referer = "https://north.staging.example.com/login" }"#),
        ("json", r#"{ user = "north", password = "$NORTH_PASSWORD" }"#),
        ("form", r#"{ user = "north", password = "$NORTH_PASSWORD", csrf = "{csrf}" }"#),
        ("graphql", r#""mutation($user: String!) { login(user: $user) { token } }""#),
        ("variables", r#"{ user = "north", password = "$NORTH_PASSWORD" }"#),
        ("take", r#"{ csrf = "field:csrf" }"#),
    ],
};

pub(crate) const RESOURCE: Section = Section {
    header: "[[resource]]",
    keys: &[
        ("name", r#""case""#),
        ("parent", r#""case""#),
        ("path", r#""/tenants/{tenant}/cases""#),
        ("list", r#""GET /case.list?tenant={tenant}""#),
        ("create", r#"{ title = "{canary}" }"#),
        ("read", r#""GET /case.get?id={case}""#),
        ("replace", r#"{ request = "POST /case.set", body = { id = "{case}", title = "{canary}" } }"#),
        ("patch", r#"{ request = "POST /case.edit", form = { id = "{case}", title = "{canary}" } }"#),
        ("delete", r#""POST /case.remove?id={case}""#),
        ("update", r#"{ title = "{canary}" }"#),
        ("existing", r#"{ agency-north = "case-1", agency-south = "case-9" }"#),
        ("singleton", "true"),
        ("disposable", "true"),
        ("shows", r#"{ agency-north = "Harbour crane 7" }"#),
        ("methods", r#"["list", "read"]"#),
        ("search", r#""GET /tenants/{tenant}/search?q={canary.public}""#),
        ("count", r#""GET /tenants/{tenant}/cases/facets""#),
        ("views", r#"{ export = "GET /tenants/{tenant}/cases.csv" }"#),
        ("page", r#"{ size = "limit=2", next = "$.next" }"#),
        ("id", r#""$.id""#),
        ("id_header", r#""X-Object-Id""#),
        ("ids", r#""server""#),
    ],
};

pub(crate) const REQUEST: Section = Section {
    header: "a request",
    keys: &[
        ("request", r#""POST /cases""#),
        ("headers", r#"{ X-Case = "{case}" }"#),
        ("body", r#"{ title = "{canary}" }"#),
        ("form", r#"{ title = "{canary}" }"#),
        ("multipart", r#"{ title = "{canary}", file = "{file:notes.txt}" }"#),
        ("text", r#""title: {canary}""#),
        ("type", r#""text/plain""#),
        ("graphql", r#""query($id: ID!) { case(id: $id) { title } }""#),
        ("variables", r#"{ id = "{case}" }"#),
        ("until", r#"{ member = "$.status", is = "done" }"#),
        ("follow", r#""$.url""#),
    ],
};

pub(crate) const UNTIL: Section =
    Section { header: "until", keys: &[("member", r#""$.status""#), ("is", r#""done""#), ("within", r#""30s""#)] };

pub(crate) const FILE: Section = Section {
    header: "a file",
    keys: &[("name", r#""notes.txt""#), ("type", r#""text/plain""#), ("text", r#""{canary}""#)],
};

pub(crate) const PAGE: Section = Section {
    header: "page",
    keys: &[
        ("size", r#""limit=2""#),
        ("next", r#""$.next""#),
        ("next_header", r#""Next-Page""#),
        ("cursor", r#""starting_after""#),
        ("number", r#""page""#),
        ("offset", r#""offset""#),
        ("more", r#""$.has_more""#),
    ],
};

pub(crate) const OPERATION: Section = Section {
    header: "[[operation]]",
    keys: &[
        ("name", r#""close-case""#),
        ("request", r#""POST /tenants/{tenant}/cases/{case}/close""#),
        ("effect", r#""change""#),
        ("changes", r#"["case"]"#),
        ("concerns", r#""case""#),
        ("after", r#""add-watcher""#),
        ("headers", r#"{ X-Case = "{case}" }"#),
        ("body", r#"{ reason = "{canary}" }"#),
        ("form", r#"{ reason = "{canary}" }"#),
        ("multipart", r#"{ file = "{file:notes.txt}" }"#),
        ("text", r#""reason: {canary}""#),
        ("type", r#""text/plain""#),
        ("graphql", r#""mutation($id: ID!) { close(id: $id) { id } }""#),
        ("variables", r#"{ id = "{case}" }"#),
        ("until", r#"{ member = "$.status", is = "done" }"#),
        ("follow", r#""$.url""#),
    ],
};

pub(crate) const EXCLUDE: Section = Section {
    header: "[[exclude]]",
    keys: &[
        ("check", r#""api.path-spelling""#),
        ("operation", r#""case.read""#),
        ("reason", r#""the proxy normalises paths; ticket 123""#),
        ("expires", "2027-01-31"),
    ],
};

/// All sections.
pub(crate) const ALL: &[&Section] = &[
    &ROOT, &TARGET, &LIMITS, &TENANCY, &TOKENS, &WHOAMI, &TENANT, &PRINCIPAL, &PERSON, &STAFF, &STEP, &RESOURCE,
    &REQUEST, &UNTIL, &FILE, &PAGE, &OPERATION, &ACT, &EXCLUDE,
];

/// The known word that was probably meant.
pub(crate) fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    if written.len() > LONGEST {
        return None;
    }
    let tolerated = written.chars().count().div_ceil(3).max(1);
    known
        .into_iter()
        .filter(|word| word.len() <= LONGEST)
        .map(|word| (strsim::damerau_levenshtein(&written.to_lowercase(), &word.to_lowercase()), word))
        .filter(|(distance, _)| *distance <= tolerated)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// `did you mean X?` where something is near, else what is allowed.
pub(crate) fn suggest<'a>(written: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(written, known.clone()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("one of: {}", known.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference() -> String {
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/spec.md")).unwrap()
    }

    /// The parts of the reference that a section's keys are in.
    fn chapters(reference: &str, section: &Section) -> String {
        let headings: &[&str] = match section.header {
            "whoami" => &["[tokens]"],
            "page" | "a request" | "until" | "a file" => &["[[resource]]"],
            "a step" | "[[staff]]" => &["[[tenant.principal]]"],
            "[[person]]" => &["[[tenant.principal]]", "[[person]]"],
            header => &[header],
        };
        headings.iter().map(|heading| chapter(reference, heading)).collect()
    }

    fn chapter<'a>(reference: &'a str, header: &str) -> &'a str {
        let heading = format!("## `{header}`");
        let start = reference.find(&heading).unwrap_or_else(|| panic!("docs/spec.md has no {heading}"));
        let rest = &reference[start + 3..];
        &rest[..rest.find("\n## ").unwrap_or(rest.len())]
    }

    /// What the first cells of tables name: `` | `name` | `` or `` | `name`, `other` | ``.
    fn explained(chapter: &str) -> Vec<&str> {
        let cells = chapter.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
        cells.flat_map(|(names, _)| names.split("`, `")).collect()
    }

    #[test]
    fn every_key_is_in_the_reference() {
        let reference = reference();
        for section in ALL.iter().filter(|section| section.header != ROOT.header) {
            let chapter = &chapters(&reference, section);
            for (key, _) in section.keys {
                let described = explained(chapter).contains(key) || chapter.contains(&format!("{{ {key} = "));
                assert!(
                    described || section.header == "whoami" && chapter.contains(&format!(" {key} = ")),
                    "docs/spec.md: `{key}` of {}",
                    section.header
                );
            }
        }
        for (_, header) in ROOT.keys {
            assert!(reference.contains(&format!("## `{header}`")), "docs/spec.md: {header}");
        }
    }

    #[test]
    fn every_key_in_the_reference_is_known() {
        let known: Vec<_> = ALL.iter().flat_map(|section| section.keys).map(|(key, _)| *key).collect();
        let symbols = [
            "{tenant}",
            "{tenant.name}",
            "{case}",
            "{canary}",
            "{canary.public}",
            "{unique}",
            "{uuid}",
            "{int}",
            "{number}",
            "{email}",
            "{slug}",
            "{date}",
            "{now}",
            "{now+1h}",
            "{now-30m}",
            "{today}",
            "{today+3d}",
            "{file:notes.txt}",
            "{project}",
        ];
        for key in explained(&reference()) {
            assert!(known.contains(&key) || symbols.contains(&key), "docs/spec.md explains `{key}`, which is no key");
        }
    }

    #[test]
    fn what_was_meant_is_guessed_only_when_near() {
        assert_eq!(nearest("nmae", ["name", "url"]), Some("name"));
        assert_eq!(nearest("Locator", ["locator"]), Some("locator"));
        assert_eq!(nearest("zzz", ["name", "url"]), None);
        assert_eq!(nearest(&"n".repeat(1000), ["name"]), None);
    }
}
