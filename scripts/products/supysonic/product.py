"""supysonic: a music server that speaks the Subsonic API, procedures with ids in the query or a form.

Each user has starred something of its own. The music is made here: short tones with tags.
"""

import contextlib
import json
import pathlib
import secrets
from collections.abc import Iterator

import kit

HERE = pathlib.Path(__file__).resolve().parent
WANTED = ["supysonic==0.7.9", "waitress==3.0.2"]
USERS = ("north", "south")
MANNERS = "c=wt&v=1.12.0&f=json"

# The music is everyone's, and what a user thinks of it is its own mark at it: the spec says so for each.
EXCUSED = frozenset({
    f"GET /getSong.view?id={{song}}&{MANNERS}",
    f"POST /star.view?id={{song}}&{MANNERS}",
    f"POST /setRating.view?id={{song}}&rating=4&{MANNERS}",
})

BUGS = [
    kit.Bug(
        name="anyone may delete a playlist",
        file="api/playlists.py",
        was="""    res = get_entity(Playlist)
    if res.user != request.user and not request.user.admin:
        raise Forbidden()

    res.delete_instance()""",
        becomes="""    res = get_entity(Playlist)

    res.delete_instance()""",
        leaks=frozenset({
            f"POST /deletePlaylist.view?id={{playlist}}&{MANNERS}",
            f"GET /deletePlaylist.view?id={{playlist}}&{MANNERS}",
        }),
    ),
    kit.Bug(
        name="anyone may fill a playlist anew",
        file="api/playlists.py",
        was="""        if playlist.user != request.user and not request.user.admin:
            raise Forbidden()

        playlist.clear()""",
        becomes="""        playlist.clear()""",
        leaks=frozenset({f"POST /createPlaylist.view?{MANNERS} (playlist.overwrite)"}),
    ),
]


def install() -> pathlib.Path:
    return kit.wheels("supysonic", WANTED)


@contextlib.contextmanager
def start(scratch: pathlib.Path, bug: kit.Bug | None) -> Iterator[kit.Place]:
    venv = install()
    # Its own places are below the home folder: this one has none.
    variables = {"HOME": scratch, "PYTHONPATH": scratch / "patched"}
    if bug:
        kit.copied(kit.site_packages(venv) / "supysonic", scratch / "patched" / "supysonic", bug)
    passwords = {user: secrets.token_urlsafe(24) for user in USERS}
    configure(scratch)
    env = kit.environment(**variables)

    def tool(*words: object) -> None:
        kit.command(list(words), kit.COMMAND_SECONDS, folder=scratch, env=env)

    cli = venv / "bin" / "supysonic-cli"
    tool(venv / "bin" / "python", HERE / "music.py", scratch / "music")
    for user, password in passwords.items():
        tool(cli, "user", "add", user, f"--password={password}", "--email", f"{user}@example.com")
    tool(cli, "folder", "add", "music", scratch / "music")
    tool(cli, "folder", "scan", "--foreground")

    # One thread: SQLite takes one writer at a time, and what it keeps waiting may fail.
    def words(port: int) -> list:
        server = venv / "bin" / "supysonic-server"
        return [server, "-S", "waitress", "-h", "127.0.0.1", "-p", str(port), "--threads", "1"]

    def ready(port: int) -> bool:
        return "subsonic-response" in call(port, "ping")

    def call(port: int, procedure: str, query: str = "", user: str = "north") -> str:
        login = f"u={user}&p={passwords[user]}&{MANNERS}"
        return kit.request("GET", f"http://127.0.0.1:{port}/rest/{procedure}.view?{login}{query}")[1]

    with kit.serving(scratch / "server.log", words, ready, cwd=scratch, env=env) as port:
        songs = json.loads(call(port, "search3", "&query=a&songCount=10"))["subsonic-response"]["searchResult3"]["song"]
        for user, song in zip(USERS, songs):
            if '"ok"' not in call(port, "star", f"&id={song['id']}", user):
                raise RuntimeError(f"supysonic: {user} can't star a song")
        names = {f"{user.upper()}_PASSWORD": password for user, password in passwords.items()}
        yield kit.Place({"SUPYSONIC_URL": f"http://127.0.0.1:{port}/rest"} | names, list(passwords.values()))


def configure(scratch: pathlib.Path) -> None:
    (scratch / "cache").mkdir()
    (scratch / "supysonic.conf").write_text(f"""[base]
database_uri = sqlite:///{scratch}/supysonic.db

[webapp]
cache_dir = {scratch}/cache
log_file = {scratch}/supysonic.log
mount_webui = off

[daemon]
socket = {scratch}/supysonic.sock
""")
