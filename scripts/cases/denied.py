"""GraphQL answers 200 whatever it says: who asks for another's is told that it is forbidden, and of what is not there null.

CWE-203 (an oracle), and CWE-639: the change looks at no owner. No refusal is an object of the attacker's own.
"""

from kit import BUG, App, Kept, bearer, counter, shown

SPEC = """
tenancy.locator = "token"
tenant = [
  { id = "aspen", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_A" }] },
  { id = "cedar", principal = [{ name = "api", grant = "header", header = "Authorization", value = "$KEY_B" }] },
]
limits.rate = 5000
[target]
name = "notes"
url = "$URL"
environment = "test"
settle = "100ms"
[[resource]]
name = "note"
id = "$.data.add.id"
create = { request = "POST /g", graphql = "mutation($t: String!) { add(t: $t) { id } }", variables = { t = "{canary}" } }
list = { request = "POST /g", graphql = "{ notes { id text } }" }
read = { request = "POST /g", graphql = "query($id: ID!) { note(id: $id) { id text } }", variables = { id = "{note}" } }
patch = { request = "POST /g", graphql = "mutation($id: ID!, $t: String!) { edit(id: $id, t: $t) { id } }", variables = { id = "{note}", t = "{canary}" } }
delete = { request = "POST /g", graphql = "mutation($id: ID!) { drop(id: $id) { id } }", variables = { id = "{note}" } }
"""
ENV = {"KEY_A": "Bearer a-1", "KEY_B": "Bearer b-2"}
LEAKS = ["POST /g (note.read)", "POST /g (note.patch)"]

app = App()
TOKENS = {"a-1": "aspen", "b-2": "cedar"}
notes = Kept(counter(40))


@app.route("POST", "/g")
def graphql(ask):
    tenant, query, variables = bearer(ask, TOKENS), ask.json["query"], ask.json.get("variables") or {}
    if "add(t" in query:
        return {"data": {"add": shown(notes.add(tenant, text=variables["t"]))}}
    if "notes" in query:
        return {"data": {"notes": [shown(note) for note in notes.of(tenant)]}}
    field = next(name for name in ("note(", "edit(", "drop(") if name + "id: $id" in query).rstrip("(")
    note = notes.all.get(int(variables["id"]))
    is_open = field == "edit" and BUG
    if not note or (note["tenant"] != tenant and not is_open):
        is_told_apart = note and BUG
        return refused(field, "FORBIDDEN" if is_told_apart else None)
    if field == "edit":
        note["text"] = variables["t"]
    if field == "drop":
        del notes.all[note["id"]]
    return {"data": {field: shown(note) if field == "note" else {"id": note["id"]}}}


def refused(field, code):
    answer = {"data": {field: None}}
    if code:
        answer["errors"] = [{"message": "not yours", "path": [field], "extensions": {"code": code}}]
    return answer


if __name__ == "__main__":
    app.serve()
