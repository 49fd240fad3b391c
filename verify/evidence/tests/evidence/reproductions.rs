//! Findings as commands.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;
use watertight_engine::call::Forgery;
use watertight_engine::log::{Exchange, Header, Lookup, Sender, Written};
use watertight_evidence::reproduce::{Reproducer, obtain_token};
use watertight_spec::{Spec, parse};

use crate::told::{PLACEHOLDER, exchange, record, spec};

/// The command of an exchange in a log whose variables are those of [`record`].
fn command(spec: &Spec, exchange: &Exchange) -> String {
    let folder = tempfile::tempdir().unwrap();
    let header = Header::new(spec, 1, serde_json::Value::Null);
    record(folder.path(), &header, &[]);
    Reproducer::new(spec, &mut Lookup::open(folder.path()).unwrap()).command(exchange)
}

/// A spec of north and south, whose principals prove themselves like this.
fn proving(how: &str) -> Spec {
    let principal = |own: &str| how.replace("$SECRET", &format!("${own}_SECRET")).replace("@ID@", own);
    let text = format!(
        "[target]\nname = \"t\"\nurl = \"http://127.0.0.1:8080\"\n[tenancy]\nlocator = \"token\"\n\
         [[tenant]]\nid = \"north\"\n[[tenant.principal]]\nname = \"service\"\n{}\n\
         [[tenant]]\nid = \"south\"\n[[tenant.principal]]\nname = \"service\"\n{}\n\
         [[resource]]\nname = \"case\"\npath = \"/cases\"\ncreate = {{ title = \"{{canary}}\" }}\n",
        principal("N"),
        principal("S")
    );
    let env: BTreeMap<String, String> = [("N_SECRET", "hush-n"), ("S_SECRET", "hush-s"), ("USER_NAME", "it's me")]
        .map(|(k, v)| (k.into(), v.into()))
        .into();
    let today = time::Date::from_calendar_date(2026, time::Month::June, 15).unwrap();
    parse(Path::new("watertight.toml"), &text, &env, today).unwrap_or_else(|problems| panic!("{problems}"))
}

fn token_command(spec: &Spec) -> Option<String> {
    obtain_token(spec, &spec.tenants[0].principals[0])
}

#[test]
fn a_token_is_taken_from_its_variable() {
    let command = command(&spec(), &exchange(""));
    assert_eq!(
        command,
        "curl -i --path-as-is -H \"Authorization: Bearer $NORTH_TOKEN\" http://127.0.0.1:8080/tenants/south/cases/case-1"
    );
}

