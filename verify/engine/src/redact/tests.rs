use super::*;

fn text(redactor: &mut Redactor, text: &str) -> String {
    redactor.text(text, |_| false)
}

#[test]
fn a_secret_is_replaced_by_the_same_placeholder_in_every_encoding() {
    let mut redactor = Redactor::new([7; 32]);
    let secret = "s3cr\"t/ü+value";
    redactor.learn(secret);
    let placeholder = redactor.placeholder(secret);
    let json = serde_json::json!({ "echo": secret }).to_string();
    let base64 = STANDARD.encode(secret);
    let basic = STANDARD.encode(format!("user:{secret}"));
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    for one in [secret.to_owned(), json, base64, form, format!("x{secret}y")] {
        let redacted = text(&mut redactor, &one);
        assert!(redacted.contains(&placeholder), "{one} → {redacted}");
        assert!(!redacted.contains("value"), "{redacted}");
    }
    assert!(text(&mut redactor, &basic).contains(&placeholder));
}

#[test]
fn a_long_secret_is_replaced_whole_and_its_beginning_too() {
    let mut redactor = Redactor::new([7; 32]);
    let secret = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ";
    redactor.learn(secret);
    let placeholder = redactor.placeholder(secret);
    assert_eq!(text(&mut redactor, &format!("<{secret}>")), format!("<{placeholder}>"));
    assert_eq!(text(&mut redactor, &format!("<{}>", &secret[..30])), format!("<{placeholder}>"));
}

#[test]
fn what_looks_like_a_token_is_replaced_though_nobody_named_it() {
    let mut redactor = Redactor::new([7; 32]);
    let redacted = text(&mut redactor, "{\"t\":\"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln\",\"n\":1}");
    assert!(!redacted.contains("eyJ") && redacted.ends_with("\",\"n\":1}"), "{redacted}");
    assert_eq!(text(&mut redactor, "an eyJ alone stays"), "an eyJ alone stays");
    for token in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "ghp_16C7e42F292c6912E7710c838347Ae178B4a"] {
        let redacted = text(&mut redactor, &format!("[\"{token}\"]"));
        assert!(!redacted.contains(token), "{redacted}");
        // And from then on in every encoding.
        assert!(!text(&mut redactor, &STANDARD.encode(token)).contains(&STANDARD.encode(token)[..20]));
    }
    let key = "-----BEGIN EC PRIVATE KEY-----\\nMHcCAQEE\\n-----END EC PRIVATE KEY-----";
    assert!(!text(&mut redactor, &format!("{{\"pem\":\"{key}\"}}")).contains("MHcCAQEE"));
}

