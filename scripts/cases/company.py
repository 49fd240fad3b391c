"""An ERP of JSON-RPC over a session cookie, after Odoo: every call goes to one address, the company is named in the context of
the call, ids are numbers that two companies never share, and a create answers with a bare number. Whatever fails is a 200 with
"Odoo Server Error", which a record of another company is as well as one that is not there.

With the bug, allowed_company_ids of the context is believed where records are searched (search_read, name_search, search_count).
"""

import re
import secrets

from kit import BUG, Answer, App, Kept, counter


def call(model, method, args, kwargs=""):
    context = "context = { allowed_company_ids = [\"{company}\"] }"
    return (f'{{ request = "POST /web/dataset/call_kw", body = {{ jsonrpc = "2.0", method = "call", params = {{ model = "{model}", '
            f'method = "{method}", args = {args}, kwargs = {{ {context}{kwargs} }} }} }} }}')


SPEC = """
tenancy.locator = "token"
limits.rate = 5000
target = { name = "erp", url = "$URL", environment = "test", settle = "100ms" }
tenant = [
  { id = "belgium", values = { company = 1 }, principal = [{ name = "anna", grant = "session", steps = [{ request = "POST /web/session/authenticate", json = { jsonrpc = "2.0", method = "call", params = { db = "erp", login = "anna", password = "$PASS_A" } } }] }] },
  { id = "brazil", values = { company = 2 }, principal = [{ name = "bruno", grant = "session", steps = [{ request = "POST /web/session/authenticate", json = { jsonrpc = "2.0", method = "call", params = { db = "erp", login = "bruno", password = "$PASS_B" } } }] }] },
]
[[resource]]
name = "partner"
id = "$.result"
create = CALL(res.partner|create|[{ name = "{canary}" }])
list = CALL(res.partner|search_read|[[], ["name"]])
read = CALL(res.partner|read|[["{partner}"], ["name"]])
patch = CALL(res.partner|write|[["{partner}"], { name = "{canary}" }])
delete = CALL(res.partner|unlink|[["{partner}"]])
search = CALL(res.partner|name_search|["{canary.public}"])
count = CALL(res.partner|search_count|[[]])
[[resource]]
name = "order"
id = "$.result"
create = CALL(sale.order|create|[{ partner_id = "{partner}", note = "{canary}" }])
list = CALL(sale.order|search_read|[[], ["note"]])
read = CALL(sale.order|read|[["{order}"], ["note", "partner_id"]])
delete = CALL(sale.order|unlink|[["{order}"]])
"""
SPEC = re.sub(r"CALL\(([^|]*)\|([^|]*)\|(.*)\)$", lambda found: call(*found.groups()), SPEC, flags=re.M)
ENV = {"PASS_A": "anna-pw-44120", "PASS_B": "bruno-pw-99183"}
LEAKS = ["POST /web/dataset/call_kw (partner.list)", "POST /web/dataset/call_kw (partner.search)",
         "POST /web/dataset/call_kw (partner.count)", "POST /web/dataset/call_kw (order.list)"]

app = App()
USERS = {("anna", ENV["PASS_A"]): 1, ("bruno", ENV["PASS_B"]): 2}
sessions = {}
next_id = counter(31)
models = {"res.partner": Kept(next_id), "sale.order": Kept(next_id)}


class Failed(Exception):
    def __init__(self, kind, message):
        super().__init__(message)
        self.kind, self.message = kind, message


def told(ask, result):
    return {"jsonrpc": "2.0", "id": (ask.json or {}).get("id"), "result": result}


def failed(ask, kind, message, code=200, title="Odoo Server Error"):
    data = {"name": f"odoo.exceptions.{kind}", "debug": "Traceback (most recent call last): …", "message": message, "arguments": [message], "context": {}}
    return {"jsonrpc": "2.0", "id": (ask.json or {}).get("id"), "error": {"code": code, "message": title, "data": data}}


@app.route("POST", "/web/session/authenticate")
def log_in(ask):
    params = (ask.json or {}).get("params") or {}
    company = USERS.get((params.get("login"), params.get("password")))
    if not company:
        return failed(ask, "AccessDenied", "Access Denied")
    id = secrets.token_hex(20)
    sessions[id] = company
    body = told(ask, {"uid": company + 4, "db": "erp", "user_companies": {"current_company": company}})
    return Answer(200, body, [("set-cookie", f"session_id={id}; HttpOnly; Path=/")])


def records(model, ids, company):
    found = [models[model].all.get(id) for id in ids]
    if not all(one and one["tenant"] == company for one in found):
        raise Failed("MissingError", "Record does not exist or has been deleted.\n\n(Record: " + model + str(tuple(ids)) + ", User: " + str(company + 4) + ")")
    return found


def field(model, one, name):
    if name == "partner_id":
        partner = models["res.partner"].all.get(one["partner_id"])
        return [partner["id"], partner["name"]] if partner else False
    return one.get(name, False)


@app.route("POST", "/web/dataset/call_kw")
def call_kw(ask):
    company = sessions.get(ask.cookies.get("session_id"))
    if not company:
        return failed(ask, "SessionExpiredException", "Session expired", 100, "Odoo Session Expired")
    try:
        return told(ask, done(company, ask.json["params"]))
    except Failed as fault:
        return failed(ask, fault.kind, fault.message)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as fault:
        return failed(ask, type(fault).__name__, str(fault))


def done(company, params):
    model, method, args = params["model"], params["method"], params["args"]
    kept = models[model]
    most = {"search_read": 2, "name_search": 1, "search_count": 1, "create": 1, "read": 2, "write": 2, "unlink": 1}[method]
    if len(args) > most:
        raise Failed("TypeError", f"{method}() takes from 1 to {most + 1} positional arguments but {len(args) + 1} were given")
    allowed = ((params.get("kwargs") or {}).get("context") or {}).get("allowed_company_ids") or [company]
    if any(one != company for one in allowed) and not (BUG and method in ("search_read", "name_search", "search_count")):
        raise Failed("AccessError", "Access to unauthorized or invalid companies.")
    mine = [one for one in kept.all.values() if one["tenant"] in allowed]
    match method:
        case "search_read":
            return [{"id": one["id"], **{name: field(model, one, name) for name in args[1]}} for one in mine]
        case "name_search":
            return [[one["id"], one["name"]] for one in mine if args[0] in one["name"]]
        case "search_count":
            return len(mine)
        case "create":
            if model == "sale.order":
                records("res.partner", [args[0]["partner_id"]], company)
            return kept.add(company, **args[0])["id"]
        case "read":
            return [{"id": one["id"], **{name: field(model, one, name) for name in args[1]}} for one in records(model, args[0], company)]
        case "write":
            for one in records(model, args[0], company):
                one.update(args[1])
            return True
        case "unlink":
            for one in records(model, args[0], company):
                del kept.all[one["id"]]
            return True
    raise Failed("AttributeError", f"The method '{method}' does not exist on the model '{model}'")


if __name__ == "__main__":
    app.serve()
