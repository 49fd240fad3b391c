"""For the products beside it: installing, starting, breaking and stopping them."""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
INSTALLED = ROOT / ".tools" / "products"
INSTALL_SECONDS = 900
COMMAND_SECONDS = 300
START_SECONDS = 120
STOP_SECONDS = 10


class Missing(Exception):
    """A product can't be installed here."""


@dataclasses.dataclass(frozen=True)
class Bug:
    """A mistake to be made in a copy of an installed package: one text in one file becomes another."""

    name: str
    file: str
    was: str
    becomes: str
    # The operations that leak then, as findings name them.
    leaks: frozenset[str]


@dataclasses.dataclass(frozen=True)
class Place:
    """A product that runs: the variables that its spec asks for, and which of them are secrets."""

    variables: dict[str, str]
    secrets: list[str]


def wheels(name: str, wanted: list[str], then: Callable[[pathlib.Path], None] | None = None) -> pathlib.Path:
    """A virtual environment with these, made once; `then` does what else is done once."""
    folder = INSTALLED / name

    def install() -> None:
        command([sys.executable, "-m", "venv", folder], INSTALL_SECONDS)
        pip = [folder / "bin" / "python", "-m", "pip", "--quiet", "--no-input", "--disable-pip-version-check"]
        command([*pip, "install", *wanted], INSTALL_SECONDS)
        if then:
            then(folder)

    return once(folder, wanted, install)


def node_modules(name: str, wanted: list[str]) -> pathlib.Path:
    """A folder `node_modules` with these, installed once. No package runs a script of its own."""
    folder = INSTALLED / name

    def install() -> None:
        folder.mkdir(parents=True)
        (folder / "package.json").write_text('{"private": true}\n')
        options = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        command(["npm", "install", *options, *wanted], INSTALL_SECONDS, folder=folder)

    return once(folder, wanted, install) / "node_modules"


def once(folder: pathlib.Path, wanted: list[str], install: Callable[[], None]) -> pathlib.Path:
    """The stamp says for what a finished folder was made. Scripts of a virtual environment hold its absolute path."""
    stamp = folder / ".finished"
    made_for = " ".join([str(folder), *wanted])
    if stamp.is_file() and stamp.read_text() == made_for:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    print(f"installing {' '.join(wanted)} into {folder.relative_to(ROOT)}", file=sys.stderr, flush=True)
    try:
        install()
    except (OSError, RuntimeError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Missing(f"{' '.join(wanted)} can't be installed: {error}") from error
    stamp.write_text(made_for)
    return folder


def site_packages(venv: pathlib.Path) -> pathlib.Path:
    return next((venv / "lib").glob("python3*")) / "site-packages"


def command(words: list, seconds: int, *, folder: pathlib.Path | None = None, env: dict[str, str] | None = None) -> str:
    """What it prints. A command that fails, or takes too long, is an error that says so."""
    text = " ".join(str(word) for word in words)
    try:
        done = subprocess.run(
            words, cwd=folder, env=env, timeout=seconds, capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{text}: not done after {seconds} s") from error
    if done.returncode:
        raise RuntimeError(f"{text}: exit {done.returncode}; {(done.stderr or done.stdout).strip()[-600:]}")
    return done.stdout


def copied(package: pathlib.Path, to: pathlib.Path, bug: Bug) -> None:
    """A copy of the package with the mistake in it. The package itself stays as it was published."""
    shutil.copytree(package, to, ignore=shutil.ignore_patterns("__pycache__"))
    file = to / bug.file
    text = file.read_text()
    if text.count(bug.was) != 1:
        raise RuntimeError(f"{bug.name}: {bug.file} holds {text.count(bug.was)} times what is to be replaced, not once")
    file.write_text(text.replace(bug.was, bug.becomes))


@contextlib.contextmanager
def serving(
    log: pathlib.Path, words: Callable[[int], list], ready: Callable[[int], bool], **options: object
) -> Iterator[int]:
    """A server that answers at this loopback port, and is stopped in the end. A port that was free may be taken before
    the server binds it: then another."""
    for _ in range(3):
        port = free_port()
        with log.open("wb") as output:
            server = subprocess.Popen(words(port), stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)
        try:
            if answers(server, lambda: ready(port)):
                yield port
                return
        finally:
            stop(server)
    raise RuntimeError(f"it did not start; the end of its log:\n{log.read_text(errors='replace')[-2000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(server: subprocess.Popen, ready: Callable[[], bool]) -> bool:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError):
            if ready():
                return True
        time.sleep(0.1)
    return False


def stop(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def request(method: str, url: str, *, body: object = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Status and text of an answer."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data=data, method=method, headers=headers or {})
    asked.add_header("Content-Type", "application/json")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(asked, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def environment(**variables: object) -> dict[str, str]:
    """That of this process and these; nothing is compiled into folders of the repository."""
    return os.environ | {"PYTHONDONTWRITEBYTECODE": "1"} | {name: str(value) for name, value in variables.items()}