#[test]
fn a_member_that_is_named_like_a_secret_is_one_whatever_it_holds() {
    let mut redactor = Redactor::new([7; 32]);
    for (json, secret) in [
        (r#"{"data":{"client_secret" : "hush-1"}}"#, "hush-1"),
        (r#"{"apiKey":"k-42","id":7}"#, "k-42"),
        (r#"{"webhook":{"signingSecret":"a\/b\"c"}}"#, r#"a\/b\"c"#),
        (r#"{"recovery_codes":["1111-2222","3333-4444"]}"#, "3333-4444"),
        (r#"{"key":"Zm9vYmFyMDEyMzQ1Njc4OWFiY2RlZg"}"#, "Zm9vYmFyMDEyMzQ1Njc4OWFiY2RlZg"),
        ("https://files/x?X-Amz-Signature=0a1b2c3d4e5f&a=1", "0a1b2c3d4e5f"),
        (r#"{"cut off":{"password":"p4ssw0rd"#, "p4ssw0rd"),
        // As Go writes a URL in JSON.
        (r#"{"upload":"https://files/x?a=1\u0026sig=SECRET-0123\u0026b=2"}"#, "SECRET-0123"),
        ("https://app/callback#access_token=opaque-0123&b=1", "opaque-0123"),
        ("access_token=opaque-0123&token_type=bearer", "opaque-0123"),
        (r#"{"body":"client_secret=hush-0123"}"#, "hush-0123"),
        // Documents within strings.
        (r#"{"payload":"{\"id\":7,\"api_key\":\"hush-7\"}"}"#, "hush-7"),
        (r#"{"a":"{\"b\":\"{\\\"api_key\\\":\\\"hush-8\\\"}\"}"}"#, "hush-8"),
        (r#"{"token":{"value":"hush-9","kind":"opaque"}}"#, "hush-9"),
        (r#"{"secrets":[{"value":"hush-10"},{"value":"hush-11"}]}"#, "hush-1"),
        (r#"{"tokens":[{"x":1},"hush-12",["hush-13"]]}"#, "hush-1"),
        (r#"{"payload":"{\u0022api_key\u0022:\u0022hush-14\u0022}"}"#, "hush-14"),
        (r#"{"key":"{\"api_key\":\"hush-15\"}"}"#, "hush-15"),
        (r#"{"key":"kqzd-hwrt-mnbp-7f3a-xcvb-lkjh"}"#, "kqzd"),
        (r#"{"key":"7f3a/9c2e51d04b6a8e907f3a9c2e51d0+4b"}"#, "7f3a/"),
        (r#"{"otp": 482913}"#, "482913"),
        ("<login><o:password kind=\"x\">hush-16</o:password></login>", "hush-16"),
        ("<Credentials><SecretAccessKey>\n hush-17&amp;&lt;\n</SecretAccessKey></Credentials>", "hush-17"),
    ] {
        let redacted = text(&mut redactor, json);
        assert!(!redacted.contains(secret), "{redacted}");
    }
}

#[test]
fn what_only_tells_about_a_secret_stays() {
    let mut redactor = Redactor::new([7; 32]);
    for json in [
        r#"{"token_type":"Bearer","expires_in":3600,"token_url":"https://x/y","passwordPolicy":"long"}"#,
        r#"{"key":"PROJ-1","secret":null,"password":"","tokenId":"12","api_key":"********"}"#,
        r#"{"key":"0b9a3e4c-52d1-4f6e-9a77-1c2d3e4f5a6b","tokens":{"used":"many"}}"#,
        r#"{"key":"website-redesign-phase-2-2026"}"#,
        r#"{"key":"Northern Harbour: cranes and lifts, 2026"}"#,
        r#"{"key":"uploads/2026/11/7f3a9c2e51d04b6a8e90.png"}"#,
        r#"{"prompt_tokens":1500,"tokens":1500,"token":null,"otp":12,"value":"plain","x":{"value":"plain"}}"#,
        r#"{"key":{"value":"PROJ-1","key":"42"},"pin":1234.0,"otp":1234e5}"#,
        r#"{"token":{"kind":"opaque","owner":{"value":"plain"}},"note":"{\"a\":\"b\"} \\ \u00e9"}"#,
        "a=b and token = x",
        "<Contents><Key>exports/2026/11/report-0123456789abcdef.csv</Key><token></token></token",
    ] {
        assert_eq!(text(&mut redactor, json), json);
    }
    let marked = r#"{"token":"wtpaaabcdefxxxxxx"}"#;
    assert_eq!(redactor.text(marked, |value| value.starts_with("wtp")), marked);
}

#[test]
fn the_id_of_an_object_stays_unless_it_is_a_secret_that_is_known() {
    let mut redactor = Redactor::new([7; 32]);
    let (id, token) = ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "opaque-0123456789abcdef01234567");
    redactor.learn(token);
    redactor.spare(id);
    redactor.spare(token);
    let shown = text(&mut redactor, &format!(r#"{{"key":"{id}","other":"{token}"}}"#));
    assert!(shown.contains(id) && !shown.contains(token), "{shown}");
    let shown = text(&mut redactor, &format!(r#"{{"api_key":"{id}"}}"#));
    assert!(!shown.contains(id), "{shown}");
}

#[test]
fn what_comes_back_is_sent_as_it_was() {
    let mut redactor = Redactor::new([7; 32]);
    let cursor = "eyJsYXN0IjoxN30.c2ln";
    let page = text(&mut redactor, &format!("{{\"next\":\"/cases?cursor={cursor}\"}}"));
    let link = page.split('"').nth(3).unwrap();
    assert_eq!(redactor.as_it_was(link, Goes::AsWritten), format!("/cases?cursor={cursor}"));
    // Percent-encoded in a link, bare in a member.
    let secret = "a+b/c=d0123456";
    let link = format!("/cases?sig={}", crate::call::encode("a+b/c=d0123456").replace('+', "%2B").replace('=', "%3D"));
    let shown = text(&mut redactor, &format!("{{\"next\":\"{link}\"}}"));
    let shown = shown.split('"').nth(3).unwrap().to_owned();
    assert!(!shown.contains("0123456"), "{shown}");
    assert_eq!(redactor.as_it_was(&shown, Goes::AsWritten), link);
    assert_eq!(redactor.as_it_was(&redactor.placeholder(secret), Goes::Bare), secret);
}

#[test]
fn placeholders_of_two_runs_differ_and_survive_every_encoding() {
    let one = Redactor::new([1; 32]).placeholder("x");
    assert_ne!(one, Redactor::new([2; 32]).placeholder("x"));
    assert_eq!(crate::call::encode(&one), one);
    let form: String = url::form_urlencoded::byte_serialize(one.as_bytes()).collect();
    assert_eq!(form, one);
    assert!(is_placeholder_in(&format!("x{one}y")) && !is_placeholder_in("redacted-nothing-here"));
}

/// Each of these took time and memory that grow with the square of its length: these would never end.
#[test]
fn a_text_that_repeats_what_begins_a_secret_is_looked_through_once() {
    for repeated in ["</", "</token", "</token>", "?token=", "eyJ", "\"token\":\"", "-----BEGIN "] {
        let text = repeated.repeat((1 << 20) / repeated.len());
        let found = super::recognise::secrets_in(&text);
        let bytes: usize = found.iter().map(|one| one.value.len()).sum();
        assert!(bytes <= text.len(), "{repeated}: {bytes} of {}", text.len());
    }
}

#[test]
fn a_token_in_use_is_replaced_however_many_secrets_a_target_hands_out_meanwhile() {
    let mut redactor = Redactor::new([7; 32]);
    redactor.learn("of-the-spec-0001");
    redactor.learn("token-in-use-0001");
    let hand_out = |redactor: &mut Redactor| {
        for number in 0..=REMEMBERED {
            redactor.learn_received(&format!("handed-out-{number:08}"));
        }
    };
    hand_out(&mut redactor);
    assert!(!text(&mut redactor, "<token-in-use-0001 of-the-spec-0001>").contains("0001"));
    redactor.release("token-in-use-0001");
    assert!(!text(&mut redactor, "<token-in-use-0001>").contains("0001"), "it is one of those that were handed out");
    for number in 0..=REMEMBERED {
        redactor.learn_received(&format!("later-{number:08}"));
    }
    assert!(!text(&mut redactor, "<of-the-spec-0001>").contains("0001"));
    assert!(redactor.known.len() <= REMEMBERED + 1, "{}", redactor.known.len());
}

#[test]
fn what_a_target_hands_out_is_remembered_within_a_bound_of_bytes() {
    let mut redactor = Redactor::new([7; 32]);
    for number in 0..40 {
        let long = format!("{number:08}{}", "x".repeat(1 << 20));
        text(&mut redactor, &format!("{{\"password\":\"{long}\"}}"));
    }
    let bytes: usize = redactor.known.values().map(|known| known.plain.len()).sum();
    assert!(bytes <= REMEMBERED_BYTES, "{bytes}");
}

#[test]
fn a_value_that_was_replaced_in_one_place_is_replaced_everywhere_once_it_is_a_token() {
    let mut redactor = Redactor::new([7; 32]);
    assert!(!text(&mut redactor, r#"{"password":"swordfish"}"#).contains("swordfish"));
    redactor.learn("swordfish");
    assert_eq!(text(&mut redactor, "a swordfish"), format!("a {}", redactor.placeholder("swordfish")));
}

#[test]
fn a_secret_that_was_handed_out_before_it_came_into_use_is_not_forgotten_with_those_of_its_time() {
    let mut redactor = Redactor::new([7; 32]);
    redactor.learn_received("handed-out-first-0001");
    redactor.learn("handed-out-first-0001");
    for number in 0..=REMEMBERED {
        redactor.learn_received(&format!("handed-out-{number:08}"));
    }
    assert!(redactor.known.len() <= REMEMBERED, "the older half was forgotten");
    assert!(!text(&mut redactor, "<handed-out-first-0001>").contains("0001"));
}

#[test]
fn two_secrets_that_begin_alike_are_told_apart_and_neither_is_in_clear() {
    let north = "tracker-staging-api-key-of-the-agency-north-0123456789";
    let south = "tracker-staging-api-key-of-the-agency-south-9876543210";
    for learned in [[north, south], [south, north]] {
        for between in ["", "<nothing>"] {
            let mut redactor = Redactor::new([7; 32]);
            redactor.learn(learned[0]);
            // One automaton for both, or one for each.
            text(&mut redactor, between);
            (0..40).for_each(|number| redactor.learn(&format!("other-secret-of-some-kind-{number:04}")));
            text(&mut redactor, between);
            redactor.learn(learned[1]);
            for secret in learned {
                let redacted = text(&mut redactor, &format!("<{secret}>"));
                assert_eq!(redacted, format!("<{}>", redactor.placeholder(secret)), "{learned:?}");
                assert_eq!(redactor.as_it_was(&redacted, Goes::AsWritten), format!("<{secret}>"));
                let encoded = STANDARD.encode(secret);
                assert!(!text(&mut redactor, &encoded).contains(&encoded[24..]), "{secret}");
            }
        }
    }
}

#[test]
fn a_secret_that_is_the_beginning_of_another_is_told_from_it() {
    let short = "a-secret-of-thirty-two-characters";
    let long = format!("{short}-and-more");
    let mut redactor = Redactor::new([7; 32]);
    redactor.learn(&long);
    redactor.learn(short);
    for after in ["!", "~", "", "-and-less"] {
        let redacted = text(&mut redactor, &format!("{short}{after}"));
        assert!(!redacted.contains("two-characters"), "{redacted}");
        if after != "-and-less" {
            assert_eq!(redacted, format!("{}{after}", redactor.placeholder(short)));
        }
    }
    assert_eq!(text(&mut redactor, &long), redactor.placeholder(&long));
}

/// The id of a payment is the beginning of its secret. Taken for a part of that, it was sent as the whole secret.
#[test]
fn an_id_that_a_secret_begins_with_stays_an_id() {
    let mut redactor = Redactor::new([7; 32]);
    let json =
        r#"{"id":"pi_00057f14969caa121e234f2e","client_secret":"pi_00057f14969caa121e234f2e_secret_de1188026c4421ac"}"#;
    let redacted = text(&mut redactor, json);
    assert!(redacted.starts_with(r#"{"id":"pi_00057f14969caa121e234f2e","client_secret":"redacted-"#), "{redacted}");
    assert_eq!(text(&mut redactor, "/payments/pi_00057f14969caa121e234f2e"), "/payments/pi_00057f14969caa121e234f2e");
    let mostly_shown = "0123456789abcdefghijklmnop_qrst";
    redactor.learn(mostly_shown);
    assert!(!text(&mut redactor, &format!("<{}>", &mostly_shown[..26])).contains("ghijklmnop"));
    let cut_off = text(&mut redactor, "pi_00057f14969caa121e234f2e_secret_de11");
    assert!(!cut_off.contains("de11"), "{cut_off}");
}

#[test]
fn a_document_whose_secrets_were_replaced_is_a_document_still() {
    let mut redactor = Redactor::new([7; 32]);
    let json = serde_json::json!({
        "otp": 482_913, "n": 1, "payload": "{\"otp\": 482913,\"api_key\":\"hush-7\",\"ü\":\"\\u00e9\\n\"}",
        "token": { "value": "hush-9", "id": 4 },
    });
    let redacted: serde_json::Value = serde_json::from_str(&text(&mut redactor, &json.to_string())).unwrap();
    assert_eq!((&redacted["n"], &redacted["token"]["id"]), (&1.into(), &4.into()));
    assert!(redacted["otp"].as_str().is_some_and(is_placeholder_in), "{redacted}");
    let inner: serde_json::Value = serde_json::from_str(redacted["payload"].as_str().unwrap()).unwrap();
    assert!(inner["api_key"].as_str().is_some_and(is_placeholder_in), "{redacted}");
    assert!(inner["otp"].as_str().is_some_and(is_placeholder_in), "{redacted}");
    assert_eq!(inner["ü"], "é\n");
}

#[test]
fn secrets_that_overlap_are_both_hidden() {
    let key = "tracker-staging-api-key-of-the-agency-north-0123456789";
    let mut redactor = Redactor::new([7; 32]);
    redactor.learn(key);
    (0..4).for_each(|number| redactor.learn(&format!("another-secret-{number:04}")));
    text(&mut redactor, "");
    // Learned later, and it ends within the beginning of the other.
    redactor.learn_received("acct1:tracker-staging-api");
    for echo in [format!("acct1:{key}"), format!("<{key}>"), "acct1:tracker-staging-api".to_owned()] {
        let redacted = text(&mut redactor, &echo);
        assert!(!redacted.contains("agency-north") && !redacted.contains("staging"), "{redacted}");
    }
    // In one automaton too.
    let mut redactor = Redactor::new([7; 32]);
    redactor.learn("0123456789-abcdefgh");
    redactor.learn("abcdefgh-ijklmnopqrs");
    let redacted = text(&mut redactor, "0123456789-abcdefgh-ijklmnopqrs!");
    assert!(!redacted.contains("ijkl") && redacted.ends_with('!'), "{redacted}");
}

/// Quadratic, this would take minutes.
#[test]
fn a_text_that_repeats_the_beginning_of_a_long_secret_is_looked_through_once() {
    let mut redactor = Redactor::new([7; 32]);
    redactor.learn(&"a".repeat(LONGEST_LOOKED_FOR));
    redactor.learn(&format!("{}b", "a".repeat(LONGEST_LOOKED_FOR - 1)));
    let redacted = text(&mut redactor, &"a".repeat(1 << 20));
    assert!(!redacted.contains("aaa") && redacted.len() < 1_000, "{}", redacted.len());
}
