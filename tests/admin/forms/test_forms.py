"""Forms: what is wrong stands under its field, money is read strictly, and pressing twice makes one record."""

from typing import Any

import pytest
import sqlalchemy as sa

from models.account import AccountEntry
from models.customer import Customer
from models.journal import Changeset
from models.note import Note
from models.personal import policy
from tests import factories
from tests.admin.conftest import Shop
from tests.admin.pages import Form, page_of
from tests.admin.screen.test_screens import CREATE, create, filled

BAD_MONEY = (
    "NaN", "nan", "Infinity", "-Infinity", "1e5", "1E5", "0.005", "12.345", "1_000", "１２", "１2.50", "1234567890", "9" * 60, "12.5.0", "12,50,0",
    "0x10", "--1", "1 000", ".", "abc", "٣", "½", "12.", ".5", "1\u00a0000",
)  # fmt: skip


def form_of(shop: Shop, path: str, role: str = "Admin") -> Form:
    """The form at an address."""
    return page_of(shop.client(role).get(path)).form(path.split("?", maxsplit=1)[0])


def sent(shop: Shop, form: Form, by: str = "Admin", /, **changes: Any) -> Any:
    """Send it with changes."""
    return shop.client(by).post(form.action, data=form.filled(**changes))


WRONG = [
    ("customer", "email", "nope"), ("customer", "email", "a@b"), ("customer", "email", "x" * 300 + "@example.com"), ("customer", "last_name", "x" * 101),
    ("customer", "date_of_birth", "2026-02-30"), ("customer", "date_of_birth", "2999-01-01"), ("customer", "date_of_birth", "yesterday"),
    ("customer", "vat_number", "GB1"), ("customer", "currency", "XXQ"), ("customer", "language", "nonsense"), ("customer", "gender", "nope"),
    ("customer", "account_type", "nope"), ("customer", "global_discount", "101"), ("customer", "global_discount", "-1"), ("customer", "global_discount", "1e1"),
    ("customer", "credit_limit", "-1"), ("customer", "sales_channel", "999999"), ("customer", "agent", "x"), ("customer", "customer_class", "1; DROP"),
    ("customer", "loyalty_code", "x" * 41), ("address", "postcode", "nope"), ("address", "country", "ZZ"), ("address", "line1", ""), ("address", "customer", ""),
    ("phone", "number", "12"), ("phone", "extension", "x"), ("phone", "kind", "nope"), ("customer_class", "name", ""), ("customer_class", "discount", "NaN"),
    ("customer_class", "free_tastings", "1.5"), ("customer_class", "free_tastings", "-1"), ("customer_class", "free_tastings", "99999999999"),
    ("note", "body", ""), ("note", "body", "  \n "), ("note", "kind", "nope"), ("note", "due_on", "0000-01-01"), ("note", "due_on", "２０２６-01-01"),
    ("payment_term", "days", "-1"), ("payment_term", "days", "²"), ("bank_account", "iban_last4", "12345"), ("sales_channel", "code", ""),
    ("attribute_definition", "kind", "nope"), ("attribute_definition", "code", ""), ("external_id", "system", "nope"), ("external_id", "value", ""),
]  # fmt: skip


@pytest.mark.parametrize("resource", sorted({resource for resource, _name, _value in WRONG}))
def test_what_is_wrong_stands_under_its_field_and_what_was_typed_is_kept(shop: Shop, resource: str) -> None:
    values, path = filled(shop, CREATE[resource]), f"/admin/{resource}/new/"
    form, before = form_of(shop, path), shop.figures()
    for name, wrong in ((n, v) for r, n, v in WRONG if r == resource):
        answer = sent(shop, form, **{**values, name: wrong})
        page = page_of(answer)
        assert answer.status_code == 422, f"{name}={wrong[:20]!r}: {answer.status}"
        assert page.error(name), f"{name}={wrong[:20]!r}: {page.errors}"
        if (
            wrong
            and wrong.strip()
            and name
            not in ("sales_channel", "agent", "customer_class", "gender", "kind", "system", "account_type")
        ):
            kept = page.form(path).fields.get(name)
            assert kept in (wrong, wrong.strip()) or name in ("country", "currency", "language"), (
                f"{name}: {kept!r}"
            )
    assert shop.figures() == before


