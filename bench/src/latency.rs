//! The demo's plan behind some latency: how much of it the verifier hides by sending side by side.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::Outcome;
use crate::child::{Cost, Server, run, verifier};

pub(crate) fn measure(latency: Duration, only: Option<&str>) -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(verifier()?);
    command.args(["demo", "--keep", "--only", "api.list-own", "--format", "json", "--report", "demo"]);
    let _demo = Server::of(command.current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::null()))?;
    let path = folder.path().join("demo/demo.toml");
    // Its variables are there once it says that it keeps running.
    while !folder.path().join("demo/demo.env").exists() {
        std::thread::sleep(Duration::from_millis(50));
    }
    let text = std::fs::read_to_string(&path)?;
    let url = text.lines().find_map(|line| line.strip_prefix("url = ")).ok_or("demo.toml names no url")?;
    let url = url.trim_matches('"').to_owned();
    let port = url.rsplit(':').next().ok_or("no port")?.to_owned();
    let late = Server::start(&["late", "--port", &port, "--millis", &latency.as_millis().to_string()])?;
    println!("the sound demo, every answer {} ms late\n", latency.as_millis());

    let mut costs: BTreeMap<usize, (Cost, Value)> = BTreeMap::new();
    for concurrency in [8, 1] {
        let behind = text.replacen(&format!("url = \"{url}\""), &format!("url = \"{}\"", late.said), 1).replacen(
            "[limits]\n",
            &format!("[limits]\nconcurrency = {concurrency}\n"),
            1,
        );
        std::fs::write(folder.path().join("demo/late.toml"), behind)?;
        let report = format!("report-{concurrency}");
        let mut arguments = vec!["verify", "demo/late.toml", "--format", "json", "--seed", "7", "--report", &report];
        arguments.extend(only.iter().flat_map(|only| ["--only", *only]));
        let cost = run(folder.path(), &arguments)?;
        let report: Value = serde_json::from_str(&cost.output)?;
        println!(
            "watertight {} (concurrency = {concurrency})\n  {:.1} s, {} requests, {}, {}",
            arguments.join(" "),
            cost.took.as_secs_f64(),
            report["requests"],
            report["verdict"],
            report["summary"]
        );
        costs.insert(concurrency, (cost, report));
    }
    let (Some((one, alone)), Some((many, beside))) = (costs.get(&1), costs.get(&8)) else { return Ok(()) };
    let verdicts = |concurrency: usize| -> std::io::Result<Vec<String>> {
        Ok(verdicts(&std::fs::read_to_string(folder.path().join(format!("report-{concurrency}/junit.xml")))?))
    };
    let (of_one, of_many) = (verdicts(1)?, verdicts(8)?);
    println!(
        "\n{:.1} times as fast (at least 6 is asked for); {} verdicts, one by one the same: {}",
        one.took.as_secs_f64() / many.took.as_secs_f64(),
        of_one.len(),
        of_one == of_many && alone["findings"] == beside["findings"],
    );
    Ok(())
}

/// Each trial of a report, with what kind of verdict it has.
fn verdicts(junit: &str) -> Vec<String> {
    let cases = junit.split("<testcase ").skip(1).map(|case| {
        let attribute = |name: &str| case.split_once(&format!("{name}=\""))?.1.split_once('"').map(|(value, _)| value);
        let kind =
            ["<failure", "<error", "<skipped"].into_iter().find(|kind| case.contains(kind)).unwrap_or("isolated");
        format!("{:?} {:?} {kind}", attribute("classname"), attribute("name"))
    });
    let mut all: Vec<String> = cases.collect();
    all.sort();
    all
}

/// A way to a server of this machine on which every answer is late.
pub(crate) fn be_late(port: u16, latency: Duration) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("http://{}", listener.local_addr()?);
        loop {
            let (client, _) = listener.accept().await?;
            tokio::spawn(carry(client, port, latency));
        }
    })
}

async fn carry(client: TcpStream, port: u16, latency: Duration) -> std::io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", port)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((mut from_client, to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
    let to_client = Arc::new(tokio::sync::Mutex::new(to_client));
    let requests = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
    });
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from_server.read(&mut buffer).await?;
        if length == 0 {
            break;
        }
        tokio::time::sleep(latency).await;
        to_client.lock().await.write_all(buffer.get(..length).unwrap_or_default()).await?;
    }
    requests.abort();
    Ok(())
}
