//! How many objects of one kind a request names at a time: `{ ids = ["{case}", "{case}"] }` names two.
//!
//! Each of them has a *slot*: those that are named in no list, in the order of path, headers and body, then every element of a
//! list. In no list, what is called the same is the same object, `case` and `case_id`; `from` and `into` are two. What a path
//! names and a body again has two slots: a target may look at either alone.

mod role;

use serde_json::Value;

use self::role::{Role, role_of};
use crate::ix::ResourceIx;
use crate::spec::RequestTemplate;
use crate::template::spots::{Spot, escaped};
use crate::template::{AddressPart, BodyTemplate, JsonTemplate, PathTemplate, Piece, Symbol, TextTemplate, objects_of};

/// The slots that a request has for objects of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    /// The slot of each place outside of lists, in order.
    outside: Vec<usize>,
    /// Those of the body that name again what the path leads to, each with that of the path.
    repeats: Vec<(usize, usize)>,
    /// Whether two others of these are in the query, headers or body.
    is_apart: bool,
    /// Whether two of these are called differently: one that is only named again is the same thing.
    is_linked: bool,
    /// Those of its longest list.
    listed: usize,
}

impl Slots {
    /// How many objects it may name: a list that names one may name a second one.
    pub fn count(&self) -> usize {
        let written = self.of_outside().saturating_add(self.listed);
        if self.listed == 0 { written } else { written.max(2) }
    }

    /// Whether a list names the kind.
    pub fn has_list(&self) -> bool {
        self.listed > 0
    }

    /// Whether a list names one, and may name a second one.
    pub fn can_grow(&self) -> bool {
        self.outside.is_empty() && self.listed == 1
    }

    /// Whether it names different objects as it is written. One id in a path and again in a list may have to be the same.
    pub fn is_of_several(&self) -> bool {
        self.outside.is_empty() && self.listed > 1
    }

    /// Whether it names different ones by their names: `from` and `into`.
    pub fn is_apart(&self) -> bool {
        self.is_apart
    }

    /// Whether it names the kind both in a list and outside of it, or two of it outside: these may have to be the same.
    pub fn is_of_a_pair(&self) -> bool {
        self.of_outside().saturating_add(usize::from(self.has_list())) > 1 && !self.outside.is_empty()
    }

    /// The slots that name again what is in another one, each with that: an id in a path and again in the body.
    pub fn repeats(&self) -> &[(usize, usize)] {
        &self.repeats
    }

    /// Whether it names two of the kind outside of lists by different names, so that one may be linked to the other.
    pub fn is_linked(&self) -> bool {
        self.is_linked
    }

    /// How many slots there are outside of lists.
    fn of_outside(&self) -> usize {
        self.outside.iter().max().map_or(0, |last| last.saturating_add(1))
    }

    /// The slot of the n-th place that is in no list.
    pub fn of_place(&self, nth: usize) -> usize {
        self.outside.get(nth).copied().unwrap_or_default()
    }

    /// The slot of the element of a list that is the n-th to name the kind.
    pub fn of_listed(&self, nth: usize) -> usize {
        self.of_outside().saturating_add(nth)
    }
}

