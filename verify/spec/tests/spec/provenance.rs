//! A variable that is a secret anywhere is one everywhere.

use std::collections::BTreeMap;
use std::path::Path;

use watertight_spec::*;

use crate::examples::{FULL, env, sound, today};
use crate::mistakes::{SMALL, each, edited};

const SECRET: &str = "\"$NORTH_CLIENT_SECRET\"";

/// `SMALL`, with the first tenant's credential replaced by a user name and a password.
fn basic(username: &str) -> String {
    let credential = "grant = \"client_credentials\"\ntoken_url = \"http://127.0.0.1:8081/token\"\nclient_id = \"$NORTH_CLIENT_ID\"\nclient_secret = \"$NORTH_CLIENT_SECRET\"";
    edited(&[(credential, &format!("grant = \"basic\"\nusername = \"{username}\"\npassword = {SECRET}"))])
}

/// A login of the first tenant, that sends a variable by a name that is no secret's.
fn with_login(user: &str) -> String {
    let login = format!(
        "[[tenant.principal]]\nname = \"desk\"\ngrant = \"login\"\nrequest = \"POST /login\"\nform = {{ user = \"{user}\" }}\ntoken = \"$.token\"\n[[tenant]]\nid = \"south\""
    );
    edited(&[("[[tenant]]\nid = \"south\"", &login)])
}

fn setting(spec: &Spec, tenant: usize) -> &Setting {
    match &spec.tenants[tenant].principals[0].credential {
        Credential::Endpoint(endpoint) => &endpoint.client.as_ref().unwrap().id,
        Credential::Basic { username, .. } => username,
        other => panic!("{other:?} has no setting"),
    }
}

/// As a bundle records them: with another text for each secret.
fn recorded(spec: &Spec) -> BTreeMap<String, String> {
    let text = |variable: &Variable| match variable {
        Variable::Plain(text) => text.clone(),
        Variable::Secret(_) => "[redacted:00]".to_owned(),
    };
    spec.variables.iter().map(|(name, variable)| (name.clone(), text(variable))).collect()
}

