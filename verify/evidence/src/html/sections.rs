//! The sections of the page, in its order.

use maud::{Markup, html};
use watertight_checks::run::Ending;
use watertight_model::Surface;

use crate::account::{Account, FindingGroup, UndecidedGroup, cell};
use crate::escape::{line, short};
use crate::report::{Advisories, Finding};

/// Characters of one line of evidence.
const LONGEST: usize = 2000;
/// Rows of one list; `run.json` has all.
const LISTED: usize = 500;

pub(super) fn matrix(account: &Account<'_>) -> Markup {
    let matrix = account.matrix();
    let mut surfaces: Vec<Surface> = matrix.keys().map(|(surface, ..)| *surface).collect();
    surfaces.dedup();
    html! {
        section {
            h2 { "Tenants and surfaces" }
            @if surfaces.is_empty() {
                p { "Nothing was tried." }
            } @else {
                div.wide { table.matrix {
                    thead { tr {
                        th scope="col" { "attacker → victim" }
                        @for surface in &surfaces { th scope="col" { (surface.name()) } }
                    } }
                    tbody { @for pair in account.spec.pairs() { tr {
                        th scope="row" { (line(account.tenant(pair.attacker))) " → " (line(account.tenant(pair.victim))) }
                        @for surface in &surfaces {
                            @let found = matrix.get(&(*surface, pair)).copied().unwrap_or_default();
                            @let (overall, symbol, words) = cell(found);
                            td class=(overall.map_or("none", |overall| overall.name())) {
                                span.symbol aria-hidden="true" { (symbol) } " " (words)
                            }
                        }
                    } } }
                } }
                p.note { "A cell counts trials: how many were isolated, or how many of those tried leaked or stayed unproven." }
            }
        }
    }
}

pub(super) fn findings(account: &Account<'_>) -> Markup {
    let groups = account.findings();
    let commands = account.token_commands();
    html! {
        section {
            h2 { "Findings" }
            @if groups.is_empty() { p { "None." } }
            @for group in groups.iter().take(LISTED) { (finding(group)) }
            @if groups.len() > LISTED { p.note { "And " (groups.len().saturating_sub(LISTED)) " more: see run.json." } }
            @if !commands.is_empty() {
                h3 { "Tokens for the commands above" }
                p { "Secrets come from the variables that the spec names; none is in this report." }
                @for command in &commands {
                    p.who { (line(&command.who)) }
                    pre { (line(&command.command)) }
                }
            }
        }
    }
}

fn finding(group: &FindingGroup<'_>) -> Markup {
    let finding = group.first;
    html! {
        article class=(finding.kind.name()) {
            h3 { span.kind { (finding.kind.name()) } " " code { (line(&finding.check)) } }
            p.operation { code { (line(&finding.operation)) } }
            (proof(finding))
            @if !group.others.is_empty() {
                details {
                    summary { "The same for " (group.others.len()) " more " (plural(group.others.len(), "pair", "pairs")) " of tenants" }
                    @for other in group.others.iter().take(LISTED) { div.other { (proof(other)) } }
                }
            }
        }
    }
}

fn proof(finding: &Finding) -> Markup {
    html! {
        p {
            b { (line(&finding.attacker)) " → " (line(&finding.victim)) }
            ", severity " (finding.severity.name())
            @for cwe in &finding.cwe { ", " (line(cwe)) }
        }
        ul.evidence { @for evidence in &finding.evidence { li { (short(evidence, LONGEST)) } } }
        @if !finding.reproduce.is_empty() { pre { (line(&finding.reproduce)) } }
        @for seen in &finding.also_seen {
            p { "Also seen by " code { (line(&seen.check)) } ":" }
            ul.evidence { @for evidence in &seen.evidence { li { (short(evidence, LONGEST)) } } }
        }
    }
}

pub(super) fn unproven(account: &Account<'_>) -> Markup {
    let groups = account.unproven();
    html! {
        @if !groups.is_empty() {
            section {
                h2 { "Unproven" }
                p { "These trials could not be decided, so the report makes no statement about them." }
                @for group in groups.iter().take(LISTED) { (reason(group)) }
            }
        }
    }
}

fn reason(group: &UndecidedGroup<'_>) -> Markup {
    let count = group.rows.len();
    html! {
        article.unproven {
            h3 { (count) " × " (group.cause.says()) }
            p { "What usually helps: " (group.cause.remedy()) "." }
            details {
                summary { "Which" }
                div.wide { table {
                    thead { tr { th { "check" } th { "attacker → victim" } th { "operation" } th { "why" } } }
                    tbody { @for row in group.rows.iter().take(LISTED) { tr {
                        td { code { (line(&row.check)) } }
                        td { @if !row.attacker.is_empty() { (line(&row.attacker)) " → " (line(&row.victim)) } }
                        td { code { (line(&row.operation)) } }
                        td { (short(&row.why, LONGEST)) }
                    } } }
                } }
                @if count > LISTED { p.note { "And " (count.saturating_sub(LISTED)) " more: see run.json." } }
            }
        }
    }
}