impl RequestTemplate {
    /// The slots of a kind of objects.
    pub fn slots(&self, kind: ResourceIx) -> Slots {
        let json = match &self.body {
            Some(BodyTemplate::Json(json)) => Some(json),
            _ => None,
        };
        let in_form = self.body.iter().map(|body| body.most_in_form(kind)).max().unwrap_or_default();
        let longest = json.map_or(0, |json| json.longest(kind)).max(self.path.listed(kind)).max(in_form);
        let named = self.symbols().into_iter().filter(|symbol| **symbol == Symbol::Object(kind)).count();
        if named < 2 {
            // One alone needs no name to be told from others: so it is with most requests.
            let outside = vec![0; named.saturating_sub(longest)];
            return Slots { outside, repeats: Vec::new(), is_apart: false, is_linked: false, listed: longest };
        }
        let mut roles: Vec<(Role, bool)> = Vec::new();
        let mut outside = Vec::new();
        for spot in self.spots_outside(kind) {
            let (role, is_in_path) =
                (role_of(&spot, &self.written(kind), outside.len()), matches!(spot, Spot::Path(_)));
            let known = roles.iter().position(|known| *known == (role.clone(), is_in_path));
            outside.push(known.unwrap_or(roles.len()));
            if known.is_none() {
                roles.push((role, is_in_path));
            }
        }
        let in_path = |role: &Role| roles.iter().position(|known| *known == (role.clone(), true));
        let behind = || roles.iter().enumerate().filter(|(_, (_, is_in_path))| !is_in_path);
        let repeats: Vec<(usize, usize)> =
            behind().filter_map(|(slot, (role, _))| Some((slot, in_path(role)?))).collect();
        let is_apart = behind().count().saturating_sub(repeats.len()) > 1;
        let is_linked = roles.iter().any(|(role, _)| roles.iter().any(|(other, _)| other != role));
        Slots { outside, repeats, is_apart, is_linked, listed: longest }
    }

    /// What the file calls a kind.
    fn written(&self, kind: ResourceIx) -> String {
        let headers = self.headers.iter().flat_map(|(_, value)| &value.0);
        let mut pieces: Vec<&Piece> = self.path.pieces().iter().chain(headers).collect();
        match &self.body {
            Some(BodyTemplate::Json(json)) => json.gather_pieces(&mut pieces),
            Some(BodyTemplate::Form(members)) => pieces.extend(members.iter().flat_map(|(_, value)| &value.0)),
            Some(BodyTemplate::Multipart(parts)) => pieces.extend(parts.iter().flat_map(|part| &part.text.0)),
            Some(BodyTemplate::Text { text, .. }) => pieces.extend(&text.0),
            None => {}
        }
        let named = pieces.into_iter().find_map(|piece| match piece {
            Piece::Symbol(symbol, written) if *symbol == Symbol::Object(kind) => Some(written.clone()),
            _ => None,
        });
        named.unwrap_or_default()
    }

