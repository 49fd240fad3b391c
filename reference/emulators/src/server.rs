//! The HTTP server of an identity provider.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    Form, Json, Router,
    extract::{
        DefaultBodyLimit, State,
        rejection::{FormRejection, JsonRejection},
    },
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{
    behaviour::{Grant, SignsWith, same_secret},
    claims::{Claims, joined},
    config::{IdpClient, IdpConfig},
    error::IdpError,
    keys::SigningKey,
    request::{Method, Presented, Refusal, TokenRequest, parse},
};

/// Longest body of a request, in bytes.
const BODY_LIMIT: usize = 16 * 1024;
/// How long an explicit shutdown waits for requests under way.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// An identity provider that can be started.
#[derive(Clone, Copy, Debug)]
pub struct Idp;

impl Idp {
    /// Generates the key and listens on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// [`IdpError`] when the configuration breaks a rule, no key can be made, or no port can be had.
    pub async fn start(config: IdpConfig) -> Result<RunningIdp, IdpError> {
        let clients = config.clients_by_id()?;
        let alg = config.alg;
        let key = tokio::task::spawn_blocking(move || SigningKey::generate(alg))
            .await
            .map_err(|_| IdpError::KeyGeneration { alg: alg.name() })??;
        let jwks = json!({ "keys": [key.public()?] });

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(IdpError::Listen)?;
        let addr = listener.local_addr().map_err(IdpError::Listen)?;
        let issuer_url = format!("http://{addr}");
        let issuer =
            Arc::new(Issuer { url: issuer_url.clone(), config, clients, key, unpublished: OnceLock::new(), jwks });

        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, router(issuer)).with_graceful_shutdown(async move {
            // A dropped handle stops the server as well.
            let _ = stopped.await;
        });
        let task = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "identity provider stopped");
            }
        });
        Ok(RunningIdp {
            token_url: format!("{issuer_url}/oauth/token"),
            jwks_url: format!("{issuer_url}/.well-known/jwks.json"),
            login_url: format!("{issuer_url}/login"),
            issuer_url,
            addr,
            stop,
            task,
        })
    }
}