def test_taken_values_are_said_under_their_field(shop: Shop) -> None:
    for resource, name, value in (
        ("customer", "email", "ann@example.com"), ("customer", "loyalty_code", "CARD1"), ("customer", "account_code", "ACC1"),
        ("customer_class", "name", "Gold"), ("sales_channel", "code", "SHOP"), ("attribute_definition", "code", "shoe"),
    ):  # fmt: skip
        create(shop, resource, **{name: value})
        values = (
            filled(shop, CREATE[resource]) | {"name": "Other", "code": "OTHER"}
            if resource != "customer"
            else filled(shop, CREATE[resource])
        )
        form = form_of(shop, f"/admin/{resource}/new/")
        answer = sent(
            shop,
            form,
            **{k: v for k, v in {**values, name: value.swapcase()}.items() if k in form.fields or k == name},
        )
        assert answer.status_code == 422, f"{resource}.{name}"
        assert page_of(answer).error(name), f"{resource}.{name}: {page_of(answer).errors}"


MONEY = [
    ("/admin/account_entry/act/pay/", "amount", {"method": "cash"}),
    ("/admin/account_entry/act/refund/", "amount", {"method": "cash"}),
    ("/admin/invoice/act/raise/", "amount", {}),
    ("/admin/credit_entry/act/adjust/", "amount", {"comment": "because"}),
    ("/admin/customer/new/", "credit_limit", {"last_name": "Byron"}),
]


@pytest.mark.either_database
@pytest.mark.parametrize(("path", "name", "given"), MONEY)
def test_money_is_read_strictly_and_named_when_it_is_not(
    shop: Shop, path: str, name: str, given: dict[str, str]
) -> None:
    customer = shop.make(factories.make_customer, pay_on_account=True)
    form, before = form_of(shop, path), shop.figures()
    values = {
        **given,
        **(
            {"customer": str(customer.id)}
            if "act" in path
            else {"sales_channel": str(customer.sales_channel_id)}
        ),
    }
    for wrong in BAD_MONEY:
        answer = sent(shop, form, **{**values, name: wrong})
        assert answer.status_code == 422, f"{wrong!r}: {answer.status}"
        assert page_of(answer).error(name), f"{wrong!r}: {page_of(answer).errors}"
    for wrong in ("0", "0.00", "-5") if "credit" not in path and name == "amount" else ("-0.001",):
        assert page_of(sent(shop, form, **{**values, name: wrong})).error(name), wrong
    assert shop.figures() == before
    good = sent(shop, form, **{**values, name: "999999.99"})
    assert good.status_code == 302, page_of(good).errors


def test_an_amount_is_kept_to_the_penny(shop: Shop) -> None:
    customer = shop.make(factories.make_customer).id
    for typed, minor in (
        ("0.01", 1),
        ("12", 1200),
        ("12.5", 1250),
        ("999999999.99", 99_999_999_999),
        (" 7.10 ", 710),
    ):
        form = form_of(shop, "/admin/account_entry/act/pay/")
        assert sent(shop, form, customer=str(customer), amount=typed, method="cash").status_code == 302
        with shop.look() as session:
            newest = session.scalars(sa.select(AccountEntry).order_by(AccountEntry.id.desc())).first()
            assert newest is not None
            assert newest.amount == -minor


