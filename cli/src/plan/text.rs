//! A plan for a terminal: each operation with the places that are attacked in it; then what is not, and what stays.

use std::collections::{BTreeMap, BTreeSet};

use watertight_checks::plan::{Attacked, Place, Stands};
use watertight_evidence::escape::{line, short};
use watertight_evidence::style::{Ink, Palette};

use super::Document;

/// Columns of a line.
const WIDTH: usize = 110;
/// Most columns of a place and of what stands in it.
const PLACE: usize = 34;
const STANDS: usize = 28;
/// Names in one list.
const LISTED: usize = 12;
/// Characters of a reason.
const LONGEST: usize = 300;

/// The whole plan.
pub(super) fn render(document: &Document, palette: Palette) -> String {
    let mut page = Page { palette, lines: Vec::new() };
    page.head(document);
    page.section("Set-up", document.setup.iter().map(|step| line(step)));
    page.attacked(&document.attacked);
    page.section("Credentials that are looked at", credentials(document));
    let watched = document.looked_through.iter();
    page.section("Looked through", watched.map(|check| format!("every ordinary request, by {check}")));
    let untried = document.not_tried.iter().map(|one| (one.why.clone(), one.operation.clone()));
    page.section("Not tried", grouped(untried));
    let left_out = document.left_out.iter();
    let left_out = left_out.map(|row| (format!("{}, {}", row.check, row.why), row.name.clone()));
    page.section("Left out of what is tried", grouped(left_out));
    let acts = document.acts.iter().map(|one| {
        let of = listed(&one.of.iter().map(String::as_str).collect::<Vec<_>>());
        format!("{} in {}, of {of} by {}: {}", one.act, one.tenant, one.by, one.request)
    });
    page.section("Acts, after all else", acts.map(|act| line(&act)));
    let stays = document.stays.iter();
    page.section("Stays after the run", stays.map(|one| format!("{}: {}", line(&one.of), short(&one.why, LONGEST))));
    let gaps = document.not_covered.iter();
    page.section("Not covered by this spec", gaps.map(|gap| format!("{}: {}", gap.what, gap.why)));
    page.lines.join("\n")
}

struct Page {
    palette: Palette,
    lines: Vec<String>,
}

impl Page {
    fn head(&mut self, document: &Document) {
        self.lines.push(format!(
            "{}: {} trials of {} of {} operations, over {} tenants; nothing was sent",
            short(&document.target, PLACE),
            document.total,
            document.attacked.len(),
            document.operations.len(),
            document.tenants.len()
        ));
        self.lines.push(document.cost.text());
    }

    fn title(&mut self, text: &str, count: usize) {
        let title = self.palette.paint(Ink::Strong, &format!("{text} ({count})"));
        self.lines.extend([String::new(), title]);
    }

    /// A title, and an entry in each line; nothing where there is none.
    fn section(&mut self, title: &str, entries: impl Iterator<Item = String>) {
        let entries: Vec<String> = entries.collect();
        if entries.is_empty() {
            return;
        }
        self.title(title, entries.len());
        self.lines.extend(entries.iter().flat_map(|entry| wrapped("  ", "      ", entry)));
    }

    fn attacked(&mut self, attacked: &[Attacked]) {
        self.title("Attacked operations", attacked.len());
        let places = || attacked.iter().flat_map(|one| &one.places);
        let widest = |texts: &mut dyn Iterator<Item = String>, most: usize| {
            texts.map(|text| text.chars().count()).max().unwrap_or(0).min(most)
        };
        let columns = (widest(&mut places().map(where_), PLACE), widest(&mut places().map(stands), STANDS));
        for one in attacked {
            let name = self.palette.paint(Ink::Strong, &line(&one.operation));
            let trials = format!("{} trials", one.trials);
            let taken = one.operation.chars().count().saturating_add(trials.len()).saturating_add("    , ".len());
            let request = cut(&line(&one.request), WIDTH.saturating_sub(taken).max(PLACE));
            self.lines.push(format!("  {name}  {request}, {trials}"));
            one.places.iter().for_each(|place| self.place(place, columns));
            if !one.also_as.is_empty() {
                let also: Vec<&str> = one.also_as.iter().map(String::as_str).collect();
                self.lines.extend(wrapped(
                    "    ",
                    "      ",
                    &format!("also with the credentials of {}", listed(&also)),
                ));
            }
        }
    }

    fn place(&mut self, place: &Place, (of_place, of_stands): (usize, usize)) {
        let (at, stands) = (cut(&where_(place), of_place), cut(&stands(place), of_stands));
        let first = format!("    {at:of_place$}  {stands:of_stands$}  ");
        let further = " ".repeat(first.chars().count());
        let checks: Vec<&str> = place.checks.iter().copied().collect();
        self.lines.extend(wrapped(&first, &further, &checks.join(", ")));
    }
}

/// Where something is in a request.
fn where_(place: &Place) -> String {
    let kind = match place.part.kind {
        "part" => "part of the upload".to_owned(),
        "answer" => "its answer".to_owned(),
        kind => kind.replace('-', " "),
    };
    match &place.part.at {
        Some(at) => format!("{kind} {}", line(at)),
        None => kind,
    }
}

/// What stands there in the request of an owner.
fn stands(place: &Place) -> String {
    match &place.stands {
        Stands::Tenant => "the tenant".to_owned(),
        Stands::OwnObject(kind) => format!("its own {}", line(kind)),
        Stands::OtherObject(kind) => format!("another object, {}", line(kind)),
        Stands::Name => "a name of one's choosing".to_owned(),
        Stands::Words => "words that are searched for".to_owned(),
        Stands::Credential => "the credential".to_owned(),
        Stands::Nothing => "sent as it is".to_owned(),
    }
}

/// Principals that the same checks look at.
fn credentials(document: &Document) -> impl Iterator<Item = String> {
    let mut same: BTreeMap<&BTreeSet<&str>, Vec<&str>> = BTreeMap::new();
    document.credentials.iter().for_each(|(who, checks)| same.entry(checks).or_default().push(who));
    same.into_iter().map(|(checks, who)| {
        let checks: Vec<&str> = checks.iter().copied().collect();
        format!("{}: {}", listed(&who), checks.join(", "))
    })
}

/// For each reason, what it is the reason of.
fn grouped(rows: impl Iterator<Item = (String, String)>) -> impl Iterator<Item = String> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    rows.for_each(|(why, what)| groups.entry(why).or_default().push(what));
    groups.into_iter().map(|(why, what)| {
        let what: Vec<&str> = what.iter().map(String::as_str).collect();
        format!("{}: {}", short(&why, LONGEST), listed(&what))
    })
}

/// The first few of a list, and how many more there are.
fn listed(items: &[&str]) -> String {
    let shown: Vec<String> = items.iter().take(LISTED).map(|item| line(item)).collect();
    match items.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}

/// At most so many characters.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Words in lines of at most [`WIDTH`] columns; a word that is longer has a line of its own.
fn wrapped(first: &str, further: &str, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = first.to_owned();
    let mut is_bare = true;
    for word in text.split(' ') {
        let width = open.chars().count().saturating_add(word.chars().count());
        if !is_bare && width.saturating_add(1) > WIDTH {
            lines.push(std::mem::replace(&mut open, further.to_owned()));
            is_bare = true;
        }
        if !is_bare {
            open.push(' ');
        }
        open.push_str(word);
        is_bare = false;
    }
    lines.push(open);
    lines
}
