"""A photo that a request names belongs to the album in its path: as a cover, on its wall or in print only one of the album's
own will do.

CWE-639: a cover is looked up by its id alone, so another's is shown. What hangs on the wall and is printed is looked up in
the album, and the album by its id alone: only who names both of another's gets in.
"""

from kit import BUG, Answer, App, Kept, bearer, numbered, rest, shown, text

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "mint", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "sage", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
target = { name = "albums", url = "$URL", environment = "test", settle = "100ms" }
operation = [
  { name = "cover", request = "PUT /albums/{album}/cover", body = { photo = "{photo}" }, effect = "change" },
  { name = "hang", request = "POST /albums/{album}/wall", body = { photos = ["{photo}"] }, effect = "change" },
  { name = "frame", request = "PUT /albums/{album}/photos/{photo}/frame", body = { frame = "{frame}" }, effect = "change" },
  { name = "print", request = "GET /albums/{album}/print?photo={photo}" },
]
[[resource]]
name = "album"
path = "/albums"
create = { title = "{canary}" }
patch = { request = "PATCH /albums/{album}", body = { first = "{photo}" } }
[[resource]]
name = "photo"
parent = "album"
create = { caption = "{canary}" }
[[resource]]
name = "frame"
parent = "album"
create = { caption = "{canary}" }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["GET /albums/{album}/print?photo={photo}", "POST /albums/{album}/wall", "PUT /albums/{album}/cover"]

app = App()
TOKENS = {"a-1": "mint", "b-2": "sage"}
albums, photos, frames = Kept(numbered("al")), Kept(numbered("ph")), Kept(numbered("fr"))


def who(ask):
    return bearer(ask, TOKENS)


def album_of(ask, id):
    return albums.get(who(ask), id)


def cover_of(album):
    cover = photos.all.get(album.get("cover"))
    return {**shown(album), "cover": cover and {"id": cover["id"], "caption": cover["caption"]}}


@app.route("PUT", "/albums/([^/]+)/cover")
def set_cover(ask, id):
    album = album_of(ask, id)
    photo = photos.all.get((ask.json or {}).get("photo"))
    if photo is None or (photo["tenant"] != album["id"] and not BUG):
        raise Answer(422, {"error": "no photo of this album"})
    album["cover"] = photo["id"]
    return cover_of(album)


def found(ask, album, id):
    """A photo of this album, which is looked up by its id alone with the bug."""
    album = albums.all.get(album) if BUG else album_of(ask, album)
    who(ask)
    photo = photos.all.get(id)
    if album is None or photo is None or photo["tenant"] != album["id"]:
        raise Answer(404, {"error": "no photo of this album"})
    return album, photo


@app.route("POST", "/albums/([^/]+)/wall")
def hang(ask, id):
    for photo in (ask.json or {}).get("photos") or [None]:
        album, _ = found(ask, id, photo)
        album["wall"] = [*album.get("wall", []), photo]
    return Answer(204)


@app.route("GET", "/albums/([^/]+)/print")
def print_out(ask, id):
    _, photo = found(ask, id, ask.query.get("photo"))
    return Answer(200, f"<svg><text>{photo['caption']}</text></svg>", kind="image/svg+xml")


@app.route("GET", "/albums/([^/]+)")
def show(ask, id):
    return cover_of(album_of(ask, id))


@app.route("PATCH", "/albums/([^/]+)")
def change(ask, id):
    album, body = album_of(ask, id), ask.json or {}
    if "first" in body:
        album["first"] = below(photos, ask, id, body["first"])["id"]
    return cover_of(album)


rest(app, "/albums", who, albums, lambda tenant, body: {"title": text(body, "title")})


@app.route("PUT", "/albums/([^/]+)/photos/([^/]+)/frame")
def frame(ask, album, id):
    photo, frame = below(photos, ask, album, id), below(frames, ask, album, (ask.json or {}).get("frame"))
    photo["frame"] = frame["caption"]
    return shown(photo)


def below(kept, ask, album, id):
    return kept.get(album_of(ask, album)["id"], id)


def in_album(name, kept):
    """What is below albums: `tenant` is here the album."""
    path = f"/albums/([^/]+)/{name}"
    app.route("GET", path)(lambda ask, album: [shown(one) for one in kept.of(album_of(ask, album)["id"])])

    @app.route("POST", path)
    def add(ask, album):
        return Answer(201, shown(kept.add(album_of(ask, album)["id"], caption=text(ask.json or {}, "caption"))))

    app.route("GET", path + "/([^/]+)")(lambda ask, album, id: shown(below(kept, ask, album, id)))

    def change(ask, album, id):
        one = below(kept, ask, album, id)
        one["caption"] = text(ask.json or {}, "caption")
        return shown(one)

    app.route("PUT", path + "/([^/]+)")(change)
    app.route("PATCH", path + "/([^/]+)")(change)

    @app.route("DELETE", path + "/([^/]+)")
    def delete(ask, album, id):
        del kept.all[below(kept, ask, album, id)["id"]]
        return Answer(204)


in_album("photos", photos)
in_album("frames", frames)

if __name__ == "__main__":
    app.serve()
