"""A picture and an archive go to any user who can name them. What is no whole picture or archive is not taken.

cert-lv/graphoscope PR #11, with what is no text.
"""

import io
import struct
import zipfile
import zlib

from kit import BUG, Answer, App, Kept, bearer, missing, numbered

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "amber", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "coral", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "shop"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "photo"
create = { request = "POST /photos", multipart = { alt = "{unique} \\\\ ü", file = "{file:photo.png}" } }
read = "GET /photos/{photo}"
methods = ["create", "read"]
[[resource]]
name = "bundle"
create = { request = "POST /bundles", multipart = { file = "{file:all.zip}" } }
read = "GET /bundles/{bundle}"
methods = ["create", "read", "delete"]
delete = "DELETE /bundles/{bundle}"
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["GET /photos/{photo}", "GET /bundles/{bundle}", "DELETE /bundles/{bundle}"]

app = App()
TOKENS = {"a-1": "amber", "b-2": "coral"}
photos, bundles = Kept(numbered("p-")), Kept(numbered("b-"))


def uploaded(ask):
    parts = ask.parts
    if "file" not in parts or not parts["file"][0]:
        raise Answer(400, {"error": "a file, please"})
    return parts["file"][1]


def check_picture(data):
    """Whether it is a PNG with a whole picture in it, else 422."""
    broken = Answer(422, {"error": "no picture"})
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        raise broken
    at, chunks = 8, {}
    while at < len(data):
        length, = struct.unpack(">I", data[at:at + 4])
        kind, content = data[at + 4:at + 8], data[at + 8:at + 8 + length]
        if struct.pack(">I", zlib.crc32(kind + content)) != data[at + 8 + length:at + 12 + length]:
            raise broken
        chunks[kind] = content
        at += 12 + length
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    if b"IEND" not in chunks or len(zlib.decompress(chunks[b"IDAT"])) != height * (1 + width):
        raise broken


def own(ask, kept, id):
    tenant = bearer(ask, TOKENS)
    one = kept.all.get(id)
    if one is None or (one["tenant"] != tenant and not BUG):
        raise missing()
    return one


@app.route("POST", "/photos")
def add_photo(ask):
    tenant, data = bearer(ask, TOKENS), uploaded(ask)
    check_picture(data)
    if not ask.parts["alt"][1].decode().endswith(" \\ ü"):
        return Answer(422, {"error": "another text"})
    return Answer(201, {"id": photos.add(tenant, data=data)["id"]})


@app.route("GET", "/photos/([^/]+)")
def photo(ask, id):
    return Answer(200, own(ask, photos, id)["data"], kind="image/png")


@app.route("POST", "/bundles")
def add_bundle(ask):
    tenant, data = bearer(ask, TOKENS), uploaded(ask)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if archive.testzip() or archive.namelist() != ["notes.txt"]:
            return Answer(422, {"error": "no archive"})
    return Answer(201, {"id": bundles.add(tenant, data=data)["id"]})


@app.route("GET", "/bundles/([^/]+)")
def bundle(ask, id):
    return Answer(200, own(ask, bundles, id)["data"], kind="application/zip")


@app.route("DELETE", "/bundles/([^/]+)")
def delete_bundle(ask, id):
    del bundles.all[own(ask, bundles, id)["id"]]
    return Answer(204)


if __name__ == "__main__":
    app.serve()
