//! How many objects of one kind a request names at a time: `{ ids = ["{case}", "{case}"] }` names two.
//!
//! Each of them has a *slot*: every place that is in no list, in the order of path, headers and body, then every element of a
//! list. As it is written, all that is in no list names the same object: an id in a path and again in a body may have to.

use serde_json::Value;

use crate::ix::ResourceIx;
use crate::spec::RequestTemplate;
use crate::spots::{Spot, escaped};
use crate::template::{AddressPart, BodyTemplate, JsonTemplate, PathTemplate, Piece, Symbol, objects_of};

/// The slots that a request has for objects of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// How often the kind is named outside of lists.
    outside: usize,
    /// Those of its longest list.
    listed: usize,
}

impl Slots {
    /// How many objects it may name: a list that names one may name a second one.
    pub fn count(self) -> usize {
        let written = self.outside.saturating_add(self.listed);
        if self.listed == 0 { written } else { written.max(2) }
    }

    /// Whether a list names the kind.
    pub fn has_list(self) -> bool {
        self.listed > 0
    }

    /// Whether a list names one, and may name a second one.
    pub fn can_grow(self) -> bool {
        self.outside == 0 && self.listed == 1
    }

    /// Whether it names different objects as it is written. One id in a path and again in a list may have to be the same.
    pub fn is_of_several(self) -> bool {
        self.outside == 0 && self.listed > 1
    }

    /// Whether it names the kind both in a list and outside of it, or twice outside: as it is written, the same object.
    pub fn is_of_a_pair(self) -> bool {
        self.outside.saturating_add(usize::from(self.has_list())) > 1 && self.outside > 0
    }

    /// Whether it names the kind twice outside of lists.
    pub fn is_twice_outside(self) -> bool {
        self.outside > 1
    }

    /// The slot of the element of a list that is the n-th to name the kind.
    pub fn of_listed(self, nth: usize) -> usize {
        self.outside.saturating_add(nth)
    }
}

impl RequestTemplate {
    /// The slots of a kind of objects.
    pub fn slots(&self, kind: ResourceIx) -> Slots {
        let json = match &self.body {
            Some(BodyTemplate::Json(json)) => Some(json),
            _ => None,
        };
        let is_it = |symbol: &&Symbol| **symbol == Symbol::Object(kind);
        let all = self.symbols().into_iter().filter(is_it).count();
        let in_query = self.path.listed(kind);
        let in_lists = json.map_or(0, |json| json.within_lists(kind)).saturating_add(in_query);
        let longest = json.map_or(0, |json| json.longest(kind)).max(in_query);
        Slots { outside: all.saturating_sub(in_lists), listed: longest }
    }

    /// Where a second one would stand, in lists that name one.
    pub fn second_spots(&self, kind: ResourceIx) -> Vec<Spot> {
        let mut pointers = Vec::new();
        if let Some(BodyTemplate::Json(json)) = &self.body {
            json.second_pointers(kind, "", &mut pointers);
        }
        pointers.into_iter().map(Spot::Json).collect()
    }
}

impl PathTemplate {
    /// How many objects of a kind the query names, if several: `id={case}&id={case}`, `ids={case},{case}`.
    pub fn listed(&self, kind: ResourceIx) -> usize {
        let is_it = |(piece, part): &(&Piece, AddressPart)| {
            *part == AddressPart::Query && matches!(piece, Piece::Symbol(symbol, _) if *symbol == Symbol::Object(kind))
        };
        let count = self.located().filter(is_it).count();
        if count > 1 { count } else { 0 }
    }
}

impl JsonTemplate {
    /// Elements of the longest list that name a kind.
    fn longest(&self, kind: ResourceIx) -> usize {
        match self {
            Self::Array(items) => {
                let own = items.iter().filter(|item| item.is_slot(kind)).count();
                items.iter().map(|item| item.longest(kind)).fold(own, usize::max)
            }
            Self::Object(members) => members.iter().map(|(_, value)| value.longest(kind)).max().unwrap_or_default(),
            Self::Text(_) | Self::Plain(_) => 0,
        }
    }

    /// How often a kind is named within lists.
    fn within_lists(&self, kind: ResourceIx) -> usize {
        match self {
            Self::Array(_) => self.symbols().into_iter().filter(|symbol| **symbol == Symbol::Object(kind)).count(),
            Self::Object(members) => members.iter().map(|(_, value)| value.within_lists(kind)).sum(),
            Self::Text(_) | Self::Plain(_) => 0,
        }
    }

    fn second_pointers(&self, kind: ResourceIx, pointer: &str, all: &mut Vec<String>) {
        match self {
            Self::Array(items) => {
                let alone = items.iter().position(|item| item.is_slot(kind)).filter(|_| self.longest(kind) == 1);
                all.extend(alone.map(|at| format!("{pointer}/{}", at.saturating_add(1))));
                for (number, item) in items.iter().enumerate() {
                    item.second_pointers(kind, &format!("{pointer}/{number}"), all);
                }
            }
            Self::Object(members) => {
                for (name, value) in members {
                    value.second_pointers(kind, &format!("{pointer}/{}", escaped(name)), all);
                }
            }
            Self::Text(_) | Self::Plain(_) => {}
        }
    }