/// A listening identity provider. Dropping it stops it.
#[derive(Debug)]
pub struct RunningIdp {
    /// The issuer identifier, exactly as it is written in `iss`.
    pub issuer_url: String,
    /// The token endpoint.
    pub token_url: String,
    /// The key set.
    pub jwks_url: String,
    /// The login request.
    pub login_url: String,
    /// Where it listens.
    pub addr: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl RunningIdp {
    /// Stops listening, and waits at most two seconds for requests under way.
    pub async fn shutdown(self) {
        let Self { stop, mut task, .. } = self;
        // The receiver is gone only when the server has stopped already.
        let _ = stop.send(());
        if tokio::time::timeout(SHUTDOWN_GRACE, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// An issuer as its requests see it.
struct Issuer {
    url: String,
    config: IdpConfig,
    clients: BTreeMap<String, IdpClient>,
    key: SigningKey,
    unpublished: OnceLock<SigningKey>,
    jwks: Value,
}

fn router(issuer: Arc<Issuer>) -> Router {
    Router::new()
        .route("/oauth/token", post(token))
        .route("/login", post(login))
        .route("/.well-known/jwks.json", get(jwks))
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(issuer)
}

async fn token(
    State(issuer): State<Arc<Issuer>>,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Response {
    let outcome = match form {
        Ok(Form(form)) => parse(&headers, form).and_then(|(presented, request)| issuer.grant(&presented, request)),
        Err(_) => Err(Refusal::InvalidRequest("the body is not a form")),
    };
    match outcome {
        Ok(granted) => answer_token(issuer.issue(&granted), |issued| {
            json!({
                "access_token": issued.token,
                "token_type": "Bearer",
                "expires_in": issued.expires_in,
                "scope": issued.scope,
            })
        }),
        Err(refusal) => refusal.into_response(),
    }
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: SecretString,
}

async fn login(State(issuer): State<Arc<Issuer>>, login: Result<Json<Login>, JsonRejection>) -> Response {
    let Ok(Json(Login { username, password })) = login else {
        return Refusal::InvalidRequest("the body is not a login").into_response();
    };
    let presented = Presented { client_id: username, secret: password, by: Method::Post };
    match issuer.grant(&presented, TokenRequest::default()) {
        Ok(granted) => answer_token(
            issuer.issue(&granted),
            |issued| json!({ "session": { "token": issued.token, "expires_in": issued.expires_in } }),
        ),
        Err(refusal) => refusal.into_response(),
    }
}

async fn jwks(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    Json(issuer.jwks.clone())
}

async fn metadata(State(issuer): State<Arc<Issuer>>) -> Json<Value> {
    let Issuer { url, config, .. } = &*issuer;
    Json(json!({
        "issuer": url,
        "token_endpoint": format!("{url}/oauth/token"),
        "jwks_uri": format!("{url}/.well-known/jwks.json"),
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": ["none"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "id_token_signing_alg_values_supported": [config.alg.name()],
    }))
}

/// A grant that has been decided.
struct Granted {
    client: IdpClient,
    request: TokenRequest,
    audience: String,
    scopes: BTreeSet<String>,
}

/// A signed token with what the answer says of it.
struct Issued {
    token: String,
    expires_in: u64,
    scope: String,
}

impl Issuer {
    fn grant(&self, presented: &Presented, request: TokenRequest) -> Result<Granted, Refusal> {
        let client = self.authenticated(presented)?.clone();
        let audience = self.audience(&request)?.to_owned();
        let scopes = self
            .config
            .behaviour
            .grant_scopes(Grant { client: &client, request: &request })
            .map_err(|_| Refusal::InvalidScope)?;
        Ok(Granted { client, request, audience, scopes })
    }

    fn authenticated(&self, presented: &Presented) -> Result<&IdpClient, Refusal> {
        let refused = Refusal::InvalidClient { challenge: presented.by == Method::Basic };
        let Some(client) = self.clients.get(&presented.client_id) else {
            // As much work as for a known client, so that time does not tell which ids exist.
            let _ = same_secret(&presented.secret, &presented.secret);
            return Err(refused);
        };
        if self.config.behaviour.authenticate(client, &presented.secret) { Ok(client) } else { Err(refused) }
    }

    fn audience<'a>(&'a self, request: &'a TokenRequest) -> Result<&'a str, Refusal> {
        match request.audience.as_deref() {
            None => Ok(&self.config.audience),
            Some(asked) if asked == self.config.audience || self.config.other_audiences.contains(asked) => Ok(asked),
            Some(_) => Err(Refusal::InvalidTarget),
        }
    }

    fn issue(&self, granted: &Granted) -> Result<Issued, IdpError> {
        let grant = Grant { client: &granted.client, request: &granted.request };
        let draft = Claims::draft(&self.url, &granted.client, &granted.audience, &granted.scopes)?;
        let claims = self.config.behaviour.claims(grant, draft);
        let key = match self.config.behaviour.signs_with(grant) {
            SignsWith::PublishedKey => &self.key,
            SignsWith::UnpublishedKey => self.unpublished()?,
        };
        Ok(Issued {
            token: key.sign(&claims)?,
            expires_in: claims.exp.saturating_sub(claims.iat),
            scope: joined(&granted.scopes),
        })
    }

    fn unpublished(&self) -> Result<&SigningKey, IdpError> {
        if let Some(key) = self.unpublished.get() {
            return Ok(key);
        }
        let key = SigningKey::generate(self.config.alg)?;
        Ok(self.unpublished.get_or_init(|| key))
    }
}

fn answer_token(issued: Result<Issued, IdpError>, body: impl FnOnce(Issued) -> Value) -> Response {
    match issued {
        Ok(issued) => ([(header::CACHE_CONTROL, "no-store")], Json(body(issued))).into_response(),
        Err(error) => {
            tracing::error!(%error, "no token could be issued");
            (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({ "error": "server_error" }))).into_response()
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, description) = match self {
            Self::InvalidRequest(why) => (StatusCode::BAD_REQUEST, "invalid_request", why),
            Self::InvalidClient { .. } => (StatusCode::UNAUTHORIZED, "invalid_client", "client authentication failed"),
            Self::UnsupportedGrantType => {
                (StatusCode::BAD_REQUEST, "unsupported_grant_type", "only client_credentials is supported")
            }
            Self::InvalidScope => {
                (StatusCode::BAD_REQUEST, "invalid_scope", "a scope is not registered for the client")
            }
            Self::InvalidTarget => (StatusCode::BAD_REQUEST, "invalid_target", "the API is not registered"),
        };
        let body = Json(json!({ "error": code, "error_description": description }));
        let mut response = (status, [(header::CACHE_CONTROL, "no-store")], body).into_response();
        if self == (Self::InvalidClient { challenge: true }) {
            let challenge = header::HeaderValue::from_static("Basic realm=\"token endpoint\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
