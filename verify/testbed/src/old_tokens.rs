//! A small platform to try the token checks on: sound unless told otherwise, and breakable.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use watertight_spec::{Names, Spec};

use super::kinds;
use crate::check::Check;
use crate::judge::Verdict;
use crate::marker::{RunTag, Scanner};
use crate::request::{Call, Caller, Forged, Forgery, Request, TokenCall, Who};
use crate::tape::{Halt, Tape};
use crate::trace::{Event, Exchange, Failure, IssuedToken, Outcome, Owner, Received, Sent, SignatureState, What};
use crate::world::{Marker, Object, World};

const SPEC: &str = r#"
[target]
name = "casework"
url = "http://127.0.0.1:8080"
environment = "test"
settle = "40ms"

[tenancy]
locator = "path"

[tokens]
kind = "jwt"
issuers = ["http://127.0.0.1:8081"]
tenant_claim = "tenant_id"
audience = "shared"
audiences = ["case-api"]
max_lifetime = "1h"
leeway = "2s"
expiry_wait = "10s"
forbidden_scope = "platform:admin"
whoami = { request = "GET /whoami", tenant = "$.tenant" }
elsewhere = { audience = "other-api" }

[[tenant]]
id = "north"
[[tenant.principal]]
name = "service"
grant = "client_credentials"
token_url = "http://127.0.0.1:8081/token"
client_id = "north-client"
client_secret = "$NORTH"
scope = "case:read case:write"
[[tenant.principal]]
name = "impostor"
grant = "client_credentials"
token_url = "http://127.0.0.1:8081/token"
client_id = "north-impostor"
client_secret = "$IMPOSTOR"
scope = "case:read case:write"
names = "south"

[[tenant]]
id = "south"
[[tenant.principal]]
name = "service"
grant = "client_credentials"
token_url = "http://127.0.0.1:8081/token"
client_id = "south-client"
client_secret = "$SOUTH"
scope = "case:read case:write"

[[resource]]
name = "case"
path = "/tenants/{tenant}/cases"
create = { title = "{canary}" }

[[resource]]
name = "mine"
path = "/me/cases"
create = { title = "{canary}" }
"#;

/// The spec, after these replacements of its text.
pub(super) fn spec(changes: &[(&str, &str)]) -> Spec {
    let text = changes.iter().fold(SPEC.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the spec");
        text.replace(from, to)
    });
    let env: BTreeMap<String, String> = [("NORTH", "n-secret"), ("SOUTH", "s-secret"), ("IMPOSTOR", "i-secret")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let today = time::Date::from_calendar_date(2026, time::Month::May, 1).unwrap();
    watertight_spec::parse(Path::new("test.toml"), &text, &env, today).unwrap()
}

/// One way in which the platform is not sound.
pub(super) enum Flaw {
    /// Changes the claims of every token.
    Claims(fn(&mut Value)),
    /// Changes what is known of a token besides.
    Answer(fn(&mut IssuedToken)),
    /// The answer to the check of a signature.
    Signature(SignatureState),
    /// `whoami` names this tenant.
    WhoAmI(&'static str),
    /// Any secret opens any client.
    AnySecret,
    /// Any scope is granted.
    AnyScope,
    /// These forgeries are taken for genuine.
    Forged(fn(&Forgery) -> bool),
    /// The same, but the client must belong to the tenant.
    ForgedOfClient(fn(&Forgery) -> bool),
    /// Keys are fetched from where the token says.
    Fetches,
    /// `exp` is not looked at.
    Expired,
    /// `aud` is not looked at.
    Audience,
    /// Any issuer vouches for any tenant.
    Issuer,
    /// A forged token gets a success without data.
    EmptySuccess,
    /// A denial carries the record.
    TalkativeDenial,
    /// Nobody needs a credential for an empty success.
    Public,
    /// No flaw: the list has two pages, and what was planted is on the second.
    Paged,
}

/// Puts something in the way of a call, knowing the calls before it: an answer of this status, or none for 0.
pub(super) type Obstacle = fn(&[Call], &Call) -> Option<u16>;

pub(super) struct Platform {
    pub(super) spec: Spec,
    pub(super) flaws: Vec<Flaw>,
    pub(super) obstacle: Obstacle,
    pub(super) calls: Vec<Call>,
    pub(super) waited: Duration,
    tag: RunTag,
    scanner: Scanner,
    world: World,
    issued: BTreeMap<u64, (Who, Value, Duration)>,
    callbacks: Vec<String>,
}

impl Platform {
    pub(super) fn new(spec: Spec, flaws: Vec<Flaw>) -> Self {
        let tag = RunTag::new(1, 2);
        let mut world = World::default();
        for tenant in 0..spec.tenants.len() {
            for resource in 0..spec.resources.len() {
                let marker = Marker::Planted(tag.canary(tenant, &format!("{resource}")));
                let id = format!("case-{tenant}");
                world.objects.push(Object { tenant, resource, id, parents: vec![], marker });
            }
        }
        let scanner = Scanner::new(&tag, spec.tenants.len()).unwrap();
        Self {
            spec,
            flaws,
            obstacle: |_, _| None,
            calls: vec![],
            waited: Duration::ZERO,
            tag,
            scanner,
            world,
            issued: BTreeMap::new(),
            callbacks: vec![],
        }
    }

