"""The peer: stock Flask-Admin over the same customers, with the columns, search and filters our own list declares."""

from __future__ import annotations

from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_babel import Babel

from models import dialect
from models.base import db
from models.customer import Customer

PATH = "/admin/customer/"


class StockCustomers(ModelView):
    """Flask-Admin as its manual shows it."""

    column_list = (
        "last_name", "first_name", "email", "status", "account_type", "customer_class", "points", "account_balance",
    )  # fmt: skip
    column_default_sort = "last_name_key"
    column_searchable_list = ("last_name", "first_name", "email")
    column_filters = ("last_name", "email", "status", "account_type", "is_active", "points")
    form_columns = ("first_name", "last_name")
    can_export = True
    page_size = 50


def stock_app(url: str) -> Flask:
    """Return an application with one stock list over the database at ``url``; nobody has to sign in."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="bench",  # noqa: S106  nobody signs in
        SQLALCHEMY_DATABASE_URI=url,
        SQLALCHEMY_ENGINE_OPTIONS=dialect.engine_options(url),
    )
    Babel(app)
    db.init_app(app)
    with app.app_context():
        dialect.configure(db.engine)
    Admin(app).add_view(StockCustomers(Customer, db.session, endpoint="customer"))
    return app
