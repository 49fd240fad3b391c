"""What the case servers share: requests, answers, objects of tenants. Loopback only, in memory, one process each."""

import json
import os
import re
import secrets
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Whether the server has the bug that its case is about.
BUG = os.environ.get("BUG") == "1"


class Ask:
    """A request."""

    def __init__(self, handler):
        self.method = handler.command
        path, _, query = handler.path.partition("?")
        self.path, self.target = path, handler.path
        self.query = dict(urllib.parse.parse_qsl(query))
        self.headers = handler.headers
        length = int(handler.headers.get("content-length") or 0)
        self.raw = handler.rfile.read(length)
        self.kind = handler.headers.get("content-type") or ""

    @property
    def json(self):
        try:
            return json.loads(self.raw)
        except ValueError:
            return None

    @property
    def form(self):
        return dict(urllib.parse.parse_qsl(self.raw.decode("utf-8", "replace")))

    @property
    def cookies(self):
        pairs = (self.headers.get("cookie") or "").split("; ")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)

    @property
    def parts(self):
        """Of a multipart body: name → (file name or none, content)."""
        found = re.search(r"boundary=([^;]+)", self.kind)
        if not found:
            return {}
        parts = {}
        for part in self.raw.split(b"--" + found[1].encode())[1:-1]:
            head, _, content = part.partition(b"\r\n\r\n")
            name = re.search(rb'name="([^"]*)"', head)[1].decode()
            file = re.search(rb'filename="([^"]*)"', head)
            parts[name] = (file and file[1].decode(), content[:-2])
        return parts


class Answer(Exception):
    """An answer; raised or returned."""

    def __init__(self, status, body=None, headers=(), kind=None):
        super().__init__(status)
        self.status, self.headers = status, list(headers)
        if isinstance(body, (dict, list)):
            body, kind = json.dumps(body), kind or "application/json"
        self.body = body.encode() if isinstance(body, str) else (body or b"")
        self.kind = kind or "text/plain; charset=utf-8"


class App:
    """Routes, each a method and a pattern of the path: `app.route("GET", "/cases/(\\w+)")`."""

    def __init__(self):
        self.routes, self.lock = [], threading.RLock()

    def route(self, method, pattern):
        def add(function):
            self.routes.append((method, re.compile(pattern), function))
            return function
        return add

    def answer(self, ask):
        is_known = False
        for method, pattern, function in self.routes:
            found = pattern.fullmatch(urllib.parse.unquote(ask.path))
            if not found:
                continue
            is_known = True
            if method == ask.method:
                with self.lock:
                    told = function(ask, *found.groups())
                return told if isinstance(told, Answer) else Answer(200, told)
        return Answer(405 if is_known else 404, {"error": "not allowed" if is_known else "no such route"})

    def serve(self, beside=None):
        """On a free port, which the first line that is printed names; another app beside it, on a second one."""
        servers = [one.listen() for one in (self, beside) if one]
        if beside:
            self.beside = f"http://127.0.0.1:{servers[1].server_port}"
            threading.Thread(target=servers[1].serve_forever, daemon=True).start()
        print(*(server.server_port for server in servers), flush=True)
        servers[0].serve_forever()

    def listen(self):
        app = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def handle_any(self):
                ask = Ask(self)
                try:
                    told = app.answer(ask)
                except Answer as answer:
                    told = answer
                except Exception as fault:  # noqa: BLE001
                    told = Answer(500, {"error": repr(fault)})
                self.send_response(told.status)
                for name, value in told.headers:
                    self.send_header(name, value)
                self.send_header("content-type", told.kind)
                self.send_header("content-length", str(len(told.body)))
                self.end_headers()
                if ask.method != "HEAD":
                    self.wfile.write(told.body)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def bearer(ask, tokens):
    """The tenant of the token, or 401."""
    scheme, _, token = (ask.headers.get("authorization") or "").partition(" ")
    if scheme != "Bearer" or token not in tokens:
        raise Answer(401, {"error": "a token, please"})
    return tokens[token]


def key(ask, keys, header="x-api-key"):
    """The tenant of the API key, or 401."""
    if ask.headers.get(header) not in keys:
        raise Answer(401, {"error": "a key, please"})
    return keys[ask.headers[header]]


NOWHERE = {"error": "not found"}


def missing():
    return Answer(404, NOWHERE)


def own(kept, tenant, id):
    """What is kept by tenant and id, or 404."""
    if (tenant, id) not in kept:
        raise missing()
    return kept[tenant, id]


