"""What a merge says before and after: all that stands in its way, what was decided, what moves, and to the customer."""

from typing import Any

from actions.core.base import Refused
from actions.execution.preview import Preview
from actions.execution.runner import Call, dry_run
from actions.merging import brought
from actions.merging.merge import ACCOUNTS_MERGED, merge
from models.address import Address
from models.choices import AccountType, Status
from models.duplicate import Verdict
from models.mail import Mail, MailState
from models.note import Note
from tests import factories
from tests.actions.desk import Desk
from tests.actions.merging.test_merge import WHY, put_together, rich, take_back


def seen(desk: Desk, survivor: int, *others: int, **given: Any) -> Preview:
    given = {"others": list(others), "reason": WHY, **given}
    return dry_run(desk.engine, merge, Call(desk.actor, desk.now), survivor, **given)


def told(blockers: list[Refused]) -> set[tuple[str, int | None, tuple[str, int] | None]]:
    """What each says: its code, whom it is about, and where it leads."""
    return {(b.code, b.about.id if b.about is not None else None, b.see) for b in blockers}


def test_all_that_stands_in_the_way_is_told_at_once_and_leads_there(desk: Desk) -> None:
    agent = desk.make(factories.make_agent)
    one = desk.customer(currency="GBP", account_balance=500)
    two = desk.customer(currency="EUR", account_balance=500, agent_id=agent)
    found = told(seen(desk, one, two, agent).blockers)
    assert found == {
        ("currencies", one, ("customer", one)),
        ("currencies", two, ("customer", two)),
        ("agent", two, ("customer", two)),
        ("not_an_agent", agent, ("customer", agent)),
    }


def test_each_record_that_is_none_any_more_is_told(desk: Desk) -> None:
    one, two, three = desk.customer(), desk.customer(), desk.customer()
    put_together(desk, three, two)
    erased = desk.customer(anonymised_at=factories.NOW)
    found = told(seen(desk, one, two, erased).blockers)
    assert found == {("merged", two, ("customer", two)), ("erased", erased, ("customer", erased))}


def test_what_somebody_decided_of_two_of_them_is_told(desk: Desk) -> None:
    one, two, three = (desk.customer(first_name="Joan", last_name="Cooke") for _n in range(3))
    for lower, higher, verdict in ((one, two, Verdict.HOUSEHOLD), (one, three, Verdict.DIFFERENT)):
        desk.make(factories.make_pair_decision, lower_id=lower, higher_id=higher, verdict=verdict)
    outcome = seen(desk, one, two, three).outcome
    assert outcome is not None
    texts = [w.text for w in outcome.warnings]
    assert f"Joan Cooke #{one} and Joan Cooke #{two} are linked as people of one household." in texts
    (day,) = [text for text in texts if text.startswith("Somebody said on ")]
    assert day.endswith(f"that Joan Cooke #{one} and Joan Cooke #{three} are not the same customer.")
    reopened = desk.customer()
    desk.make(factories.make_pair_decision, lower_id=one, higher_id=reopened, reopened_at=factories.NOW)
    outcome = seen(desk, one, reopened).outcome
    assert outcome is not None
    assert list(outcome.warnings) == []


def test_what_moves_is_said_alike_before_afterwards_and_of_the_journal(desk: Desk) -> None:
    one, two = rich(desk), rich(desk)
    for line in ("9 High St", "10 High St"):
        desk.create(Address, customer_id=two, line1=line, country="GB")
    desk.create(Note, customer_id=two, body="Likes Riesling")
    before = seen(desk, one, two).outcome
    assert before is not None
    assert before.sheet is not None
    words = before.sheet.moved
    assert words == (
        "1 order, 2 notes, 4 addresses (2 combined), 1 phone (1 combined), 2 account entries, 1 credit entry, "
        "1 external id, 1 invoice, 280 points"
    )
    done = put_together(desk, one, two)
    assert done.values["moved"] == words
    assert done.message.endswith(": %(moved)s moved.")
    assert done.changeset_id is not None
    with desk.look() as session:
        found = brought.of_changesets(session, [done.changeset_id])[done.changeset_id]
    assert brought.in_words(found, "en_GB") == words
    empty = seen(desk, one, desk.customer()).outcome
    assert empty is not None
    assert empty.message == "%(other)s was merged into %(survivor)s."


def test_sub_customers_and_earlier_merges_are_counted_as_what_they_are(desk: Desk) -> None:
    one, two = (desk.customer(account_type=AccountType.AGENT) for _n in range(2))
    desk.customer(agent_id=two)
    put_together(desk, two, desk.customer())
    done = put_together(desk, one, two)
    assert done.values["moved"] == "1 sub-customer"
    assert done.changeset_id is not None
    with desk.look() as session:
        found = brought.of_changesets(session, [done.changeset_id])[done.changeset_id]
    assert brought.in_words(found, "en_GB") == "1 sub-customer"


def test_the_customer_is_told_only_if_that_is_wanted_and_an_undo_holds_it_back(desk: Desk) -> None:
    one, two, three = (desk.customer(status=Status.REGISTERED) for _n in range(3))
    put_together(desk, one, two)
    assert desk.all(Mail, customer_id=one, template=ACCOUNTS_MERGED) == []
    rows = [row for row in seen(desk, one, three, tell_customer=True).rows if row.kind == "mailed"]
    assert [row.label for row in rows] == ["Your accounts are now one"]
    done = put_together(desk, one, three, tell_customer=True)
    (mail,) = desk.all(Mail, customer_id=one, template=ACCOUNTS_MERGED)
    assert (mail.recipient, mail.changeset_id) == (desk.of(one).email, done.changeset_id)
    take_back(desk, done)
    (mail,) = desk.all(Mail, customer_id=one, template=ACCOUNTS_MERGED)
    assert mail.state == MailState.WITHDRAWN


def test_where_the_survivor_has_no_email_it_is_said_and_none_is_written(desk: Desk) -> None:
    one, two = (desk.customer(email=None, status=Status.GUEST) for _n in range(2))
    outcome = seen(desk, one, two, tell_customer=True).outcome
    assert outcome is not None
    assert any("has no email address" in w.text for w in outcome.warnings)