pub(super) fn coverage(account: &Account<'_>) -> Markup {
    let coverage = &account.report.coverage;
    html! {
        section {
            h2 { "Coverage" }
            p { (coverage.probed) " of the spec's " (coverage.operations) " operations were covered. "
                "Operations that the spec does not name were not tried." }
            @if !coverage.not_probed.is_empty() {
                p { "Not covered:" }
                ul { @for operation in coverage.not_probed.iter().take(LISTED) { li {
                    code { (line(operation)) }
                    @if let Some(excused) = coverage.excused.iter().find(|excused| excused.operation == *operation) {
                        " (" (short(&excused.why, LONGEST)) ")"
                    }
                } } }
            }
            @if !coverage.needless.is_empty() {
                p { "Excluded, and covered without:" }
                ul { @for what in coverage.needless.iter().take(LISTED) { li { code { (line(what)) } } } }
            }
        }
    }
}

pub(super) fn access_ended(account: &Account<'_>) -> Markup {
    let ended = &account.report.access_ended;
    html! {
        @if !ended.is_empty() {
            section {
                h2 { "How long access lasted" }
                div.wide { table {
                    thead { tr { th { "act" } th { "tenant" } th { "lasted" } th { "allowed" } } }
                    tbody { @for one in ended.iter().take(LISTED) { tr {
                        td { (line(&one.act)) }
                        td { (line(&one.tenant)) }
                        td { (one.after_ms) " ms" }
                        td { (one.within_ms) " ms" }
                    } } }
                } }
            }
        }
    }
}

pub(super) fn left_out(account: &Account<'_>) -> Markup {
    let groups = account.left_out();
    html! {
        @if !groups.is_empty() {
            section {
                h2 { "Left out" }
                @for (why, rows) in &groups {
                    h3 { (short(why, LONGEST)) }
                    ul { @for (check, operation) in rows.iter().take(LISTED) {
                        li { code { (check) } " " code { (line(operation)) } }
                    } }
                }
            }
        }
    }
}

pub(super) fn checks(account: &Account<'_>) -> Markup {
    html! {
        section {
            h2 { "What each check does" }
            @for (check, count) in account.kinds() {
                details.check {
                    summary { code { (check.id) } " " (check.title) " " span.note { "× " (count) } }
                    dl {
                        dt { "Does" } dd { (check.does) }
                        dt { "Judges" } dd { (check.judges) }
                        dt { "Comes from" } dd { (check.origin) }
                        dt { "Fix" } dd { (check.fix) }
                    }
                }
            }
        }
    }
}

pub(super) fn judging() -> Markup {
    html! {
        section {
            h2 { "How it was judged" }
            p { "A trial has three parts: the victim makes a request with its own credentials and succeeds, the attacker "
                "tries, and the victim's request succeeds again. Where a control fails, or an answer decides nothing "
                "(throttled, failed, redirected, timed out), the trial is unproven." }
            p { "Content decides, not status: a leak is another tenant's marker in what the attacker received, or a value "
                "that the attacker wrote, in what the victim reads back. An advisory is a weakness without such a demonstration." }
            p { "This is a sample. “Isolated” says that no leak was observed over this surface, with these controls; it says "
                "nothing of what was not tried." }
        }
    }
}

pub(super) fn facts(account: &Account<'_>) -> Markup {
    let (run, report) = (account.run, account.report);
    let started = i64::try_from(run.started).ok().and_then(|at| time::OffsetDateTime::from_unix_timestamp(at).ok());
    let started = started.and_then(|at| at.format(&time::format_description::well_known::Rfc3339).ok());
    html! {
        section {
            h2 { "The run" }
            dl {
                dt { "Started" } dd { (started.unwrap_or_default()) }
                dt { "Took" } dd { (account.took()) ", " (report.requests) " requests" }
                dt { "Ended" } dd { @match &run.ending {
                    Ending::Complete => { "every trial was carried out" }
                    Ending::SetupFailed(why) => { "set-up failed: " (short(why, LONGEST)) }
                    Ending::Unreachable(why) => { (short(why, LONGEST)) }
                    Ending::Interrupted => { "interrupted" }
                    Ending::OutOfTime => { "its time was over (" code { "limits.time" } ")" }
                } }
                dt { "Seed" } dd { (report.seed) }
                @if let Some(only) = &account.options().only { dt { "Only" } dd { code { (line(only)) } } }
                dt { "Advisories" } dd { @match account.advisories {
                    Advisories::Denied => { "count as leaks" }
                    Advisories::Reported => { "are reported, and change no verdict" }
                } }
                dt { "Tool" } dd { "watertight " (line(&run.header.tool)) }
                @if !run.staying.is_empty() {
                    dt { "Stays" }
                    dd { ul { @for stays in run.staying.iter().take(LISTED) { li { (short(stays, LONGEST)) } } } }
                }
                @if !run.left_behind.is_empty() {
                    dt { "Not removed" }
                    dd { ul { @for left in run.left_behind.iter().take(LISTED) { li { (short(left, LONGEST)) } } } }
                }
            }
            p.note { "Beside this page: run.json (the same for machines), trace.jsonl and bodies.lz4 (every request and "
                "answer, redacted), spec.toml, manifest.json. " code { "watertight judge" } " judges them again, offline." }
        }
    }
}

fn plural(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}