    /// Whether an element of a list is a slot: it names the kind, and not in a list of its own.
    fn is_slot(&self, kind: ResourceIx) -> bool {
        self.mentions(&Symbol::Object(kind)) && self.longest(kind) == 0
    }

    /// As JSON, with every symbol replaced by what `bind` says; `None` where one is unbound. `bind` is told the how manieth
    /// element of a list it is that names that kind. A list that names one object of the kind `second` has that element
    /// twice.
    pub fn render_lists(
        &self,
        second: Option<ResourceIx>,
        bind: &mut dyn FnMut(&Symbol, Option<usize>) -> Option<Value>,
    ) -> Option<Value> {
        self.render_within(&[], second, bind)
    }

    /// The same within elements of lists, of which it is known the how manieth they are.
    fn render_within(
        &self,
        within: &[(ResourceIx, usize)],
        second: Option<ResourceIx>,
        bind: &mut dyn FnMut(&Symbol, Option<usize>) -> Option<Value>,
    ) -> Option<Value> {
        match self {
            Self::Array(items) => {
                let mut seen: Vec<(ResourceIx, usize)> = Vec::new();
                let mut all = Vec::new();
                for item in items {
                    let kinds = objects_of(item.symbols()).into_iter().filter(|kind| item.is_slot(*kind));
                    let nth = |kind: ResourceIx| seen.iter().filter(|(other, _)| *other == kind).count();
                    let slots: Vec<_> = kinds.map(|kind| (kind, nth(kind))).collect();
                    seen.extend_from_slice(&slots);
                    all.push(item.render_within(&[within, &slots].concat(), second, bind)?);
                    let alone = |kind: &ResourceIx| item.is_slot(*kind) && self.longest(*kind) == 1;
                    if let Some(kind) = second.filter(alone) {
                        all.push(item.render_within(&[within, &[(kind, 1)]].concat(), second, bind)?);
                    }
                }
                Some(Value::Array(all))
            }
            Self::Object(members) => members
                .iter()
                .map(|(name, value)| Some((name.clone(), value.render_within(within, second, bind)?)))
                .collect::<Option<serde_json::Map<_, _>>>()
                .map(Value::Object),
            Self::Text(_) | Self::Plain(_) => self.render(&mut |symbol| {
                let is_it = |(kind, _): &&(ResourceIx, usize)| *symbol == Symbol::Object(*kind);
                bind(symbol, within.iter().find(is_it).map(|(_, nth)| *nth))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn case() -> ResourceIx {
        ResourceIx::new(0)
    }

    fn symbol() -> JsonTemplate {
        JsonTemplate::Text(vec![Piece::Symbol(Symbol::Object(case()), "case".to_owned())])
    }

    fn ids(count: usize) -> JsonTemplate {
        JsonTemplate::Object(vec![("ids".to_owned(), JsonTemplate::Array(vec![symbol(); count]))])
    }

    fn rendered(json: &JsonTemplate, second: Option<ResourceIx>) -> Value {
        json.render_lists(second, &mut |_, nth| Some(nth.map_or_else(|| json!("outside"), |nth| json!(nth)))).unwrap()
    }

    #[test]
    fn each_element_of_a_list_is_a_slot_and_one_alone_may_have_a_second() {
        let request = |body: JsonTemplate| RequestTemplate {
            body: Some(BodyTemplate::Json(body)),
            ..RequestTemplate::bare("POST", PathTemplate::default())
        };
        let counts = [0, 1, 2, 3].map(|count| request(ids(count)).slots(case()).count());
        assert_eq!(counts, [0, 2, 2, 3]);
        assert_eq!(rendered(&ids(2), Some(case())), json!({ "ids": [0, 1] }));
        assert_eq!(rendered(&ids(1), Some(case())), json!({ "ids": [0, 1] }));
        assert_eq!(rendered(&ids(1), None), json!({ "ids": [0] }));
        assert_eq!(request(ids(1)).second_spots(case()), [Spot::Json("/ids/1".to_owned())]);
        assert_eq!(request(ids(2)).second_spots(case()), []);
        let beside = JsonTemplate::Object(vec![("into".to_owned(), symbol()), ("from".to_owned(), ids(1))]);
        assert_eq!(request(beside.clone()).slots(case()).count(), 2);
        assert_eq!(rendered(&beside, None), json!({ "into": "outside", "from": { "ids": [0] } }));
    }

    #[test]
    fn an_element_that_is_an_object_is_a_slot_as_a_whole() {
        let whole = JsonTemplate::Array(vec![JsonTemplate::Object(vec![
            ("id".to_owned(), symbol()),
            ("again".to_owned(), symbol()),
        ])]);
        assert_eq!(rendered(&whole, Some(case())), json!([{ "id": 0, "again": 0 }, { "id": 1, "again": 1 }]));
    }
}
