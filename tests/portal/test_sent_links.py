"""What staff see of a link to a password that they had sent: whether it has gone out, and when (rule 5.3)."""

import re

import pytest
import sqlalchemy as sa

from models.choices import Status
from models.mail import Mail, MailState
from tests.portal.conftest import Portal
from tests.portal.test_passwords import send as send_reset

LINE = re.compile(r'<p class="record-line"[^>]*>(?:<svg.*?</svg>)?(.*?)</p>', re.DOTALL)


def line(portal: Portal, customer_id: int, role: str = "Support") -> tuple[str, bool]:
    """What the head of the record says, and whether the page keeps itself fresh."""
    page = portal.staff(role).get(f"/admin/customer/details/?id={customer_id}").text
    head = page.partition('id="record-header"')[2].partition(">")[0]
    found = LINE.search(page)
    return (found.group(1).strip() if found else ""), "data-live" in head


@pytest.mark.both_databases
def test_the_record_says_when_the_link_went_out(portal: Portal) -> None:
    one = portal.customer(email="otto@example.com")
    assert line(portal, one) == ("", False)
    send_reset(portal, one)
    assert line(portal, one) == ("Password reset link is being sent to o***@example.com.", True)
    portal.work()
    portal.clock.move(minutes=5)
    assert line(portal, one) == (
        "Password reset link sent to o***@example.com at 13:00, good until 14:00.",
        False,
    )


def test_it_goes_with_the_link(portal: Portal) -> None:
    one, other = portal.customer(), portal.customer()
    send_reset(portal, one)
    portal.work()
    assert line(portal, other) == ("", False)
    assert line(portal, one, "Read-only") == ("", False), "of those who may send one"
    portal.clock.move(minutes=61)
    assert line(portal, one) == ("", False)


def test_the_newest_link_is_the_one_told_of(portal: Portal) -> None:
    one = portal.customer()
    for minutes in (10, 0):
        send_reset(portal, one)
        portal.work()
        portal.clock.move(minutes=minutes)
    assert "at 13:10, good until 14:10" in line(portal, one)[0]


def test_an_invitation_says_the_day_until_which_it_is_good(portal: Portal) -> None:
    one = portal.customer(status=Status.IN_STORE, email="otto@example.com")
    assert portal.staff().send(f"/admin/customer/act/invite/?id={one}").status_code == 302
    portal.work()
    assert line(portal, one)[0].startswith("Invitation sent to o***@example.com at 13:00, good until 13:00 (")


@pytest.mark.parametrize(
    ("state", "error", "says"),
    [
        (
            MailState.WAITING,
            "No answer.",
            "not sent to o***@example.com yet: No answer. It will be tried again.",
        ),
        (MailState.FAILED, "550 unknown", "not sent to o***@example.com. 550 unknown"),
        (MailState.WITHHELD, None, "not sent to o***@example.com. No mail server is set up."),
    ],
)
def test_what_did_not_go_out_is_not_said_to_have(
    portal: Portal, state: MailState, error: str | None, says: str
) -> None:
    one = portal.customer(email="otto@example.com")
    send_reset(portal, one)
    with portal.arrange() as session:
        session.execute(sa.update(Mail).values(state=state, last_error=error))
    assert line(portal, one) == (f"Password reset link {says}", False)