    pub(super) fn sound() -> Self {
        Self::new(spec(&[]), vec![])
    }

    pub(super) fn with(flaw: Flaw) -> Self {
        Self::new(spec(&[]), vec![flaw])
    }

    /// Verdicts of all instances of a check, by `attacker→victim operation`.
    pub(super) fn verdicts(&mut self, id: &str) -> Vec<(String, Verdict)> {
        let kind = kinds().into_iter().find(|kind| kind.about.id == id).unwrap();
        let checks = (kind.instances)(&self.spec);
        let name = |check: &Check| format!("{}→{} {}", check.attacker, check.victim, check.operation);
        checks.iter().map(|check| (name(check), self.judge(check))).collect()
    }

    /// Carries out a check.
    pub(super) fn judge(&mut self, check: &Check) -> Verdict {
        let mut events: Vec<Event> = vec![];
        self.calls.clear();
        self.callbacks.clear();
        for seq in 0..200 {
            let (spec, world) = (self.spec.clone(), self.world.clone());
            let tape = Tape::new(&spec, &world, &self.tag, "test".into(), events.iter().collect());
            let what = match (check.machine)(&tape) {
                Ok(verdict) => {
                    assert!(tape.is_spent(), "{check:?} did not use everything");
                    return verdict;
                }
                Err(Halt::Unproven(why)) => return Verdict::Unproven(why),
                Err(Halt::NotApplicable(why)) => return Verdict::NotApplicable(why),
                Err(Halt::Send(call)) => What::Exchange(Box::new(self.exchange(seq, &call))),
                Err(Halt::Wait(time)) => {
                    self.waited += time;
                    What::Waited { ms: u64::try_from(time.as_millis()).unwrap() }
                }
            };
            events.push(Event { seq, owner: Owner::Check(0), what });
        }
        panic!("{check:?} does not end");
    }

