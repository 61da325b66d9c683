"""Staff who log in as a customer: the hand-over, the session and its banner (rules 6.6 to 6.9)."""

from tests.portal.conftest import Portal
from tests.portal.login_as_desk import desk


def test_staff_see_the_account_under_a_banner_and_end_it(portal: Portal) -> None:
    one = portal.customer(first_name="Rashid", last_name="Karim")
    visitor = desk(portal).log_in(one)
    page = visitor.get("/").text
    assert "Hello Rashid" in page
    assert "Support Tester is logged in as Rashid Karim." in page
    assert "30 minutes left." in page
    assert "Read-only." in page
    done = visitor.post("/log-in-as/end/", page="/")
    assert done.status_code == 303
    assert done.location.endswith(f"/admin/customer/details/?id={one}")
    assert not visitor.is_in
