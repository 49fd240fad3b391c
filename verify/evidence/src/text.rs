//! The account of a run for a terminal: the verdict first, then what it is based on.
//!
//! Everything that comes from the target or the spec is spelled out on its way in ([`crate::escape`]).

use std::path::Path;

use watertight_model::Surface;
use watertight_spec::TenantIx;

use crate::account::{Account, FindingGroup, UndecidedGroup, cell};
use crate::escape::{line, short};
use crate::report::{Cause, Finding, FindingKind, Overall, Whole};
use crate::style::{Ink, Palette};

/// Pairs of tenants in the matrix; more are in `report.html`.
const PAIRS: usize = 30;
/// Findings with details.
const FINDINGS: usize = 20;
/// Reasons of undecided trials.
const REASONS: usize = 12;
/// Operations or pairs in one list.
const LISTED: usize = 12;
/// Lines of evidence of one finding.
const EVIDENCE: usize = 6;
/// Characters of one line of evidence.
const LONGEST: usize = 300;
/// Characters of a tenant's name in the matrix.
const NAME: usize = 40;

/// The whole account. `folder` is where the artifacts are.
pub fn render(account: &Account<'_>, folder: &Path, palette: Palette) -> String {
    let mut page = Page { palette, text: String::new() };
    page.verdict(account);
    page.matrix(account);
    page.findings(account);
    page.unproven(account);
    page.left_out(account);
    page.coverage(account);
    page.access_ended(account);
    page.left_behind(account);
    page.say(&format!("report: {}", line(&folder.join(crate::bundle::HTML).to_string_lossy())));
    page.text
}

/// The ink of a verdict.
pub fn ink(verdict: Overall) -> Ink {
    match verdict {
        Overall::Isolated => Ink::Good,
        Overall::Leak => Ink::Bad,
        Overall::Unproven => Ink::Doubt,
    }
}

struct Page {
    palette: Palette,
    text: String,
}

impl Page {
    fn say(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn title(&mut self, ink: Ink, text: &str) {
        let painted = self.palette.paint(ink, text);
        self.say(&format!("\n{painted}"));
    }

    fn verdict(&mut self, account: &Account<'_>) {
        let report = account.report;
        let word = self.palette.paint(ink(report.verdict), &report.verdict.name().to_uppercase());
        self.say(&format!("{word}  {}: {}", short(&report.target, NAME), account.meaning()));
        let s = report.summary;
        self.say(&format!(
            "{} trials: {} isolated, {} leak, {} advisory, {} unproven, {} not applicable",
            s.checks, s.isolated, s.leak, s.advisory, s.unproven, s.not_applicable
        ));
        self.say(&format!("{} requests in {}, seed {}", report.requests, account.took(), report.seed));
    }

    fn matrix(&mut self, account: &Account<'_>) {
        let matrix = account.matrix();
        let surfaces: Vec<Surface> = {
            let mut surfaces: Vec<Surface> = matrix.keys().map(|(surface, ..)| *surface).collect();
            surfaces.dedup();
            surfaces
        };
        if surfaces.is_empty() {
            return;
        }
        let pairs = account.spec.pairs();
        let mut table = vec![heading(&surfaces)];
        for pair in pairs.iter().take(PAIRS) {
            let names = format!("{} → {}", name(account, pair.attacker), name(account, pair.victim));
            let cells = surfaces.iter().map(|surface| {
                let found = matrix.get(&(*surface, *pair)).copied().unwrap_or_default();
                let (overall, symbol, words) = cell(found);
                (overall.map_or(Ink::Quiet, ink), format!("{symbol} {words}"))
            });
            table.push(std::iter::once((Ink::Strong, names)).chain(cells).collect());
        }
        self.text.push('\n');
        self.table(&table);
        let more = pairs.len().saturating_sub(PAIRS);
        if more > 0 {
            self.say(&format!("… and {more} more pairs of tenants: see {}", crate::bundle::HTML));
        }
    }

    fn table(&mut self, rows: &[Vec<(Ink, String)>]) {
        let columns = rows.first().map_or(0, Vec::len);
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|(_, text)| text.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let rule = |left: &str, middle: &str, right: &str| {
            let bars: Vec<String> = widths.iter().map(|width| "─".repeat(width.saturating_add(2))).collect();
            format!("{left}{}{right}", bars.join(middle))
        };
        self.say(&rule("┌", "┬", "┐"));
        for (number, row) in rows.iter().enumerate() {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|((ink, text), width)| {
                    let gap = " ".repeat(width.saturating_sub(text.chars().count()));
                    format!(" {}{gap} ", self.palette.paint(*ink, text))
                })
                .collect();
            self.say(&format!("│{}│", cells.join("│")));
            if number == 0 {
                self.say(&rule("├", "┼", "┤"));
            }
        }
        self.say(&rule("└", "┴", "┘"));
    }

