"""Vendure: e-commerce, GraphQL. Customers of a shop with placed orders, an open one, and an address each."""

import contextlib
import pathlib
import secrets
import shutil
from collections.abc import Iterator

import kit

HERE = pathlib.Path(__file__).resolve().parent
WANTED = ["@vendure/core@3.7.3", "sql.js@1.13.0"]
CUSTOMERS = ("north", "south")

# They name nothing of another's: each customer has one account and one open order.
EXCUSED = frozenset({"POST /shop-api (cart.patch)", "POST /shop-api (account.patch)"})

BUGS = [
    kit.Bug(
        name="anyone may change an address",
        file="dist/api/resolvers/shop/shop-customer.resolver.js",
        was="if (!customerAddresses.find(address => (0, utils_1.idsAreEqual)(address.id, args.input.id)))",
        becomes="if (false)",
        leaks=frozenset({"POST /shop-api (address.patch)"}),
    ),
    kit.Bug(
        name="another's order is told from none",
        file="dist/api/resolvers/shop/shop-order.resolver.js",
        was="""return order;
            }
            else {
                return;
            }""",
        becomes="""return order;
            }
            else {
                throw new errors_1.ForbiddenError(config_1.LogLevel.Verbose);
            }""",
        leaks=frozenset({"POST /shop-api (order.read)", "POST /shop-api (basket.read)"}),
    ),
]


def install() -> pathlib.Path:
    return kit.node_modules("vendure", WANTED)


@contextlib.contextmanager
def start(scratch: pathlib.Path, bug: kit.Bug | None) -> Iterator[kit.Place]:
    arrange(install(), scratch / "node_modules", bug)
    shutil.copy(HERE / "server.mjs", scratch)
    passwords = {f"{name}_PASSWORD": secrets.token_urlsafe(24) for name in ("ADMIN", *(c.upper() for c in CUSTOMERS))}
    log = scratch / "server.log"

    def words(port: int) -> list:
        return ["env", f"PORT={port}", "node", "server.mjs"]

    def ready(port: int) -> bool:
        return "\nready\n" in "\n" + log.read_text(errors="replace")

    with kit.serving(log, words, ready, cwd=scratch, env=kit.environment(**passwords)) as port:
        yield kit.Place({"VENDURE_URL": f"http://127.0.0.1:{port}"} | passwords, list(passwords.values()))


def arrange(installed: pathlib.Path, modules: pathlib.Path, bug: kit.Bug | None) -> None:
    """The packages as they are installed, by links, and a copy of the one that is to have a mistake."""
    (modules / "@vendure").mkdir(parents=True)
    for package in [*installed.iterdir(), *(installed / "@vendure").iterdir()]:
        link = modules / package.relative_to(installed)
        if bug and link == modules / "@vendure" / "core":
            kit.copied(package, link, bug)
        elif not link.exists():
            link.symlink_to(package)