#[test]
fn a_secret_cannot_be_shown_before_or_after_it() {
    let shown = each(&[
        ("\"casework\"", SECRET),
        ("\"http://127.0.0.1:8080\"", SECRET),
        ("locator = \"path\"", "locator = \"path\"\nfields = [\"a\", \"$SOUTH_CLIENT_SECRET\"]"),
        ("id = \"north\"", "id = \"$NORTH_CLIENT_SECRET\"\nurl = \"$SOUTH_CLIENT_SECRET\""),
        ("id = \"south\"", "id = \"$NORTH_CLIENT_SECRET\""),
        ("name = \"service\"", "name = \"$NORTH_CLIENT_SECRET\"\nnames = \"$SOUTH_CLIENT_SECRET\""),
        ("\"http://127.0.0.1:8081/token\"", SECRET),
        ("client_id =", "scope = \"$NORTH_CLIENT_SECRET\"\nclient_id ="),
        ("create = {", "existing = { north = \"$NORTH_CLIENT_SECRET\", \"$SOUTH_CLIENT_SECRET\" = \"1\" }\ncreate = {"),
        (
            "[[resource]]",
            "[tokens]\nkind = \"jwt\"\nissuers = [\"$NORTH_CLIENT_SECRET\"]\naudiences = [\"$NORTH_CLIENT_SECRET\"]\ntenant_claim = \"$NORTH_CLIENT_SECRET\"\nforbidden_scope = \"$NORTH_CLIENT_SECRET\"\nelsewhere = { a = \"$NORTH_CLIENT_SECRET\" }\n[[resource]]",
        ),
    ]);
    assert!(!shown.contains("hush"), "{shown}");
    insta::assert_snapshot!(shown, @r#"
    3: `"$NORTH_CLIENT_SECRET"` `$NORTH_CLIENT_SECRET` is a secret in line 16, so it cannot be shown here → give the value a variable of its own

    4: `"$NORTH_CLIENT_SECRET"` `$NORTH_CLIENT_SECRET` is a secret in line 16, so it cannot be shown here → give the value a variable of its own

    8: `"$SOUTH_CLIENT_SECRET"` `$SOUTH_CLIENT_SECRET` is a secret in line 26, so it cannot be shown here → give the value a variable of its own

    10: `"$NORTH_CLIENT_SECRET"` `$NORTH_CLIENT_SECRET` is a secret in line 17, so it cannot be shown here → give the value a variable of its own
    11: `"$SOUTH_CLIENT_SECRET"` `$SOUTH_CLIENT_SECRET` is a secret in line 26, so it cannot be shown here → give the value a variable of its own

    19: `"$NORTH_CLIENT_SECRET"` `$NORTH_CLIENT_SECRET` is a secret in line 16, so it cannot be shown here → give the value a variable of its own

    12: `"$NORTH_CLIENT_SECRET"` `$NORTH_CLIENT_SECRET` is a secret in line 17, so it cannot be shown here → give the value a variable of its own
    13: `"$SOUTH_CLIENT_SECRET"` `$SOUTH_CLIENT_SECRET` is a secret in line 26, so it cannot be shown here → give the value a variable of its own

    14: `"$NORTH_CLIENT_SECRET"` `$NORTH_CLIENT_SECRET` is a secret in line 16, so it cannot be shown here → give the value a variable of its own

    15: `"$NORTH_CLIENT_SECRET"` `$NORTH_CLIENT_SECRET` is a secret in line 17, so it cannot be shown here → give the value a variable of its own

    30: `"$NORTH_CLIENT_SECRET"` `$NORTH_CLIENT_SECRET` is a secret in line 16, so it cannot be shown here → give the value a variable of its own
    30: `"$SOUTH_CLIENT_SECRET"` `$SOUTH_CLIENT_SECRET` is a secret in line 25, so it cannot be shown here → give the value a variable of its own

    29: `"$NORTH_CLIENT_SECRET"` `$NORTH_CLIENT_SECRET` is a secret in line 16, so it cannot be shown here → give the value a variable of its own
    30: `"$NORTH_CLIENT_SECRET"` `$NORTH_CLIENT_SECRET` is a secret in line 16, so it cannot be shown here → give the value a variable of its own
    31: `"$NORTH_CLIENT_SECRET"` `$NORTH_CLIENT_SECRET` is a secret in line 16, so it cannot be shown here → give the value a variable of its own
    32: `"$NORTH_CLIENT_SECRET"` `$NORTH_CLIENT_SECRET` is a secret in line 16, so it cannot be shown here → give the value a variable of its own
    33: `"$NORTH_CLIENT_SECRET"` `$NORTH_CLIENT_SECRET` is a secret in line 16, so it cannot be shown here → give the value a variable of its own
    "#);
}

#[test]
fn a_login_sends_variables_as_secrets_whatever_their_names() {
    let spec = sound(&with_login("$NORTH"));
    let Credential::Login { fields, .. } = &spec.tenants[0].principals[1].credential else { panic!("no login") };
    assert!(matches!(&fields["user"], LoginValue::Secret(_)));
    assert!(matches!(&spec.variables["NORTH"], Variable::Secret(_)));

    let text = with_login("$NORTH").replacen("id = \"north\"", "id = \"$NORTH\"", 1);
    let problems = crate::examples::read(&text).unwrap_err();
    assert_eq!(problems.count(), 1);
    let problem = problems.iter().next().unwrap();
    assert_eq!(problem.message, "`$NORTH` is a secret in line 22, so it cannot be shown here");
    assert!(!problems.to_string().contains("agency-north"), "{problems}");
}

#[test]
fn a_variable_with_the_value_of_a_secret_is_not_shown_under_another_name() {
    let id = SMALL.replacen("id = \"north\"", "id = \"north\"\nvalues = { code = \"$CODE\" }", 1);
    let both = id.replacen("id = \"south\"", "id = \"south\"\nvalues = { code = \"other\" }", 1);
    let read = |code: &str| {
        let mut env = crate::examples::env();
        env.insert("CODE".to_owned(), code.to_owned());
        env.insert("NORTH_CLIENT_SECRET".to_owned(), "hush-of-north".to_owned());
        watertight_spec::parse(std::path::Path::new("watertight.toml"), &both, &env, crate::examples::today())
    };
    assert!(read("something else").is_ok());
    let problems = read("hush-of-north").unwrap_err();
    let problem = problems.iter().next().unwrap();
    assert_eq!(problem.message, "`$CODE` has the value of the secret `$NORTH_CLIENT_SECRET`, and would be shown");
    assert!(!problems.to_string().contains("hush"), "{problems}");
}

#[test]
fn a_variable_that_is_unset_is_told_where_it_is_a_secret() {
    let text = edited(&[("\"casework\"", "\"$UNSET\""), (SECRET, "\"$UNSET\"")]);
    let problems = crate::examples::read(&text).unwrap_err();
    let told: Vec<_> = problems.iter().map(|problem| (problem.line, problem.message.as_str())).collect();
    assert_eq!(
        told,
        [(3, "`$UNSET` is a secret in line 16, so it cannot be shown here"), (16, "the variable `UNSET` is not set")]
    );
}

#[test]
fn a_client_or_user_name_may_be_a_secret_elsewhere() {
    let spec = sound(FULL);
    assert_eq!((setting(&spec, 0).text(), setting(&spec, 0).is_secret(&spec)), ("client-n", false));

    let spec = sound(&with_login("$NORTH_CLIENT_ID"));
    assert_eq!((setting(&spec, 0).text(), setting(&spec, 0).is_secret(&spec)), ("client-n", true));
    assert!(!setting(&spec, 1).is_secret(&spec));

    let spec = sound(&basic("$NORTH_CLIENT_SECRET"));
    assert_eq!((setting(&spec, 0).text(), setting(&spec, 0).is_secret(&spec)), ("hush-n", true));
    assert!(!format!("{spec:?}").contains("hush"));

    let spec = sound(&basic("north"));
    assert_eq!((setting(&spec, 0).text(), setting(&spec, 0).is_secret(&spec)), ("north", false));
}

#[test]
fn a_recorded_environment_parses_again_with_secrets_that_are_settings() {
    for text in [basic("$NORTH_CLIENT_SECRET"), with_login("$NORTH_CLIENT_ID")] {
        let again = parse(Path::new("x"), &text, &recorded(&sound(&text)), today()).unwrap();
        assert_eq!(setting(&again, 0).text(), "[redacted:00]");
        assert!(setting(&again, 0).is_secret(&again));
    }
}

#[test]
fn a_shared_client_that_is_a_secret_is_named_by_its_variable() {
    let text = with_login("$NORTH_CLIENT_ID").replace("$SOUTH_CLIENT_ID", "$NORTH_CLIENT_ID");
    let problems = parse(Path::new("x"), &text, &env(), today()).unwrap_err();
    let said: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(said, ["another tenant has the client `$NORTH_CLIENT_ID` too"]);
    assert!(crate::examples::read(SMALL).is_ok());
}