def test_options_are_printed_as_wtforms_prints_them() -> None:
    from wtforms import Form as Plain
    from wtforms import SelectField
    from wtforms.validators import InputRequired
    from wtforms.widgets import Select

    from admin.forms.fast_select import ListedField, QuickSelect

    options = [("", ""), ("a", ""), ("b", "B & <b>\"x\"</b> 'y'"), ('"><script>', "é"), ("7", "Seven")]

    alike: dict[str, Any] = {
        "choices": lambda: options,
        "id": "it",
        "name": "it",
        "validators": [InputRequired()],
    }

    class All(Plain):
        quick = SelectField(widget=QuickSelect(), **alike)
        listed = ListedField(**alike)
        theirs = SelectField(widget=Select(), **alike)

    for value in ("", "b", '"><script>', "nothing"):
        form = All(data={"quick": value, "listed": value, "theirs": value})
        assert form.quick(class_="wide") == form.listed(class_="wide") == form.theirs(class_="wide")


# -- pressing twice -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_the_same_form_sent_twice_makes_one_record_and_answers_alike(
    shop: Shop, headers: dict[str, str]
) -> None:
    client = shop.client()
    for resource in ("note", "customer", "membership_group"):
        model, values = shop.screen(resource).model, filled(shop, CREATE[resource])
        form = form_of(shop, f"/admin/{resource}/new/")
        first, second = (
            client.post(form.action, data=form.filled(**values), headers=headers) for _n in range(2)
        )
        assert first.status_code == second.status_code == (204 if headers else 302)
        if headers:
            assert (
                first.headers["HX-Trigger"].partition('"id"')[2]
                == second.headers["HX-Trigger"].partition('"id"')[2]
            )
        else:
            assert first.location == second.location
        with shop.look() as session:
            made = session.scalar(
                sa.select(sa.func.count())
                .select_from(Changeset)
                .where(Changeset.action == f"{resource}.create", Changeset.actor_id.is_not(None))
            )
            assert made == 1
            assert session.scalar(sa.select(sa.func.count()).select_from(model)) >= 1


def test_the_same_key_with_another_body_is_refused_and_the_form_can_go_on(shop: Shop) -> None:
    values = filled(shop, CREATE["note"])
    form = form_of(shop, "/admin/note/new/")
    assert sent(shop, form, **values).status_code == 302
    answer = sent(shop, form, **{**values, "body": "Another"})
    assert answer.status_code == 422
    again = page_of(answer).form("/new/")
    assert again.fields["key"] != form.fields["key"], "or the form could never be sent"
    assert sent(shop, again).status_code == 302
    with shop.look() as session:
        assert sorted(session.scalars(sa.select(Note.body))) == ["Another", "Call back"]


def test_two_people_may_use_the_same_key(shop: Shop) -> None:
    values = filled(shop, CREATE["note"])
    for role in ("Admin", "Support"):
        form = form_of(shop, "/admin/note/new/", role)
        assert sent(shop, form, role, **values, key="the-same").status_code == 302
    with shop.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Note)) == 2


@pytest.mark.parametrize("key", ["x" * 101, "a\nb", "a\u0085b", "\u202e"])
def test_a_key_is_short_and_plain(shop: Shop, key: str) -> None:
    answer = sent(shop, form_of(shop, "/admin/note/new/"), **filled(shop, CREATE["note"]), key=key)
    assert answer.status_code == 400
    assert "key" in answer.get_data(as_text=True)


def test_a_payment_sent_twice_is_one_payment(shop: Shop) -> None:
    customer = shop.make(factories.make_customer).id
    form = form_of(shop, "/admin/account_entry/act/pay/")
    answers = [sent(shop, form, customer=str(customer), amount="5", method="cash") for _n in range(3)]
    assert {(a.status_code, a.location) for a in answers} == {(302, answers[0].location)}
    assert shop.get(Customer, customer).account_balance == -500
    changed = sent(shop, form, customer=str(customer), amount="6", method="cash")
    assert changed.status_code == 422
    assert shop.get(Customer, customer).account_balance == -500


# -- what forms may write -----------------------------------------------------------------------------------------------


