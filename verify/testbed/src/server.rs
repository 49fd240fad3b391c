//! The server: tenant API and issuers behind one port.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::answer::{Answer, Asked};
use crate::api::Api;
use crate::caller::{Caller, Registry, key_url};
use crate::fixture::Fixture;
use crate::seen::{Entrance, Presented, Seen};
use crate::switch::Switch;
use crate::tokens::{self, Issuers, TokenRequest};

/// Chooses a status in place of an answer; 0 breaks the connection off.
pub(crate) type Obstacle = Box<dyn FnMut(&Seen) -> Option<u16> + Send>;

/// What the server knows.
pub(crate) struct State {
    url: String,
    fixture: Fixture,
    switches: Vec<Switch>,
    issuers: Issuers,
    pub(crate) api: Api,
    pub(crate) seen: Vec<Seen>,
    pub(crate) obstacle: Option<Obstacle>,
    /// How many requests came with south's credentials.
    of_south: usize,
}

pub(crate) type Shared = Arc<Mutex<State>>;

/// Serves on a free loopback port until the task is aborted.
pub(crate) async fn start(fixture: &Fixture, switches: &[Switch]) -> (String, Shared, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let shared = Arc::new(Mutex::new(State {
        url: url.clone(),
        fixture: fixture.clone(),
        switches: switches.to_vec(),
        issuers: Issuers::default(),
        api: Api::new(switches, fixture.located),
        seen: Vec::new(),
        obstacle: None,
        of_south: 0,
    }));
    let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, shared, task)
}

async fn answer(
    axum::extract::State(shared): axum::extract::State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = Asked::new(&method, &uri, &headers, &body);
    let url = key_url(&asked, &shared.lock().unwrap().switches);
    let fetched = match url {
        Some(url) => fetch(&url).await,
        None => None,
    };
    let answer = shared.lock().unwrap().answer(&asked, fetched.as_ref());
    answer.into_response()
}

/// A JSON document, as a careless API fetches it.
async fn fetch(url: &str) -> Option<Value> {
    let url: url::Url = url.parse().ok()?;
    let address = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
    let mut stream = TcpStream::connect(&address).await.ok()?;
    let head = format!("GET {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n", url.path());
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

impl State {
    fn answer(&mut self, asked: &Asked, fetched: Option<&Value>) -> Answer {
        if asked.path.starts_with("/issuers/") {
            return if asked.method == "POST" { self.token(asked) } else { self.keys(asked) };
        }
        let without_slash;
        let asked = if self.switches.contains(&Switch::Slashes) {
            let Some(path) = asked.path.strip_suffix('/') else {
                return Answer::new(301, "").header("location", format!("{}/", asked.path));
            };
            without_slash = Asked { path: path.to_owned(), ..asked.clone() };
            &without_slash
        } else {
            asked
        };
        let registry = Registry { fixture: &self.fixture, switches: &self.switches, issuers: &self.issuers, fetched };
        let caller = registry.caller(asked);
        let crosses = self.api.crosses(&caller, asked);
        if let Some(obstacle) = self.note(Entrance::Api, caller.of, caller.presented, crosses, asked) {
            return obstacle;
        }
        self.of_south += usize::from(caller.of == Some(1));
        let is_worthless = self.is_worthless(caller.of);
        let caller = if is_worthless { Caller { presented: Presented::Dead, acts: None, ..caller } } else { caller };
        let answer = self.api.answer(&caller, asked, crosses);
        let served_by =
            self.switches.iter().find_map(|s| if let Switch::ServedBy(name) = s { Some(*name) } else { None });
        served_by.into_iter().fold(answer, |answer, name| answer.header("x-served-by", name))
    }

    fn token(&mut self, asked: &Asked) -> Answer {
        let request = TokenRequest::new(asked);
        let (presented, crosses) = (request.presented(&self.fixture), request.crosses(&self.fixture));
        if let Some(obstacle) = self.note(Entrance::Token, request.by(), presented, crosses, asked) {
            return obstacle;
        }
        if self.is_worthless(request.by()) {
            return Answer::json(401, &serde_json::json!({ "error": "invalid_client" }));
        }
        self.issuers.grant(&request, &self.fixture, &self.switches, &self.url)
    }

    fn keys(&mut self, asked: &Asked) -> Answer {
        let obstacle = self.note(Entrance::Keys, None, Presented::Nothing, false, asked);
        obstacle
            .or_else(|| tokens::published(&asked.path, &self.url))
            .unwrap_or_else(|| Answer::problem(404, "no such issuer", ""))
    }

    /// Remembers a request, and asks for an obstacle in its way.
    fn note(
        &mut self,
        entrance: Entrance,
        by: Option<usize>,
        presented: Presented,
        crosses: bool,
        asked: &Asked,
    ) -> Option<Answer> {
        let (number, method, target) = (self.seen.len(), asked.method.clone(), asked.target());
        let seen = Seen { number, entrance, by, presented, crosses, method, target };
        let status = self.obstacle.as_mut().and_then(|obstacle| obstacle(&seen));
        self.seen.push(seen);
        status.map(Answer::obstacle)
    }

    /// Whether a tenant's credentials are worth nothing.
    fn is_worthless(&self, tenant: Option<usize>) -> bool {
        /// So many requests of south's are answered: its set-up, and the first trials.
        const WHILE: usize = 40;
        match tenant {
            Some(0) => self.switches.contains(&Switch::AttackerDead),
            Some(1) => self.switches.contains(&Switch::VictimRevoked) && self.of_south > WHILE,
            _ => false,
        }
    }
}