    fn exchange(&mut self, seq: u64, call: &Call) -> Exchange {
        let obstacle = (self.obstacle)(&self.calls, call);
        self.calls.push(call.clone());
        let mut token = None;
        let mut signature = None;
        let (status, body) = match (obstacle, call) {
            (Some(status), _) => (status, json!({})),
            (None, Call::Token(ask)) => match self.grant(seq, ask) {
                Ok(issued) => {
                    token = Some(issued);
                    (200, json!({}))
                }
                Err(status) => (status, json!({ "error": "invalid_request" })),
            },
            (None, Call::Discovery { issuer }) => {
                (200, json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") }))
            }
            (None, Call::Keys { .. }) => {
                signature = Some(self.flaws.iter().fold(SignatureState::Verified, |sound, flaw| match flaw {
                    Flaw::Signature(state) => state.clone(),
                    _ => sound,
                }));
                (200, json!({}))
            }
            (None, Call::Api(request)) => self.api(request),
        };
        let body = body.to_string();
        let (target, intent, tenant) = match call {
            Call::Api(request) => (request.target.clone(), request.intent, caller(&request.caller)),
            _ => ("/token".into(), crate::request::Intent::Own, None),
        };
        let outcome = match status {
            0 => Outcome::Failed { kind: Failure::Timeout, text: "no answer".into() },
            _ => Outcome::Response(Received { status, headers: vec![], length: body.len(), body: body.clone() }),
        };
        Exchange {
            seq,
            at: 0,
            took: 1,
            tenant: tenant.map(|who| who.tenant),
            by: format!("{tenant:?}"),
            intent,
            request: Sent {
                method: "GET".into(),
                origin: "http://127.0.0.1:8080".into(),
                target,
                headers: vec![],
                body: None,
            },
            outcome,
            hits: self.scanner.scan("body", body.as_bytes()),
            token,
            signature,
            callbacks: self.callbacks.clone(),
        }
    }

    fn grant(&mut self, seq: u64, ask: &TokenCall) -> Result<IssuedToken, u16> {
        if ask.secret_of.is_some() && !self.has(|f| matches!(f, Flaw::AnySecret)) {
            return Err(401);
        }
        let scope = ask.scope.clone().unwrap_or_else(|| "case:read case:write".into());
        if scope.contains("admin") && !self.has(|f| matches!(f, Flaw::AnyScope)) {
            return Err(400);
        }
        let tenant = &self.spec.tenants[ask.who.tenant];
        let principal = &tenant.principals[ask.who.principal];
        let named = match &principal.names {
            Names::Other(other) => Some(other.as_str()),
            Names::Own => Some(tenant.id.as_str()),
            Names::Nothing => None,
        };
        let client = format!("{}-{}", tenant.id, principal.name);
        let mut claims = json!({
            "iss": "http://127.0.0.1:8081", "aud": ask.extra.get("audience").map_or("case-api", String::as_str),
            "sub": client, "client_id": client, "tenant_id": named, "iat": 1000, "exp": 1005, "scope": scope,
        });
        for flaw in &self.flaws {
            if let Flaw::Claims(change) = flaw {
                change(&mut claims);
            }
        }
        let mut token = IssuedToken {
            who: (ask.who.tenant, ask.who.principal),
            placeholder: "[token]".into(),
            header: Some(json!({ "alg": "RS256" })),
            claims: Some(claims.clone()),
            scope: Some(scope),
            lifetime: Some(5),
        };
        for flaw in &self.flaws {
            if let Flaw::Answer(change) = flaw {
                change(&mut token);
            }
        }
        let life = Duration::from_secs(token.lifetime.unwrap_or(3600));
        self.issued.insert(seq, (ask.who, claims, self.waited + life));
        Ok(token)
    }

    fn api(&mut self, request: &Request) -> (u16, Value) {
        let open_to_all = self.has(|f| matches!(f, Flaw::Public));
        let denied = if open_to_all { (200, json!({})) } else { (401, json!({ "error": "denied" })) };
        let in_path = (0..self.spec.tenants.len())
            .find(|n| request.target.starts_with(&format!("/tenants/{}/", self.spec.tenants[*n].id)));
        let active = match self.active(&request.caller) {
            Some(active) => active,
            None if matches!(request.caller, Caller::Forged(_)) && self.has(|f| matches!(f, Flaw::TalkativeDenial)) => {
                return (403, self.records(in_path.unwrap_or(request.at)));
            }
            None if matches!(request.caller, Caller::Forged(_)) && self.has(|f| matches!(f, Flaw::EmptySuccess)) => {
                return (200, json!({}));
            }
            None => return denied,
        };
        match in_path {
            Some(named) if named != active => (404, json!({})),
            _ if request.target == "/whoami" => {
                let lie = self.flaws.iter().find_map(|f| match f {
                    Flaw::WhoAmI(id) => Some(*id),
                    _ => None,
                });
                (200, json!({ "tenant": lie.unwrap_or(self.spec.tenants[active].id.as_str()) }))
            }
            _ if request.target == "/me/cases" && self.has(|f| matches!(f, Flaw::Paged)) => {
                (200, json!({ "items": [], "next": "/me/cases?page=2" }))
            }
            _ => (200, self.records(active)),
        }
    }

    /// The tenant in which a credential acts, if it is good.
    fn active(&mut self, caller: &Caller) -> Option<usize> {
        match caller {
            Caller::Anonymous => None,
            Caller::Own(who) => match &self.spec.tenants[who.tenant].principals[who.principal].names {
                Names::Own => Some(who.tenant),
                Names::Nothing => None,
                Names::Other(id) => self.has(|f| matches!(f, Flaw::Issuer)).then(|| self.index(id.as_str()))?,
            },
            Caller::Issued(seq) => {
                let (who, claims, death) = self.issued.get(seq)?;
                let alive = self.waited <= *death || self.has(|f| matches!(f, Flaw::Expired));
                let meant = claims["aud"] == "case-api" || self.has(|f| matches!(f, Flaw::Audience));
                (alive && meant).then_some(who.tenant)
            }
            Caller::Forged(forged) => {
                if matches!(forged.forgery, Forgery::KeyUrl { .. }) && self.has(|f| matches!(f, Flaw::Fetches)) {
                    self.callbacks.push("GET /jwks.json".into());
                }
                self.taken_for_genuine(forged)
            }
        }
    }

    fn taken_for_genuine(&self, forged: &Forged) -> Option<usize> {
        let changed = |name: &str| forged.claims.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let tenant = changed("tenant_id").map_or(Some(forged.who.tenant), |id| self.index(id))?;
        let own = self.spec.tenants[forged.who.tenant].id.as_str();
        let client = changed("client_id").map_or(own, |id| id.split('-').next().unwrap());
        let is_taken = self.has(|f| match f {
            Flaw::Forged(which) => which(&forged.forgery),
            Flaw::ForgedOfClient(which) => which(&forged.forgery) && self.index(client) == Some(tenant),
            _ => false,
        });
        is_taken.then_some(tenant)
    }

    fn records(&self, tenant: usize) -> Value {
        let texts: Vec<String> = self
            .world
            .objects
            .iter()
            .filter(|o| o.tenant == tenant)
            .map(|o| match &o.marker {
                Marker::Planted(canary) => canary.to_string(),
                Marker::Witnessed(values) => values.concat(),
            })
            .collect();
        json!({ "items": texts })
    }

    fn index(&self, id: &str) -> Option<usize> {
        self.spec.tenants.iter().position(|t| t.id.as_str() == id)
    }

    fn has(&self, flaw: impl Fn(&Flaw) -> bool) -> bool {
        self.flaws.iter().any(flaw)
    }
}

fn caller(caller: &Caller) -> Option<Who> {
    match caller {
        Caller::Own(who) => Some(*who),
        Caller::Forged(forged) => Some(forged.who),
        Caller::Anonymous | Caller::Issued(_) => None,
    }
}