def plausible(column: Any) -> str:
    """A value that a column would take."""
    if isinstance(column.type, sa.Enum):
        return str(column.type.enums[-1])
    if isinstance(column.type, sa.DateTime | sa.Date):
        return "2020-02-02"
    return "1"


@pytest.mark.either_database
@pytest.mark.parametrize("resource", CREATE)
def test_a_form_writes_only_the_fields_it_lists(shop: Shop, resource: str) -> None:
    screen = shop.screen(resource)
    columns = {p.key: p.columns[0] for p in sa.inspect(screen.model).column_attrs}
    listed = {
        screen.field(n).column.key for n in screen.form_columns if screen.field(n).attribute is not None
    }
    closed = {name: plausible(column) for name, column in columns.items() if name not in listed}
    assert {"version", "created_at", "id"} <= set(closed)
    plain = shop.get(screen.model, create(shop, resource))
    values = filled(shop, CREATE[resource]) | {
        n: f"{v}2" for n, v in CREATE[resource].items() if n in ("name", "code", "value")
    }
    form = form_of(shop, f"/admin/{resource}/new/")
    relations = {
        r.key: "1" for r in sa.inspect(screen.model).relationships if r.key not in screen.form_columns
    }
    hostile = {
        **relations,
        **closed,
        **{f"{n}_id": "1" for n in screen.form_columns if screen.field(n).kind == "lookup"},
    }
    answer = sent(shop, form, **hostile, **values)
    assert answer.status_code == 302, page_of(answer).errors
    made = shop.get(screen.model, int(answer.location.rpartition("=")[2]))
    derived = {n for n in closed if n.endswith("_key")} | {"id", "created_at", "updated_at", "registered_at"}
    stamped = set(closed) & {"confirmed_at"}  # with the moment of the save itself
    assert {n: getattr(made, n) for n in stamped} == dict.fromkeys(stamped, made.created_at)
    derived |= stamped
    open_ = [n for n in closed if n not in derived and policy(columns[n]).written_by != "form"]
    assert {n: getattr(made, n) for n in open_} == {n: getattr(plain, n) for n in open_}
    edit = form_of(shop, f"/admin/{resource}/edit/?id={made.id}")
    closed.pop("version")
    assert sent(shop, edit, **relations, **closed).status_code == 302
    after = shop.get(screen.model, made.id)
    assert {n: getattr(after, n) for n in columns} == {n: getattr(made, n) for n in columns}


def test_a_field_left_out_of_the_post_stays_as_it_is(shop: Shop) -> None:
    row_id = create(shop, "customer", email="ann@example.com", title="Dr")
    form = form_of(shop, f"/admin/customer/edit/?id={row_id}")
    assert sent(shop, form, email=None, title=None, first_name="Zoë").status_code == 302
    row = shop.get(Customer, row_id)
    assert (row.first_name, row.email, row.title) == ("Zoë", "ann@example.com", "Dr")


def test_merged_and_erased_records_are_not_edited(shop: Shop) -> None:
    with shop.arrange() as session:
        survivor = factories.make_customer(session)
        merged = factories.make_customer(session, email=None)
        merged.merged_into_id = survivor.id
        erased = factories.make_customer(session, email=None)
        erased.anonymised_at = factories.NOW
        session.flush()
        ids = {"merged": merged.id, "erased": erased.id}
    for word, row_id in ids.items():
        page = page_of(shop.client().get(f"/admin/customer/details/?id={row_id}"))
        assert ("merged into" in page.text) == (word == "merged")
        answer = sent(shop, form_of(shop, f"/admin/customer/edit/?id={row_id}"), title="Dr")
        assert answer.status_code == 409
        assert word in page_of(answer).text
        note = sent(shop, form_of(shop, "/admin/note/new/"), customer=str(row_id), kind="note", body="x")
        assert note.status_code in (409, 422)
        assert shop.get(Customer, row_id).title is None