#[test]
fn a_forged_token_is_made_by_a_command_of_what_the_sender_says_not_of_what_the_header_says() {
    let mut forged = exchange("");
    let who = json!({ "tenant": 0, "principal": 0 });
    let sender = |forgery: Forgery| -> Sender {
        let forged = json!({ "who": who, "forgery": forgery, "claims": [["tenant_id", "so'uth"]] });
        serde_json::from_value(json!({ "forged": { "forged": forged, "token": 0 } })).unwrap()
    };
    forged.request.headers = vec![("authorization".into(), "Bearer [forged: whatever]".into())];
    forged.sender = sender(Forgery::NoneAlgorithm { spelling: "nOnE".into() });
    let made = command(&spec(), &forged);
    assert!(made.contains("h[\"alg\"]=\"nOnE\";") && made.contains("\"$NORTH_TOKEN\""), "{made}");
    assert!(made.contains(r#"'{"tenant_id":"so'\''uth"}'"#), "{made}");
    assert!(!made.contains("whatever"), "{made}");
    // One that takes a key can't be made by a line of shell.
    forged.sender = sender(Forgery::UnknownKid);
    assert!(command(&spec(), &forged).contains("Bearer $NORTH_TOKEN_FORGED"));
}

#[test]
fn what_the_log_shows_in_place_of_a_secret_becomes_its_variable() {
    let mut asked = exchange("");
    asked.sender =
        serde_json::from_value(json!({ "principal": { "who": { "tenant": 1, "principal": 0 }, "token": null } }))
            .unwrap();
    asked.request.method = "POST".into();
    // South's client with north's secret.
    asked.request.headers = vec![("authorization".into(), format!("Basic s:{PLACEHOLDER}"))];
    asked.request.body = Some("grant_type=client_credentials&scope=a+b".into());
    let basic = command(&spec(), &asked);
    assert!(
        basic.contains(" -X POST -u s:\"$N_SECRET\" --data-binary 'grant_type=client_credentials&scope=a+b' "),
        "{basic}"
    );
    asked.request.headers = vec![];
    asked.request.body = Some(format!("client_id=s&client_secret={PLACEHOLDER}&x=y"));
    let post = command(&spec(), &asked);
    assert!(post.contains("--data-binary 'client_id=s&client_secret='\"$N_SECRET\"'&x=y'"), "{post}");
}

#[test]
fn bytes_that_no_word_of_a_shell_can_hold_are_printed_into_the_command() {
    let mut asked = exchange("");
    asked.request.method = "POST".into();
    asked.request.body = Some("\\0211PNG\r\n\\0032\n\\\\ it's".into());
    asked.request.written = Written::Escaped;
    let made = command(&spec(), &asked);
    assert!(made.starts_with("printf %b '\\0211PNG\r\n\\0032\n\\\\ it'\\''s' | curl -i "), "{made}");
    assert!(made.contains(" --data-binary @- "), "{made}");
    let (printing, _) = made.split_once(" | ").unwrap();
    let printed = std::process::Command::new("sh").args(["-c", printing]).output().unwrap();
    assert_eq!(printed.stdout, b"\x89PNG\r\n\x1a\n\\ it's");
}

#[test]
fn keys_and_passwords_are_taken_from_their_variables() {
    let key = proving("grant = \"header\"\nheader = \"X-Api-Key\"\nvalue = \"$SECRET\"");
    let mut asked = exchange("");
    asked.request.headers = vec![("x-api-key".into(), PLACEHOLDER.into()), ("x-tenant-id".into(), "south".into())];
    assert!(
        command(&key, &asked).contains("-H \"X-Api-Key: $N_SECRET\" -H 'x-tenant-id: south'"),
        "{}",
        command(&key, &asked)
    );
    assert_eq!(token_command(&key), None);

    let basic = proving("grant = \"basic\"\nusername = \"$USER_NAME\"\npassword = \"$SECRET\"");
    asked.request.headers = vec![("authorization".into(), format!("Basic {PLACEHOLDER}"))];
    assert!(command(&basic, &asked).contains("-u 'it'\\''s me':\"$N_SECRET\""), "{}", command(&basic, &asked));
    // A user name whose variable is a secret elsewhere in the file is not shown.
    let hidden = proving("grant = \"basic\"\nusername = \"$N_SECRET\"\npassword = \"$SECRET\"");
    assert!(command(&hidden, &asked).contains("-u \"$N_SECRET\":\"$N_SECRET\""), "{}", command(&hidden, &asked));
}

#[test]
fn a_certificate_is_taken_from_its_variables_with_requests_and_for_tokens() {
    let certificate = "certificate = \"-----BEGIN CERTIFICATE-----\"\ncertificate_key = \"$SECRET\"";
    let shown = "--cert <(printf %s '-----BEGIN CERTIFICATE-----') --key <(printf %s \"$N_SECRET\")";
    let spec = proving(&format!("grant = \"certificate\"\n{certificate}"));
    let told = command(&spec, &exchange(""));
    assert!(told.contains(shown) && !told.contains("hush"), "{told}");
    let client = "grant = \"client_credentials\"\ntoken_url = \"https://127.0.0.1:8081/token\"\nclient_id = \"@ID@\"\n\
                  client_auth = \"tls\"";
    let told = token_command(&proving(&format!("{client}\n{certificate}"))).unwrap();
    assert!(told.contains(shown) && told.contains("--data-urlencode client_id=N"), "{told}");
}

#[test]
fn tokens_are_obtained_as_the_spec_says() {
    let client = "grant = \"client_credentials\"\ntoken_url = \"http://127.0.0.1:8081/token\"\nclient_id = \"@ID@\"\n\
                  client_secret = \"$SECRET\"\nscope = \"a b\"";
    let print = "python3 -c 'import json,sys;print(json.load(sys.stdin)[\"access_token\"])')";
    assert_eq!(
        token_command(&proving(client)).unwrap(),
        format!(
            "NORTH_TOKEN=$(curl -s -u N:\"$N_SECRET\" -d grant_type=client_credentials --data-urlencode scope='a b' \
             http://127.0.0.1:8081/token | {print}"
        )
    );
    let post = token_command(&proving(&format!("{client}\nclient_auth = \"post\""))).unwrap();
    let sent =
        "-d grant_type=client_credentials --data-urlencode client_id=N --data-urlencode client_secret=\"$N_SECRET\" ";
    assert!(post.contains(sent), "{post}");

    let user = "grant = \"password\"\ntoken_url = \"http://127.0.0.1:8081/token\"\nusername = \"@ID@\"\n\
                password = \"$SECRET\"\nparams = { audience = \"case api\" }";
    let granted = token_command(&proving(user)).unwrap();
    let sent = "curl -s -d grant_type=password --data-urlencode username=N --data-urlencode password=\"$N_SECRET\" \
                --data-urlencode audience='case api' http://";
    assert!(granted.contains(sent), "{granted}");
    let signed = "client_auth = \"private_key_jwt\"\nprivate_key = \"$SECRET\"";
    let signed = client.replace("client_secret = \"$SECRET\"", signed);
    assert_eq!(token_command(&proving(&signed)), None, "no line of shell signs");

    let login = |fields: &str, token: &str| {
        proving(&format!(
            "grant = \"login\"\nrequest = \"POST http://127.0.0.1:8081/login\"\n{fields}\ntoken = \"{token}\""
        ))
    };
    let form = token_command(&login("form = { user = \"@ID@\", password = \"$SECRET\" }", "$.data.token")).unwrap();
    assert!(form.contains("--data-urlencode password=\"$N_SECRET\" --data-urlencode user=N "), "{form}");
    assert!(form.contains("print(json.load(sys.stdin)[\"data\"][\"token\"])"), "{form}");
    assert_eq!(token_command(&login("form = { user = \"@ID@\", password = \"$SECRET\" }", "$..token")), None);
}

#[test]
fn a_secret_that_json_must_escape_is_sent_as_it_is() {
    let spec = proving(
        "grant = \"login\"\nrequest = \"POST http://127.0.0.1:8081/login\"\njson = { user = \"it's\", password = \"$SECRET\" }\n\
         token = \"$.token\"",
    );
    let command = token_command(&spec).unwrap();
    let data = command.split_once("--data-binary ").unwrap().1.split_once(" http://").unwrap().0;
    let script = format!("N_SECRET='a\"b\\c'; printf '%s' {data}");
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(sent, json!({ "user": "it's", "password": "a\"b\\c" }), "{script}");
}

#[test]
fn a_log_in_with_a_one_time_code_makes_it_from_its_seed() {
    let how = "grant = \"login\"\nrequest = \"POST http://127.0.0.1:8081/login\"\ntoken = \"$.token\"\n\
               totp = \"$SECRET\"\ntotp_digits = 8\nform = { user = \"it's {{me}}\", otp = \"{totp}\" }";
    let command = token_command(&proving(how)).unwrap();
    assert!(command.contains("--data-urlencode user='it'\\''s {me}'"), "{command}");
    let code = command.split_once("--data-urlencode otp=").unwrap().1.split_once(" --data-urlencode").unwrap().0;
    // RFC 6238, appendix B, at 59 seconds.
    let script = format!("N_SECRET='gezd gnbv gy3t qojq gezd gnbv gy3t qojq'; printf '%s' {code}");
    let script = script.replace("time.time()", "59");
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "94287082", "{script}");
}

#[test]
fn what_a_command_prints_is_printed_again() {
    let plain = proving("grant = \"command\"\ncommand = [\"./print-token.sh\", \"it's @ID@\"]");
    assert_eq!(token_command(&plain).unwrap(), "NORTH_TOKEN=$(./print-token.sh 'it'\\''s N')");
    let within = "grant = \"command\"\ncommand = [\"tool\"]\ntoken = \"$.a.token\"\nheader = \"X-Session\"";
    let within = proving(within);
    let print = "python3 -c 'import json,sys;print(json.load(sys.stdin)[\"a\"][\"token\"])'";
    assert_eq!(token_command(&within).unwrap(), format!("NORTH_TOKEN=$(tool | {print})"));
    let mut asked = exchange("");
    asked.request.headers = vec![("X-Session".into(), PLACEHOLDER.into())];
    assert!(command(&within, &asked).contains("-H \"X-Session: $NORTH_TOKEN\""), "{}", command(&within, &asked));
}

#[test]
fn cookies_are_their_variables_and_those_of_a_file_are_read_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let host = "127.0.0.1";
    let jar = format!("#HttpOnly_{host}\tFALSE\t/\tFALSE\t0\ta\tstored-1\nother.example\tTRUE\t/\tFALSE\t0\tb\tx\n");
    let state = format!(
        r#"{{"cookies":[{{"name":"a","value":"stored-1","domain":"{host}","path":"/"}},{{"name":"b","value":"x","domain":"other.example"}}]}}"#
    );
    let mut asked = exchange("");
    for (file, held) in [("jar.txt", jar), ("it's.json", state)] {
        // Each tenant has one of its own.
        for tenant in ["N", "S"] {
            std::fs::write(folder.path().join(format!("{tenant}-{file}")), &held).unwrap();
        }
        let path = folder.path().join(format!("@ID@-{file}"));
        let spec =
            proving(&format!("grant = \"cookies\"\ncookies = {{ s = \"$SECRET\" }}\nstorage = \"{}\"", path.display()));
        let script = format!("{}; printf '%s' \"$NORTH_TOKEN\"", token_command(&spec).unwrap());
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "a=stored-1", "{script}");
    }
    let plain = proving("grant = \"cookies\"\ncookies = { s = \"$SECRET\" }");
    assert_eq!(token_command(&plain), None);
    asked.request.headers = vec![("cookie".into(), format!("s={PLACEHOLDER}"))];
    assert!(command(&plain, &asked).contains("-H 'cookie: s='\"$N_SECRET\""), "{}", command(&plain, &asked));
}

#[test]
fn what_a_session_puts_into_forms_is_its_variable() {
    let spec = proving(
        "grant = \"session\"\nform = { csrf = \"{csrf}\" }\nsteps = [{ request = \"GET /form\", take = { csrf = \"field:csrf\" } }]",
    );
    let mut asked = exchange("");
    asked.request.method = "POST".into();
    asked.request.body = Some("title=x&csrf=taken-1".into());
    let made = command(&spec, &asked);
    assert!(made.contains("--data-binary 'title=x&csrf='\"$NORTH_CSRF\""), "{made}");
    asked.request.body =
        Some("--b\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\ntaken-1\r\n--b--\r\n".into());
    let made = command(&spec, &asked);
    assert!(made.contains("\"$NORTH_CSRF\"") && !made.contains("taken-1"), "{made}");
}
