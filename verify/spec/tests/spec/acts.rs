//! Persons, staff and acts: read for every tenant that they concern, and every mistake in them.

use std::time::Duration;

use watertight_spec::*;

use crate::examples::{read, sound};

const LIVES: &str = r#"
[target]
name = "notes"
url = "http://127.0.0.1:8080/base"
[tenancy]
locator = "token"

[[tenant]]
id = "north"
[[tenant.principal]]
name = "owner"
grant = "header"
header = "X-Key"
value = "$NORTH_CLIENT_SECRET"
[[tenant.principal]]
name = "member"
use = "acts"
grant = "session"
headers = { Authorization = "Bearer {token}" }
steps = [
  { as = "owner", request = "POST /members?of={tenant}", json = { mail = "{unique}@{tenant}.example.com" }, take = { id = "$.id" } },
  { request = "POST /login", json = { mail = "{unique}@{tenant}.example.com" }, take = { token = "$.token" } },
]
[[tenant]]
id = "south"
[[tenant.principal]]
name = "owner"
grant = "header"
header = "X-Key"
value = "$SOUTH_CLIENT_SECRET"

[[person]]
name = "ann"
tenants = ["south", "north"]
grant = "login"
request = "POST /login"
json = { user = "ann", password = "$EVERYWHERE", in = "{tenant}" }
token = "$.token"

[[staff]]
name = "operator"
grant = "header"
header = "X-Operator"
value = "$OPERATOR"

[[resource]]
name = "note"
path = "/notes"
create = { title = "{canary}" }

[[act]]
name = "remove"
kind = "remove-member"
of = "member"
by = "owner"
request = "DELETE /members/{id}?tenant={tenant}"
take = { undo = "$.undo" }
undo = { as = "operator", request = "POST /undo/{undo}" }
within = "300ms"
[[act]]
name = "suspend"
kind = "suspend"
of = "all"
by = "operator"
request = "POST /tenants/{tenant}/suspend"
undo = "POST /tenants/{tenant}/resume"
[[act]]
name = "go-over"
kind = "switch"
of = "ann"
request = "POST /switch"
json = { to = "{to}" }
"#;

fn who(spec: &Spec, tenant: usize, name: &str) -> Who {
    let tenant = spec.tenant_ixs().nth(tenant).unwrap();
    spec.principals(tenant).find(|(_, principal)| principal.name == name).unwrap().0
}

fn target(request: &LoginStep) -> String {
    let part = |part: &WrittenPart| match part {
        WrittenPart::Text(text) => text.clone(),
        WrittenPart::Taken(name) => format!("<{name}>"),
    };
    request.target.parts().iter().map(part).collect()
}

#[test]
fn a_person_is_in_each_of_its_tenants_and_enters_it_by_its_log_in_and_staff_is_in_all() {
    let spec = sound(LIVES);
    let names = |tenant: usize| -> Vec<&str> {
        spec.tenants[tenant].principals.iter().map(|principal| principal.name.as_str()).collect()
    };
    assert_eq!((names(0), names(1)), (vec!["owner", "member", "ann", "operator"], vec!["owner", "ann", "operator"]));
    let (north, south) = (spec.tenant_ixs().next().unwrap(), spec.tenant_ixs().nth(1).unwrap());
    let in_north = who(&spec, 0, "ann");
    assert_eq!(spec.also_member(in_north, south), Some(Enters::AtLogIn));
    assert_eq!(spec.also_member(in_north, north), None);
    assert_eq!(spec.also_member(who(&spec, 0, "operator"), south), None);
    let Credential::Login { fields, .. } = &spec[in_north].credential else { panic!("no login") };
    assert!(matches!(&fields["in"], LoginValue::Plain(text) if text == "north"));
    // Who attacks, and who calls.
    let further: Vec<_> = spec.further_attackers(north).map(|who| spec.name_of(who)).collect();
    assert_eq!(further, ["north/ann"]);
    assert_eq!(spec.caller(north), Some(who(&spec, 0, "owner")));
}

