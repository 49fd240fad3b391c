"""Procedures that answer 200 and a code: another's is "not authorized", what is not there "not found"; one looks at no owner.

CWE-203 and CWE-639, as in a music server's interface. No refusal is an object of the attacker's own.
"""

from kit import BUG, App, Kept, numbered, shown

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "mint", principal = [{ name = "app", grant = "header", query = { key = "$KEY_A" } }] },
  { id = "sage", principal = [{ name = "app", grant = "header", query = { key = "$KEY_B" } }] },
]
limits.rate = 5000
[target]
name = "songs"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "playlist"
id = "$.response.playlist.id"
create = { request = "POST /rest/createPlaylist", form = { name = "{canary}" } }
list = "GET /rest/getPlaylists"
read = "GET /rest/getPlaylist?id={playlist}"
patch = { request = "POST /rest/updatePlaylist", form = { id = "{playlist}", name = "{canary}" } }
delete = "POST /rest/deletePlaylist?id={playlist}"
"""
ENV = {"KEY_A": "north-key-71aa", "KEY_B": "south-key-80bb"}
LEAKS = ["GET /rest/getPlaylist?id={playlist}", "POST /rest/deletePlaylist?id={playlist}"]

app = App()
TENANTS = {"north-key-71aa": "mint", "south-key-80bb": "sage"}
lists = Kept(numbered("pl"))


def told(**members):
    return {"response": {"status": "ok", "version": "1.16", **members}}


def failed(code, message):
    return {"response": {"status": "failed", "version": "1.16", "error": {"code": code, "message": message}}}


def rest(method, name):
    def add(function):
        @app.route(method, f"/rest/{name}")
        def answer(ask):
            tenant = TENANTS.get(ask.query.get("key"))
            return function(tenant, {**ask.query, **ask.form}) if tenant else failed(40, "Wrong key")
    return add


def named(function):
    """With the list that is named, where it is the caller's."""
    def answer(tenant, query):
        one = lists.all.get(query.get("id"))
        if one and (one["tenant"] == tenant or (BUG and function is drop)):
            return function(one, query)
        is_told_apart = one and BUG
        return failed(50, "User is not authorized for the given operation.") if is_told_apart else failed(70, "Playlist not found")
    return answer


@rest("POST", "createPlaylist")
def create(tenant, query):
    return told(playlist=shown(lists.add(tenant, name=query["name"])))


@rest("GET", "getPlaylists")
def all_lists(tenant, _):
    return told(playlists={"playlist": [shown(one) for one in lists.of(tenant)]})


def read(one, _):
    return told(playlist=shown(one))


def change(one, query):
    one["name"] = query["name"]
    return told()


def drop(one, _):
    del lists.all[one["id"]]
    return told()


rest("GET", "getPlaylist")(named(read))
rest("POST", "updatePlaylist")(named(change))
rest("POST", "deletePlaylist")(named(drop))


if __name__ == "__main__":
    app.serve()