    fn findings(&mut self, account: &Account<'_>) {
        let groups = account.findings();
        for group in groups.iter().take(FINDINGS) {
            self.finding(group);
        }
        let more = groups.len().saturating_sub(FINDINGS);
        if more > 0 {
            self.say(&format!("\n… and {more} more findings: see {}", crate::bundle::HTML));
        }
        let commands = account.token_commands();
        if !commands.is_empty() {
            self.title(Ink::Strong, "Tokens for these commands (secrets come from the variables of the spec)");
            for command in &commands {
                self.say(&format!("  # {}", line(&command.who)));
                self.say(&format!("  {}", line(&command.command)));
            }
        }
    }

    fn finding(&mut self, group: &FindingGroup<'_>) {
        let finding = group.first;
        let kind_ink = if finding.kind == FindingKind::Leak { Ink::Bad } else { Ink::Doubt };
        let title = format!("{} {}", finding.kind.name().to_uppercase(), line(&finding.check));
        self.title(kind_ink, &title);
        self.say(&format!("  {}", line(&finding.operation)));
        self.say(&format!("  {}, {} ({})", pair(finding), finding.severity, finding.cwe.join(", ")));
        for evidence in finding.evidence.iter().take(EVIDENCE) {
            self.say(&format!("  · {}", short(evidence, LONGEST)));
        }
        if !group.others.is_empty() {
            let pairs: Vec<String> = group.others.iter().map(|other| pair(other)).collect();
            self.say(&format!("  also {}", listed(&pairs)));
        }
        for seen in &finding.also_seen {
            let shown = seen.evidence.first().map_or("", String::as_str);
            self.say(&format!("  also seen by {}: {}", line(&seen.check), short(shown, LONGEST)));
        }
        if !finding.reproduce.is_empty() {
            self.say(&format!("  reproduce: {}", line(&finding.reproduce)));
        }
        let explain = format!("  watertight explain {}", line(&finding.check));
        let explain = self.palette.paint(Ink::Quiet, &explain);
        self.say(&explain);
    }

    fn unproven(&mut self, account: &Account<'_>) {
        let groups = account.unproven();
        if groups.is_empty() {
            return;
        }
        let count: usize = groups.iter().map(|group| group.rows.len()).sum();
        self.title(Ink::Doubt, &format!("UNPROVEN ({count})"));
        for group in groups.iter().take(REASONS) {
            self.reason(group);
        }
        let more = groups.len().saturating_sub(REASONS);
        if more > 0 {
            self.say(&format!("  … and {more} more reasons: see {}", crate::bundle::HTML));
        }
    }

