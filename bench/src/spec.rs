//! The spec of the server in `target.rs`.

use std::fmt::Write as _;

/// With so many tenants and kinds of objects.
pub(crate) fn text(url: &str, tenants: usize, resources: usize, concurrency: usize) -> String {
    let mut text = format!(
        "[target]\nname = \"bench\"\nurl = \"{url}\"\nenvironment = \"test\"\nsettle = \"0s\"\n\
         [limits]\nrequests = 10000000\nrate = 100000\nconcurrency = {concurrency}\n[tenancy]\nlocator = \"path\"\n"
    );
    for tenant in 0..tenants {
        // Each has a credential of its own; what it is worth, the server does not ask.
        let _ = write!(
            text,
            "[[tenant]]\nid = \"t{tenant}\"\n[[tenant.principal]]\nname = \"p\"\ngrant = \"header\"\nheader = \"X-Key-{tenant}\"\nvalue = \"$KEY{tenant}\"\n"
        );
    }
    for resource in 0..resources {
        let _ = write!(
            text,
            "[[resource]]\nname = \"r{resource}\"\npath = \"/{{tenant}}/r{resource}\"\ncreate = {{ title = \"{{canary}}\" }}\n"
        );
    }
    text
}

/// The variables that it names, as a file.
pub(crate) fn variables(tenants: usize) -> String {
    (0..tenants).fold(String::new(), |mut text, tenant| {
        let _ = writeln!(text, "KEY{tenant}=hush-{tenant}-0123456789");
        text
    })
}
