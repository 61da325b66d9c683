"""``flask act``: every declared action from the command line, by the same form and permission as on screen."""

import pytest
import sqlalchemy as sa

from models.customer import Customer
from models.journal import Changeset
from tests import application
from tests.admin.conftest import Shop
from tests.admin.row_actions.test_acting import CASES, Channel, on_sqlite, some_customer


class Shell(Channel):
    """The same action as a command."""

    def run(self, *more: str, role: str = "Admin") -> tuple[int, str]:
        """Return (exit code, what was printed)."""
        row = [str(self.row)] if self.row else []
        fields = [part for name, value in self.given.items() for part in ("--set", f"{name}={value}")]
        more = (*more, "--confirm", self.confirm) if self.confirm else more
        args = ["act", self.code, *row, "--as", application.USERNAMES[role], *fields, *more]
        done = self.shop.app.test_cli_runner().invoke(args=args)
        return done.exit_code, done.output


IN_A_BROWSER = ("customer.log_in_as",)
"""What ends with the session that it is done in."""


@on_sqlite
@pytest.mark.parametrize("code", [code for code in sorted(CASES) if code not in IN_A_BROWSER])
def test_it_previews_and_does_the_same_by_command(shop: Shop, code: str) -> None:
    shell = Shell(shop, code)
    before = shop.figures()
    status, said = shell.run("--preview")
    assert (status, shop.figures()) == (0, before), said
    assert "cannot be done" not in said
    assert shell.run(role="Read-only")[0] == 1
    assert shop.figures() == before
    mark = said.split("Fingerprint: ")[1].strip() if shell.confirm else ""
    seen = ("--key", "once", *(("--fingerprint", mark) if mark else ()))
    status, said = shell.run(*seen)
    assert status == 0, said
    after = shop.figures()
    assert shell.run(*seen)[0] == 0
    assert shop.figures() == after
    with shop.look() as session:
        done = session.scalars(sa.select(Changeset).order_by(Changeset.id.desc())).first()
        assert (done.action, done.actor_name) == (code, "Admin Tester")


@on_sqlite
@pytest.mark.parametrize("code", IN_A_BROWSER)
def test_what_needs_a_session_is_refused_to_a_command(shop: Shop, code: str) -> None:
    shell = Shell(shop, code)
    before = shop.figures()
    for more in ((), ("--preview",)):
        assert "from a session of your own" in shell.run(*more)[1]
    assert shop.figures() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["customer.nothing", "1"], "does not exist"), (["nothing.verify", "1"], "not found"), (["customer.verify"], "Give the records"),
        (["loyalty_entry.adjust", "1"], "does not take a record"), (["customer.verify", "999999"], "does not exist"),
        (["customer.verify", "{id}", "--set", "x=1"], "field does not exist"), (["customer.verify", "{id}", "--set", "x"], "FIELD=VALUE"),
        (["customer.deactivate", "{id}", "--set", "reason=x"], "reason"), (["customer.activate", "{id}"], "already active"),
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_says_why(shop: Shop, arguments: list[str], said: str) -> None:
    customer = some_customer(shop)
    before = shop.figures()
    args = ["act", *(a.format(id=customer) for a in arguments), "--as", "admin"]
    done = shop.app.test_cli_runner().invoke(args=args)
    assert done.exit_code in (1, 2)
    assert said in done.output
    assert shop.figures() == before


def test_nobody_acts_as_somebody_who_is_not_there(shop: Shop) -> None:
    done = shop.app.test_cli_runner().invoke(args=["act", "customer.verify", "1", "--as", "ghost"])
    assert done.exit_code == 2
    assert "--as" in done.output


def test_many_rows_are_one_changeset(shop: Shop) -> None:
    people = [str(some_customer(shop)) for _n in range(3)]
    done = shop.app.test_cli_runner().invoke(args=["act", "customer.verify", *people, "--as", "support"])
    assert done.exit_code == 0, done.output
    assert "3" in done.output
    assert all(shop.get(Customer, int(p)).verified_at for p in people)
    assert "customer.verify" in CASES