#[test]
fn an_act_is_done_in_every_tenant_that_has_those_whom_it_names() {
    let spec = sound(LIVES);
    let told: Vec<_> = spec
        .acts
        .iter()
        .map(|act| {
            let of: Vec<_> = act.of.iter().map(|who| spec.name_of(*who)).collect();
            let undo = act.undo.as_ref().map(target).unwrap_or_default();
            format!(
                "{} of {} by {}: {} {} | {undo}",
                act.name,
                of.join(", "),
                spec.name_of(act.by),
                act.request.method,
                target(&act.request)
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    remove of north/member by north/owner: DELETE /base/members/<id>?tenant=north | /base/undo/<undo>
    suspend of north/owner, north/member, north/ann by north/operator: POST /base/tenants/north/suspend | /base/tenants/north/resume
    suspend of south/owner, south/ann by south/operator: POST /base/tenants/south/suspend | /base/tenants/south/resume
    go-over of north/ann by north/ann: POST /base/switch | 
    go-over of south/ann by south/ann: POST /base/switch | 
    ");
    assert_eq!(spec.acts[0].within, Duration::from_millis(300));
    assert_eq!(spec.acts[0].undo.as_ref().unwrap().by, Some(who(&spec, 0, "operator").principal));
    let Some((_, members)) = &spec.acts[3].request.body else { panic!("no body") };
    assert!(matches!(&members[0].1, LoginValue::Written(to) if to.parts() == [WrittenPart::Text("south".to_owned())]));
}

fn said(from: &str, to: &str) -> String {
    assert!(LIVES.contains(from), "nothing to edit: {from}");
    let Err(problems) = read(&LIVES.replacen(from, to, 1)) else { panic!("no mistake was seen after {to}") };
    let lines: Vec<_> = problems.iter().map(|p| format!("`{}` {} → {}", p.text, p.message, p.help)).collect();
    lines.join("\n")
}

#[test]
fn a_certificate_goes_with_any_grant_and_is_whole() {
    let key = "value = \"$NORTH_CLIENT_SECRET\"";
    let with = |lines: &str| LIVES.replacen(key, &format!("{key}\n{lines}"), 1);
    let pem = "certificate = \"-----BEGIN CERTIFICATE-----\"\ncertificate_key = \"$OPERATOR_KEY\"";
    let spec = sound(&with(pem));
    assert!(spec[who(&spec, 0, "owner")].certificate.is_some() && spec[who(&spec, 1, "owner")].certificate.is_none());
    let told = [
        "certificate = \"-----BEGIN CERTIFICATE-----\"",
        "certificate = \"x\"\ncertificate_key = \"$OPERATOR_KEY\"",
        "certificate_key = \"hush\"",
    ];
    let told: Vec<String> = told.map(|lines| said(key, &format!("{key}\n{lines}"))).into();
    insta::assert_snapshot!(told.join("\n\n"), @r#"
    `[[tenant.principal]]` [[tenant.principal]] has no `certificate_key` → add `certificate_key = "$NORTH_CERTIFICATE_KEY"`

    `"*"` this is no certificate → the certificate in PEM, as in `-----BEGIN CERTIFICATE-----`; or `$NAME` of a variable that holds it

    `[[tenant.principal]]` [[tenant.principal]] has no `certificate` → add `certificate = "$NORTH_CERTIFICATE"`
    `"****"` `certificate_key` must be a variable: a secret is never written in a spec → write `certificate_key = "$NAME"` and set the variable, or name a file in `env_file`
    "#);
}

#[test]
fn mistakes() {
    let told: Vec<String> = [
        ("as = \"owner\"", "as = \"onwer\""),
        ("as = \"owner\"", "as = \"member\""),
        ("tenants = [\"south\", \"north\"]", "tenants = [\"south\", \"south\"]"),
        ("tenants = [\"south\", \"north\"]", "tenants = \"south\""),
        ("password = \"$EVERYWHERE\"", "password = \"hush\""),
        ("kind = \"suspend\"", "kind = \"suspended\""),
        ("of = \"all\"", "of = \"owners\""),
        ("of = \"all\"", "of = []"),
        ("undo = \"POST /tenants/{tenant}/resume\"", ""),
        ("{ to = \"{to}\" }", "{ to = \"{id}\" }"),
        ("of = \"ann\"", "of = \"owner\""),
        ("DELETE /members/{id}", "DELETE http://{id}.example.com/members"),
        ("kind = \"switch\"\nof = \"ann\"", "kind = \"support\"\nof = \"operator\"\nnmae = \"x\""),
        ("within = \"300ms\"", "within = \"1h\""),
        ("name = \"suspend\"", "name = \"remove\""),
    ]
    .map(|(from, to)| said(from, to))
    .into();
    insta::assert_snapshot!(told.join("\n\n"), @r#"
    `"onwer"` `onwer` is no principal of this tenant → did you mean `owner`?

    `"member"` this principal is not there before its own log-in → name one that may make accounts, or leave `as` out

    `["south", "south"]` a person is a member of two tenants at least → someone who is in one tenant alone is a [[tenant.principal]]

    `"south"` `tenants` must be a list, not a string → for example ["agency-north", "agency-south"]
    `"ann"` no tenant has a principal `ann` → one of: member, operator, owner

    `"****"` `password` must be a variable: a secret is never written in a spec → write `password = "$NAME"` and set the variable, or name a file in `env_file`

    `"suspended"` `suspended` is not known here → did you mean `suspend`?

    `"owners"` no tenant has a principal `owners` → did you mean `owner`?

    `[]` nobody is named → for example "leaver"

    `[[act]]` nothing gives `owner` its access back, which other checks and the clean-up need → add `undo`, or let it be there for acts alone: use = "acts"

    `"{id}"` no earlier step has taken `{id}` → an earlier step must take it: take = { csrf = "field:csrf" }

    `"owner"` only a person can go over to another tenant → name a [[person]], who is a member of several tenants

    `"DELETE http://{id}.example.com/members?tenant={tenant}"` `{id}` can't stand there → a name may stand in the path and the query of a request, not in its host

    `[[act]]` someone is let in, and nothing ends that → add `undo`, the request that ends it: that is when access must end
    `nmae` unknown key `nmae` in [[act]] → did you mean `name`?

    `"1h"` `1h` is no duration that fits here → a number and a unit, from 100ms to 10m: "200ms", "10s", "1h"

    `"remove"` two acts have the name `remove` → give each its own
    "#);
}
