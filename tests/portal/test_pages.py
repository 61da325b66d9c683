"""The pages of a signed-in customer: what they show, and that none shows anybody else's."""

import datetime as dt

from tests import factories
from tests.databases import recorded_statements
from tests.factories import NOW
from tests.portal.conftest import Portal


def test_an_order_is_shown_in_full(portal: Portal) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        order = factories.make_order(session, customer_id=one, number="SO-77", shipping=350, total=2_750)
        factories.make_order_line(session, order=order, name="Rioja <2019>")
        factories.make_shipment(session, order=order, tracking_number="RM 1")
        factories.make_shipment(session, order=order, tracking_number="https://track.example/1")
        factories.make_shipment(session, order=order, tracking_number="javascript:alert(1)")
        found = order.id
    visitor = portal.signed_in(one)
    assert "SO-77" in visitor.get("/orders/").text
    page = visitor.get(f"/orders/{found}/").text
    for told in ("Rioja &lt;2019&gt;", "£3.50", "£27.50", "Received", "Tracking number RM 1",
                 'href="https://track.example/1"', "Tracking number javascript:alert(1)"):  # fmt: skip
        assert told in page, told
    assert 'href="javascript' not in page


def test_lists_come_in_pages_of_twenty(portal: Portal) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        for n in range(45):
            factories.make_order(session, customer_id=one, number=f"N-{n:02}", placed_at=NOW)
    visitor, seen = portal.signed_in(one), []
    path: str | None = "/orders/"
    while path:
        page = visitor.get(path).text
        seen.append([number for n in range(45) if (number := f"N-{n:02}") in page])
        rest = page.partition('rel="next" href="/portal')[2]
        path = rest.partition('"')[0] or None
    assert [len(part) for part in seen] == [20, 20, 5]
    assert sorted(number for part in seen for number in part) == [f"N-{n:02}" for n in range(45)]


def test_points_past_their_date_are_not_available_and_those_of_one_day_stand_together(portal: Portal) -> None:
    one = portal.customer()
    ends = dt.datetime(2030, 7, 31, 23, tzinfo=dt.UTC)  # midnight in London
    with portal.arrange() as session:
        for points, end in ((70, NOW), (5, ends), (6, ends), (1_000, None)):
            entry = factories.make_loyalty_entry(session, customer_id=one, points=points, expires_at=end)
            factories.make_loyalty_lot(session, entry=entry, points=points, expires_at=end)
    page = portal.signed_in(one).get("/points/").text
    assert "<dd>1,011</dd>" in page
    assert 'Use by 31 Jul 2030</span><span class="amount">11<' in page
    assert 'No expiry date</span><span class="amount">1,000<' in page
    assert page.count("Earned") == 4


def test_the_overview_takes_few_statements(portal: Portal) -> None:
    one = portal.customer()
    with portal.arrange() as session:
        for _n in range(8):
            factories.make_order(session, customer_id=one)
        factories.make_credit_entry(session, customer_id=one)
    visitor = portal.signed_in(one)
    with recorded_statements() as statements:
        assert visitor.get("/").status_code == 200
    asked = [s for s in statements if not s.startswith(("PRAGMA", "BEGIN", "SET ", "SELECT set_config"))]
    assert len(asked) <= 10, asked
