//! Kinds of objects.

use std::collections::BTreeMap;

use serde_json_path::JsonPath;

use super::TenantName;
use crate::ix::ResourceIx;
use crate::object_id::ObjectId;

/// `[[resource]]`: one kind of object. A few lines yield the whole attack matrix.
#[derive(Clone, Debug)]
pub struct Resource {
    /// `name`: also the symbol that stands for an object's id in paths (`{case}`).
    pub name: String,
    /// `parent`, else the last other object that the path of its create, list or read names.
    pub parent: Option<ResourceIx>,
    /// Other resources whose objects its requests name, its parent among them: set-up plants those before.
    pub needs: Vec<ResourceIx>,
    /// How many resources come before it in that order.
    pub depth: usize,
    /// `ids`
    pub ids: IdSource,
    /// `id`: where the answer to a create, and an item, name the id. Default `$.id`.
    pub id: JsonPath,
    /// `id_header`: a header of the answer to a create that has it instead.
    pub id_header: Option<String>,
    /// `page`
    pub page: Paging,
    /// Where its objects come from.
    pub supply: Supply,
    /// `singleton`: each tenant has exactly one, which no request names: settings, an account.
    pub is_singleton: bool,
    /// `disposable`: whether objects that exist already may be changed.
    pub is_disposable: bool,
    /// `shows`: by what a tenant's existing object is recognised, where that is not left to the run.
    pub shows: BTreeMap<TenantName, String>,
    /// Line of `[[resource]]`, from 1.
    pub line: usize,
}

impl Resource {
    /// The member of an object that holds its id: the last one of [`Resource::id`].
    pub fn id_member(&self) -> String {
        last_member(&self.id)
    }
}

/// The last member of a path: of `$.data.id` and of `$['data']['id']` it is `id`.
pub(crate) fn last_member(path: &JsonPath) -> String {
    let text = path.to_string();
    let end = text.trim_end_matches(['\'', '"', ']']);
    end.rsplit(['.', '[', '\'', '"']).next().unwrap_or("id").to_owned()
}

/// Where the objects of a resource come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Supply {
    /// `create`: the run makes them.
    Made,
    /// `existing = { … }`: known ones, by tenant. Then nothing is created.
    Known(BTreeMap<TenantName, Vec<ObjectId>>),
    /// `existing = "listed"`: those that a tenant's own list shows. Then nothing is created.
    Listed,
}

impl Supply {
    /// Those that are known of a tenant.
    pub fn known(&self, tenant: &TenantName) -> &[ObjectId] {
        match self {
            Self::Known(known) => known.get(tenant).map_or(&[], Vec::as_slice),
            Self::Made | Self::Listed => &[],
        }
    }
}

/// Who chooses an object's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdSource {
    /// `"server"` (the default): create is `POST collection`.
    Server,
    /// `"client"`: create is `PUT item`, in a namespace that all tenants may share.
    Client,
}

/// `page = { size = "limit=2", next = "$.next" }`: how lists come in pages.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// `size`: query parameter that asks for small pages, so that there is a second one.
    pub size: Option<String>,
    /// How a page leads to the next one.
    pub next: NextPage,
    /// `more`: where a page says whether there is a next one.
    pub more: Option<JsonPath>,
}

/// How a page leads to the next one.
#[derive(Clone, Debug, Default)]
pub enum NextPage {
    /// As is usual: `Link: rel=next`, or a URL in the body that is called `next`.
    #[default]
    Usual,
    /// `next`: a URL or a path.
    Link(JsonPath),
    /// `next_header`: a response header that has it.
    Header(String),
    /// `cursor`: a parameter that has the value which the page names at `next`.
    Cursor {
        /// The parameter.
        parameter: Parameter,
        /// Where its value is.
        at: JsonPath,
    },
    /// `number`: a parameter that counts pages, from 1 unless the request has another.
    Number(Parameter),
    /// `offset`: a parameter that counts objects.
    Offset(Parameter),
}

/// A parameter of a request for a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// Of the query.
    Query(String),
    /// `"body:params.cursor"`: a member of the body.
    Body(Vec<String>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_member_of_a_path_is_read_in_either_spelling() {
        for path in ["$.id", "$.data.id", "$['data']['id']", "$.data[\"id\"]"] {
            assert_eq!(last_member(&JsonPath::parse(path).unwrap()), "id", "{path}");
        }
    }
}
