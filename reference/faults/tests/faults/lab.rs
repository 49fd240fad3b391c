//! A running platform, and ways to ask it.

use std::future::Future;
use std::pin::Pin;

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use secrecy::ExposeSecret;
use serde_json::Value;
use watertight_faults::{AUDIENCE, Demo, DemoAgency, DemoClient, DemoSecrets, SCOPE, by_name, start};

/// Whether a platform has the bug that a fault promises.
pub(crate) type Symptom = for<'a> fn(&'a Lab) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// Shows each symptom on the platform with its fault, and on none that is sound.
pub(crate) async fn show(symptoms: &[(&str, Symptom)]) {
    for (name, symptom) in symptoms {
        let sound = Lab::sound().await;
        assert!(!symptom(&sound).await, "the sound platform shows {name}");
        sound.demo.shutdown().await;
        let faulty = Lab::with(name).await;
        assert!(symptom(&faulty).await, "{name} does not show");
        faulty.demo.shutdown().await;
    }
}

pub(crate) struct Lab {
    pub(crate) demo: Demo,
    http: reqwest::Client,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.status.is_success()
    }

    pub(crate) fn shows(&self, text: &str) -> bool {
        self.text.contains(text)
    }

    fn id(&self) -> String {
        assert!(self.is_ok(), "not created: {self:?}");
        self.json()["id"].as_str().unwrap().to_owned()
    }
}

impl Lab {
    pub(crate) async fn sound() -> Self {
        Self::of(start(&[], DemoSecrets::random()).await.unwrap())
    }

    pub(crate) async fn with(fault: &str) -> Self {
        Self::of(start(&[by_name(fault).unwrap()], DemoSecrets::random()).await.unwrap())
    }

    fn of(demo: Demo) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        Self { demo, http }
    }

    pub(crate) fn north(&self) -> &DemoAgency {
        &self.demo.agencies[0]
    }

    pub(crate) fn south(&self) -> &DemoAgency {
        &self.demo.agencies[1]
    }

    pub(crate) fn west(&self) -> &DemoAgency {
        &self.demo.agencies[2]
    }

    /// What the token endpoint answers to a client.
    pub(crate) async fn ask_token(&self, client: &DemoClient, secret: &str, form: &str) -> Seen {
        let body = format!("grant_type=client_credentials&{form}");
        let request = self
            .http
            .post(&client.token_url)
            .basic_auth(&client.id, Some(secret))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        seen(request.send().await.unwrap()).await
    }

    /// A token for a client, with the ordinary scope.
    pub(crate) async fn token(&self, client: &DemoClient) -> String {
        let answer = self.ask_token(client, client.secret.expose_secret(), &scope(SCOPE)).await;
        answer.json()["access_token"].as_str().unwrap_or_else(|| panic!("no token: {answer:?}")).to_owned()
    }

    /// The claims of a token for a client.
    pub(crate) async fn claims(&self, client: &DemoClient) -> Value {
        claims(&self.token(client).await)
    }

    pub(crate) async fn call(&self, method: Method, path: &str, token: &str, body: Option<Value>) -> Seen {
        self.call_with(method, path, token, &[], body).await
    }

    pub(crate) async fn call_with(
        &self,
        method: Method,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Seen {
        let url = format!("{}{path}", self.demo.api_url);
        let mut request = self.http.request(method, url).header(AUTHORIZATION, format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        seen(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Seen {
        self.call(Method::GET, path, token, None).await
    }

    /// The ordinary tokens of agency-north and agency-south.
    pub(crate) async fn both(&self) -> (String, String) {
        (self.token(&self.north().service).await, self.token(&self.south().service).await)
    }

    /// Creates a case in the caller's own tenant.
    pub(crate) async fn case(&self, token: &str, title: &str) -> String {
        self.call(Method::POST, "/me/cases", token, Some(serde_json::json!({ "title": title }))).await.id()
    }

    /// Creates a task in the caller's own tenant.
    pub(crate) async fn task(&self, token: &str, case: &str, title: &str) -> String {
        let path = format!("/me/cases/{case}/tasks");
        self.call(Method::POST, &path, token, Some(serde_json::json!({ "title": title }))).await.id()
    }

    /// A case of agency-south whose id agency-north has not, titled `secret of south`.
    pub(crate) async fn foreign_case(&self, south: &str) -> String {
        self.case(south, "secret of south").await
    }
}

pub(crate) fn scope(scope: &str) -> String {
    format!("scope={}", scope.replace(' ', "+"))
}

pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// The audiences of a token.
pub(crate) fn audiences(claims: &Value) -> Vec<&str> {
    match &claims["aud"] {
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

async fn seen(response: reqwest::Response) -> Seen {
    let (status, headers) = (response.status(), response.headers().clone());
    Seen { status, headers, text: response.text().await.unwrap() }
}

#[tokio::test]
async fn the_sound_platform_serves_every_agency_and_its_tokens_are_for_it_alone() {
    let lab = Lab::sound().await;
    for agency in &lab.demo.agencies {
        for client in [&agency.service, &agency.brief] {
            let token = lab.token(client).await;
            assert_eq!(audiences(&claims(&token)), [AUDIENCE]);
            assert_eq!(lab.get("/me", &token).await.json()["tenantId"], agency.tenant);
            assert_eq!(lab.get(&format!("/tenants/{}/cases", agency.tenant), &token).await.status, 200);
        }
    }
    for nobody in [&lab.demo.unbound, &lab.demo.impostor] {
        let token = lab.token(nobody).await;
        for path in ["/me", "/me/cases", "/tenants/agency-north/cases", "/tenants/agency-west/cases"] {
            assert!(!lab.get(path, &token).await.is_ok(), "{} got {path}", nobody.id);
        }
    }
    lab.demo.shutdown().await;
}
