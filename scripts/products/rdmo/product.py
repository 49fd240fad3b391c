"""RDMO: plans for research data, Django REST framework. Each user owns three projects; its token is its log-in."""

import contextlib
import json
import pathlib
import secrets
import shutil
from collections.abc import Iterator

import kit

HERE = pathlib.Path(__file__).resolve().parent
WANTED = ["rdmo==2.5.2", "waitress==3.0.2"]
EMPTY = "empty.sqlite3"
PROJECTS = "/api/v1/projects/projects/"
VALUES = PROJECTS + "{project}/values/"

# It names nothing of another's.
EXCUSED = frozenset({f"POST {PROJECTS} (project.create)"})

BUGS = [
    kit.Bug(
        name="a file is put to a value of whatever project",
        file="projects/viewsets.py",
        was="""    def file(self, request, parent_lookup_project, pk=None):
        value = self.get_object()
""",
        becomes="""    def file(self, request, parent_lookup_project, pk=None):
        value = get_object_or_404(Value, pk=pk)
""",
        leaks=frozenset({f"POST {VALUES}{{value}}/file/"}),
    ),
    kit.Bug(
        name="a project may be made part of another's",
        file="projects/serializers/v1/__init__.py",
        was="""    class ParentField(serializers.PrimaryKeyRelatedField):

        def get_queryset(self):
            return Project.objects.filter_user(self.context['request'].user)
""",
        becomes="""    class ParentField(serializers.PrimaryKeyRelatedField):

        def get_queryset(self):
            return Project.objects.all()
""",
        leaks=frozenset({f"POST {PROJECTS} (part.create)"}),
    ),
]


def install() -> pathlib.Path:
    return kit.wheels("rdmo", WANTED, then=migrate)


def migrate(venv: pathlib.Path) -> None:
    """An empty database: to make it takes longer than a whole run."""
    kit.command([venv / "bin" / "rdmo-admin", "migrate", "-v0"], kit.COMMAND_SECONDS, env=environment(venv))
    (venv / "rdmo.sqlite3").rename(venv / EMPTY)


def environment(folder: pathlib.Path) -> dict[str, str]:
    return kit.environment(
        RDMO_FOLDER=folder,
        RDMO_SECRET_KEY=secrets.token_urlsafe(24),
        DJANGO_SETTINGS_MODULE="config.settings",
        PYTHONPATH=f"{folder / 'patched'}:{HERE}",
    )


@contextlib.contextmanager
def start(scratch: pathlib.Path, bug: kit.Bug | None) -> Iterator[kit.Place]:
    venv = install()
    if bug:
        kit.copied(kit.site_packages(venv) / "rdmo", scratch / "patched" / "rdmo", bug)
    shutil.copyfile(venv / EMPTY, scratch / "rdmo.sqlite3")
    env = environment(scratch)
    tokens = json.loads(kit.command([venv / "bin" / "python", HERE / "seed.py"], kit.COMMAND_SECONDS, env=env))
    logins = {user: f"Token {token}" for user, token in tokens.items()}

    # One thread: SQLite takes one writer at a time, and what it keeps waiting may fail.
    def words(port: int) -> list:
        server = venv / "bin" / "waitress-serve"
        return [server, f"--listen=127.0.0.1:{port}", "--threads=1", "config.wsgi:application"]

    def ready(port: int) -> bool:
        return kit.request("GET", f"http://127.0.0.1:{port}{PROJECTS}")[0] == 401

    with kit.serving(scratch / "server.log", words, ready, cwd=scratch, env=env) as port:
        url = f"http://127.0.0.1:{port}"
        for user, login in logins.items():
            for number in (1, 2, 3):
                project = {"title": f"plan {number} of {user}", "description": "", "catalog": 1}
                status, answer = kit.request("POST", url + PROJECTS, body=project, headers={"Authorization": login})
                if status != 201:
                    raise RuntimeError(f"rdmo: {user} can't make a project: {status} {answer[:300]}")
        names = {f"{user.upper()}_AUTHORIZATION": login for user, login in logins.items()}
        yield kit.Place({"RDMO_URL": url} | names, list(tokens.values()))