    fn reason(&mut self, group: &UndecidedGroup<'_>) {
        self.say(&format!("  {} × {}", group.rows.len(), group.cause.says()));
        if group.cause == Cause::Whole(Whole::NothingDecided) {
            return self.undecided_operations(group);
        }
        let mut checks: Vec<String> = group.rows.iter().map(|row| line(&row.check)).collect();
        checks.sort();
        checks.dedup();
        self.say(&format!("      {}", listed(&checks)));
        // One of them in full: what the reason alone leaves out.
        if let Some(first) = group.rows.first().filter(|row| row.why != group.cause.says()) {
            let is_example = if group.rows.len() > 1 { "as in: " } else { "" };
            self.say(&format!("      {is_example}{}", short(&first.why, LONGEST)));
        }
        self.say(&format!("      what usually helps: {}", group.cause.remedy()));
    }

    /// Each with its own reason.
    fn undecided_operations(&mut self, group: &UndecidedGroup<'_>) {
        for row in group.rows.iter().take(LISTED) {
            self.say(&format!("      {}: {}", line(&row.operation), short(&row.why, LONGEST)));
        }
        let more = group.rows.len().saturating_sub(LISTED);
        if more > 0 {
            self.say(&format!("      … and {more} more"));
        }
        self.say(&format!("      what usually helps: {}", group.cause.remedy()));
    }

    fn left_out(&mut self, account: &Account<'_>) {
        let groups = account.left_out();
        if groups.is_empty() {
            return;
        }
        self.title(Ink::Strong, "Left out");
        for (why, rows) in groups {
            let mut checks: Vec<String> = rows.iter().map(|(check, _)| (*check).to_owned()).collect();
            checks.sort();
            checks.dedup();
            self.say(&format!("  {}: {}", listed(&checks), short(why, LONGEST)));
        }
    }

    fn coverage(&mut self, account: &Account<'_>) {
        let coverage = &account.report.coverage;
        self.say(&format!("\ncoverage: {} of {} operations covered", coverage.probed, coverage.operations));
        if !coverage.not_probed.is_empty() {
            let operations: Vec<String> = coverage.not_probed.iter().map(|operation| line(operation)).collect();
            self.say(&format!("  not covered: {}", listed(&operations)));
        }
        for (why, operations) in account.excused() {
            self.say(&format!("  {}: {}", listed(&operations), short(why, LONGEST)));
        }
        if !coverage.needless.is_empty() {
            let needless: Vec<String> = coverage.needless.iter().map(|what| line(what)).collect();
            self.say(&format!("  excluded, and covered without: {}", listed(&needless)));
        }
    }

    fn access_ended(&mut self, account: &Account<'_>) {
        let ended: Vec<String> = account.report.access_ended.iter().map(|one| line(&one.says())).collect();
        if !ended.is_empty() {
            self.say(&format!("access ended: {}", listed(&ended)));
        }
    }

    fn left_behind(&mut self, account: &Account<'_>) {
        for stays in account.run.staying.iter().take(LISTED) {
            self.say(&short(stays, LONGEST));
        }
        let left = &account.run.left_behind;
        if left.is_empty() {
            return;
        }
        self.title(Ink::Doubt, "Not removed (`watertight clean` tries again)");
        for what in left.iter().take(LISTED) {
            self.say(&format!("  {}", short(what, LONGEST)));
        }
        let more = left.len().saturating_sub(LISTED);
        if more > 0 {
            self.say(&format!("  … and {more} more"));
        }
    }
}

fn heading(surfaces: &[Surface]) -> Vec<(Ink, String)> {
    let titles = surfaces.iter().map(|surface| surface.name().to_owned());
    std::iter::once("attacker → victim".to_owned()).chain(titles).map(|title| (Ink::Strong, title)).collect()
}

fn name(account: &Account<'_>, tenant: TenantIx) -> String {
    short(account.tenant(tenant), NAME)
}

fn pair(finding: &Finding) -> String {
    format!("{} → {}", line(&finding.attacker), line(&finding.victim))
}

/// The first few of a list, and how many more there are.
fn listed(items: &[String]) -> String {
    let shown: Vec<&str> = items.iter().take(LISTED).map(String::as_str).collect();
    match items.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}