class Kept:
    """Objects of one kind, each of a tenant: `{"id": …, "tenant": …, …}`."""

    def __init__(self, new_id):
        self.new_id, self.all = new_id, {}

    def add(self, tenant, **members):
        one = {"id": self.new_id(), "tenant": tenant, **members}
        self.all[one["id"]] = one
        return one

    def of(self, tenant):
        return [one for one in self.all.values() if one["tenant"] == tenant]

    def get(self, tenant, id):
        """The tenant's own, or 404."""
        one = self.all.get(id)
        if one is None or one["tenant"] != tenant:
            raise missing()
        return one


def shown(one):
    return {name: value for name, value in one.items() if name != "tenant"}


def counter(first=1):
    """Ids that count, over all tenants."""
    numbers = iter(range(first, 1 << 30))
    return lambda: next(numbers)


def numbered(prefix):
    """Ids that can't be guessed."""
    return lambda: prefix + secrets.token_hex(8)


def rest(app, path, who, kept, accept, id_of=str):
    """List, create, read, replace, patch and delete, sound. `who` tells the tenant of a request, `accept` the members that a
    body may set, or raises."""
    app.route("GET", path)(lambda ask: [shown(one) for one in kept.of(who(ask))])

    @app.route("POST", path)
    def create(ask):
        tenant = who(ask)
        return Answer(201, shown(kept.add(tenant, **accept(tenant, ask.json or {}))))

    def item(ask, id):
        tenant = who(ask)
        try:
            return kept.get(tenant, id_of(id))
        except ValueError:
            raise missing() from None

    item_path = path + ("([^/]+)/" if path.endswith("/") else "/([^/]+)")
    app.route("GET", item_path)(lambda ask, id: shown(item(ask, id)))

    def change(ask, id):
        one = item(ask, id)
        one.update(accept(one["tenant"], {**shown(one), **(ask.json or {})}))
        return shown(one)

    app.route("PUT", item_path)(change)
    app.route("PATCH", item_path)(change)

    @app.route("DELETE", item_path)
    def delete(ask, id):
        del kept.all[item(ask, id)["id"]]
        return Answer(204)


def below(kept, above, id):
    """What is kept below another object, which is its `tenant`, or 404."""
    return kept.get(above["id"], id)


def rest_below(app, path, above, kept, accept, place=None):
    """The same as `rest` for objects below others: `above` tells the one that a path names, or raises; `place`, if another one
    is asked where something is created."""
    app.route("GET", path)(lambda ask, *ids: [shown(one) for one in kept.of(above(ask, *ids)["id"])])

    @app.route("POST", path)
    def create(ask, *ids):
        return Answer(201, shown(kept.add((place or above)(ask, *ids)["id"], **accept(ask.json or {}))))

    def item(ask, ids):
        return below(kept, above(ask, *ids[:-1]), ids[-1])

    item_path = path + "/([^/]+)"
    app.route("GET", item_path)(lambda ask, *ids: shown(item(ask, ids)))

    def change(ask, *ids):
        one = item(ask, ids)
        one.update(accept(ask.json or {}))
        return shown(one)

    app.route("PUT", item_path)(change)
    app.route("PATCH", item_path)(change)

    @app.route("DELETE", item_path)
    def delete(ask, *ids):
        del kept.all[item(ask, ids)["id"]]
        return Answer(204)


def text(body, name):
    """A member that must be a text, or 422."""
    if not isinstance(body.get(name), str) or not body[name]:
        raise Answer(422, {"errors": [f"{name} is required"]})
    return body[name]


def cached_by_address(app, is_dropped=lambda _: False):
    """Puts a cache before an app that goes by path and query alone. A write drops the answers of which `is_dropped` says
    so, by their path."""
    behind, kept_answers = app.answer, {}

    def answer(ask):
        if ask.method != "GET":
            for target in [target for target in kept_answers if is_dropped(target.partition("?")[0])]:
                del kept_answers[target]
            return behind(ask)
        if ask.target not in kept_answers:
            told = behind(ask)
            if told.status != 200:
                return told
            kept_answers[ask.target] = told
        return kept_answers[ask.target]

    app.answer = answer


def people(*tenants):
    """Six users of each tenant from before any run, each with a key by which it is recognised."""
    kept = Kept(None)
    for first, tenant in enumerate(tenants, 1):
        for number in range(1, 7):
            id, key = f"u-{first}{number}", f"{tenant}-{7000 + number * 37}-k"
            name = f"{tenant.title()} Person {number}"
            kept.all[id] = {"id": id, "tenant": tenant, "name": name, "key": key, "open": 0, "disabled": False}
    return kept