    /// Where it names the kind in no list, in the order of [`RequestTemplate::symbols`].
    fn spots_outside(&self, kind: ResourceIx) -> Vec<Spot> {
        let is_listed = |spot: &Spot| match (spot, &self.body) {
            (Spot::Query(_), _) => self.path.listed(kind) > 0,
            (Spot::Form(name), Some(body)) => body.listed_in_form(name, kind) > 0,
            (Spot::Json(pointer), Some(BodyTemplate::Json(json))) => json.is_in_list(pointer, kind),
            _ => false,
        };
        let named = self.spots().into_iter().filter(|(_, symbol)| **symbol == Symbol::Object(kind));
        named.map(|(spot, _)| spot).filter(|spot| !is_listed(spot)).collect()
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

impl BodyTemplate {
    /// How many objects of a kind a member of a form names that is sent several times.
    pub fn listed_in_form(&self, name: &str, kind: ResourceIx) -> usize {
        let Self::Form(members) = self else { return 0 };
        let is_it = |(other, text): &&(String, TextTemplate)| {
            other == name && text.symbols().any(|symbol| *symbol == Symbol::Object(kind))
        };
        let count = members.iter().filter(is_it).count();
        if count > 1 { count } else { 0 }
    }

    fn most_in_form(&self, kind: ResourceIx) -> usize {
        let Self::Form(members) = self else { return 0 };
        members.iter().map(|(name, _)| self.listed_in_form(name, kind)).max().unwrap_or_default()
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

/// Whether the list of this name is one of objects of a kind: of nothing else. A triple of constants and one object is a
/// command, or a condition. What a procedure is called with has an element for each of its parameters.
fn is_list_of(called: &str, items: &[JsonTemplate], kind: ResourceIx) -> bool {
    let is_positional = matches!(called, "args" | "arguments" | "params");
    !is_positional && !items.is_empty() && items.iter().all(|item| item.is_slot(kind))
}

impl JsonTemplate {
    fn gather_pieces<'p>(&'p self, all: &mut Vec<&'p Piece>) {
        match self {
            Self::Text(pieces) => all.extend(pieces),
            Self::Object(members) => members.iter().for_each(|(_, value)| value.gather_pieces(all)),
            Self::Array(items) => items.iter().for_each(|item| item.gather_pieces(all)),
            Self::Plain(_) => {}
        }
    }

    /// Elements of the longest list that name a kind.
    fn longest(&self, kind: ResourceIx) -> usize {
        self.longest_in("", kind)
    }

    fn longest_in(&self, called: &str, kind: ResourceIx) -> usize {
        match self {
            Self::Array(items) => {
                let own = if is_list_of(called, items, kind) { items.len() } else { 0 };
                items.iter().map(|item| item.longest(kind)).fold(own, usize::max)
            }
            Self::Object(members) => {
                members.iter().map(|(name, value)| value.longest_in(name, kind)).max().unwrap_or_default()
            }
            Self::Text(_) | Self::Plain(_) => 0,
        }
    }

    /// Whether what a pointer leads to is in a list of objects of a kind.
    fn is_in_list(&self, pointer: &str, kind: ResourceIx) -> bool {
        let (mut at, mut called) = (self, "");
        for name in pointer.split('/').skip(1) {
            match at {
                Self::Array(items) if is_list_of(called, items, kind) => return true,
                Self::Array(items) => match name.parse().ok().and_then(|at: usize| items.get(at)) {
                    Some(item) => (at, called) = (item, ""),
                    None => return false,
                },
                Self::Object(members) => match members.iter().find(|(member, _)| escaped(member) == name) {
                    Some((member, value)) => (at, called) = (value, member),
                    None => return false,
                },
                Self::Text(_) | Self::Plain(_) => return false,
            }
        }
        false
    }

    fn second_pointers(&self, kind: ResourceIx, pointer: &str, all: &mut Vec<String>) {
        match self {
            Self::Array(items) => {
                let called = pointer.rsplit('/').next().unwrap_or_default();
                if items.len() == 1 && is_list_of(called, items, kind) {
                    all.push(format!("{pointer}/1"));
                }
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
        self.render_within("", &[], second, bind)
    }

    /// The same within elements of lists, of which it is known the how manieth they are.
    fn render_within(
        &self,
        called: &str,
        within: &[(ResourceIx, usize)],
        second: Option<ResourceIx>,
        bind: &mut dyn FnMut(&Symbol, Option<usize>) -> Option<Value>,
    ) -> Option<Value> {
        match self {
            Self::Array(items) => {
                let mut seen: Vec<(ResourceIx, usize)> = Vec::new();
                let mut all = Vec::new();
                for item in items {
                    let kinds = objects_of(item.symbols()).into_iter().filter(|kind| is_list_of(called, items, *kind));
                    let nth = |kind: ResourceIx| seen.iter().filter(|(other, _)| *other == kind).count();
                    let slots: Vec<_> = kinds.map(|kind| (kind, nth(kind))).collect();
                    seen.extend_from_slice(&slots);
                    all.push(item.render_within("", &[within, &slots].concat(), second, bind)?);
                    let alone = |kind: &ResourceIx| items.len() == 1 && is_list_of(called, items, *kind);
                    if let Some(kind) = second.filter(alone) {
                        all.push(item.render_within("", &[within, &[(kind, 1)]].concat(), second, bind)?);
                    }
                }
                Some(Value::Array(all))
            }
            Self::Object(members) => members
                .iter()
                .map(|(name, value)| Some((name.clone(), value.render_within(name, within, second, bind)?)))
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
    fn a_member_of_a_form_that_is_sent_twice_is_a_list() {
        let one = || ("ids".to_owned(), TextTemplate(vec![Piece::Symbol(Symbol::Object(case()), "case".to_owned())]));
        let request = |members: Vec<(String, TextTemplate)>| RequestTemplate {
            body: Some(BodyTemplate::Form(members)),
            ..RequestTemplate::bare("POST", PathTemplate::default())
        };
        let twice = request(vec![one(), one()]).slots(case());
        assert_eq!((twice.count(), twice.is_of_several()), (2, true));
        assert!(!request(vec![one()]).slots(case()).has_list());
    }

    #[test]
    fn what_is_called_otherwise_outside_of_lists_is_another_object() {
        let body = |names: &[&str]| {
            let members = names.iter().map(|name| ((*name).to_owned(), symbol())).collect();
            RequestTemplate {
                body: Some(BodyTemplate::Json(JsonTemplate::Object(members))),
                ..RequestTemplate::bare(
                    "POST",
                    PathTemplate(vec![Piece::Symbol(Symbol::Object(case()), "case".to_owned())]),
                )
            }
        };
        let slots = |names: &[&str]| body(names).slots(case());
        // In the path and again in the body.
        assert_eq!(
            (slots(&["id"]).count(), slots(&["id"]).is_of_a_pair(), slots(&["id"]).is_apart()),
            (2, true, false)
        );
        assert_eq!((slots(&["id", "case_id"]).count(), slots(&["id"]).is_linked()), (2, false));
        assert_eq!((slots(&["id"]).repeats(), slots(&["parent"]).repeats()), ([(1, 0)].as_slice(), [].as_slice()));
        let moved = slots(&["case_id", "parent"]);
        assert_eq!([0, 1, 2].map(|nth| moved.of_place(nth)), [0, 1, 2]);
        assert_eq!((moved.count(), moved.is_of_a_pair(), moved.is_apart(), moved.is_linked()), (3, true, false, true));
        assert_eq!((slots(&["from", "into"]).count(), slots(&["from", "into"]).is_apart()), (3, true));
    }

    /// A condition, `["customer", "=", "{case}"]`, and a command of Odoo's, `[[0, 0, { product = "{case}" }]]`.
    #[test]
    fn what_stands_among_constants_is_in_no_list() {
        let plain = |value: Value| JsonTemplate::Plain(value);
        let condition = JsonTemplate::Array(vec![plain(json!("customer")), plain(json!("=")), symbol()]);
        let request = |body: JsonTemplate| RequestTemplate {
            body: Some(BodyTemplate::Json(body)),
            ..RequestTemplate::bare("POST", PathTemplate::default())
        };
        let slots = request(JsonTemplate::Object(vec![("where".to_owned(), condition.clone())])).slots(case());
        assert_eq!((slots.count(), slots.has_list()), (1, false));
        assert_eq!(rendered(&condition, Some(case())), json!(["customer", "=", "outside"]));
        // A procedure's parameters: the page, and the one that it is moved under.
        let moved = JsonTemplate::Array(vec![plain(json!("move")), symbol(), symbol()]);
        let slots = request(JsonTemplate::Object(vec![("params".to_owned(), moved)])).slots(case());
        assert_eq!((slots.count(), slots.has_list(), slots.is_apart()), (2, false, true));
        // One that is created by position has no second one beside it, which a lax procedure would not even look at.
        for called in ["args", "params"] {
            let one = JsonTemplate::Array(vec![JsonTemplate::Object(vec![("under".to_owned(), symbol())])]);
            let one = JsonTemplate::Object(vec![(called.to_owned(), one)]);
            assert_eq!(rendered(&one, Some(case())), json!({ called: [{ "under": "outside" }] }));
            let request = request(one);
            assert_eq!((request.slots(case()).count(), request.second_spots(case())), (1, Vec::new()));
        }
        let command = JsonTemplate::Array(vec![plain(json!(0)), plain(json!(0)), ids(1)]);
        let commands = JsonTemplate::Array(vec![command]);
        assert_eq!(rendered(&commands, Some(case())), json!([[0, 0, { "ids": [0, 1] }]]));
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
