//! `report.html`: one page for people. Self-contained, without scripts, and closed to anything from elsewhere.
//!
//! What comes from the target is escaped by the template engine and, before that, spelled out ([`crate::escape`]).

mod sections;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::account::Account;
use crate::escape::line;
use crate::report::Overall;

/// The page's own style.
const STYLE: &str = include_str!("html/style.css");

/// The page.
pub fn render(account: &Account<'_>) -> String {
    let report = account.report;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { (report.verdict.name()) ": " (line(&report.target)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(account))
                main {
                    (sections::matrix(account))
                    (sections::findings(account))
                    (sections::unproven(account))
                    (sections::coverage(account))
                    (sections::access_ended(account))
                    (sections::left_out(account))
                    (sections::checks(account))
                    (sections::judging())
                    (sections::facts(account))
                }
            }
        }
    };
    page.into_string()
}

/// Nothing may be loaded, run, sent or framed; of styles, only the page's own.
fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

fn header(account: &Account<'_>) -> Markup {
    let report = account.report;
    let s = report.summary;
    html! {
        header class=(report.verdict.name()) {
            p.target { (line(&report.target)) }
            h1 { span.symbol aria-hidden="true" { (symbol(report.verdict)) } " " (report.verdict.name()) }
            p.meaning { (account.meaning()) "." }
            ul.counts {
                (count(s.checks, "trials"))
                (count(s.isolated, "isolated"))
                (count(s.leak, "leak"))
                (count(s.advisory, "advisory"))
                (count(s.unproven, "unproven"))
                (count(s.not_applicable, "not applicable"))
            }
        }
    }
}

fn count(number: usize, what: &str) -> Markup {
    html! { li { b { (number) } " " (what) } }
}

/// What shows a verdict besides its word and colour.
fn symbol(verdict: Overall) -> &'static str {
    match verdict {
        Overall::Isolated => "✓",
        Overall::Leak => "✗",
        Overall::Unproven => "?",
    }
}
