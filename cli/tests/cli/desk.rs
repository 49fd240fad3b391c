//! What the tests share: the binary in a folder of its own, and a target that no one answers for.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// The binary in a folder of its own, without anything from this process's environment.
pub(crate) struct Desk {
    pub(crate) folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[("NORTH_KEY", "hush-north"), ("SOUTH_KEY", "hush-south")])
    }

    pub(crate) fn run_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_watertight"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().envs(environment.iter().copied());
        command.output().unwrap()
    }
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// One JSON document and nothing else.
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {} {}", out(output), err(output)))
}

/// A port that notices who connects.
pub(crate) struct Silent(TcpListener);

impl Silent {
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    pub(crate) fn was_called(&self) -> bool {
        self.0.accept().is_ok()
    }
}

/// A port on which nothing listens.
pub(crate) fn closed() -> String {
    Silent::new().url()
}

/// A sound spec; `target` is added to the section of that name.
pub(crate) fn spec(url: &str, target: &str) -> String {
    let tenant = |id: &str| {
        format!(
            "[[tenant]]\nid = \"{id}\"\n[[tenant.principal]]\nname = \"service\"\ngrant = \"header\"\n\
             header = \"X-Api-Key\"\nvalue = \"${}_KEY\"\n",
            id.to_uppercase()
        )
    };
    format!(
        "[target]\nname = \"things\"\nurl = \"{url}\"\nsettle = \"10ms\"\n{target}\n[tenancy]\nlocator = \"path\"\n\
         {}{}[[resource]]\nname = \"case\"\npath = \"/tenants/{{tenant}}/cases\"\ncreate = {{ title = \"{{canary}}\" }}\n",
        tenant("north"),
        tenant("south")
    )
}

pub(crate) fn read(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join(name)).unwrap()
}

/// Whether these bytes are anywhere in a file.
pub(crate) fn contains(path: &Path, text: &str) -> bool {
    std::fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
}
