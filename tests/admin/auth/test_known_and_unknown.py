"""No sequence of tries tells whether there is such an account, or what else somebody signs in by (rule 16.2)."""

import re
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from actions.execution import rate_limit
from models.access import AttemptBucket
from models.mail import Mail
from tests import application
from tests.admin.my_account.test_own_account import user_id
from tests.admin.signing_in import BAD, GOOD, Place
from tests.databases import recorded_statements

SPELLINGS = {
    "as it is": str, "capitals": str.upper, "one capital": str.capitalize, "blanks": lambda name: f"  {name}\t",
    "full width": lambda name: "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in name),
}  # fmt: skip
KNOWN, UNKNOWN = ("support", "support@shop.test"), ("zupport", "zupport@shop.test")
"""User name and email of one account, and of none."""
Step = tuple[int, str, str]
"""Which of the two names, how it is spelt, and what is done with it."""
SAME = re.compile(r'content="[^"]{60,}"|value="[^"]{60,}"|nonce-[\w-]+|nonce="[^"]*"|[0-9a-f]{16}')
UNTOLD = {"X-Request-Id", "Set-Cookie", "Date", "Content-Length", "Content-Security-Policy"}


def sequence(*steps: str) -> list[Step]:
    """Read steps such as ``1 capitals api``."""
    return [
        (int(which), spelling.replace("_", " "), how) for which, spelling, how in (s.split() for s in steps)
    ]


SEQUENCES = {
    "six times": sequence(*["0 as_it_is form"] * 7),
    "user name, then email": sequence(*["0 as_it_is form"] * 5, *["1 as_it_is form"] * 6, "0 as_it_is form"),
    "email, then user name": sequence(*["1 as_it_is api"] * 6, *["0 as_it_is form"] * 6),
    "every spelling": sequence(*(f"0 {s.replace(' ', '_')} {how}" for s in SPELLINGS for how in ("form", "api"))),
    "a link in between": sequence(
        *["0 as_it_is form"] * 4, *["1 capitals link"] * 5, *["0 as_it_is api"] * 3, "0 blanks link"
    ),
}  # fmt: skip


def answers(place: Place, names: tuple[str, str], steps: list[Step], network: str) -> list[tuple[Any, ...]]:
    """What somebody is told, step by step, without what differs by the request alone."""
    client, found = application.browser(place.app), []
    for number, (which, spelling, how) in enumerate(steps):
        typed, address = SPELLINGS[spelling](names[which]), f"{network}.{number // 200}.{number % 200}"
        sent = {"username": typed, "password": "not this one, sorry"}
        if how == "form":
            answer = place.form(sent, client, address)
        elif how == "api":
            answer = place.api_sign_in(sent, address)
        else:
            data = {"username": typed, "csrf_token": client.csrf_token()}
            answer = client.post(
                "/password/forgotten/", data=data, environ_overrides={"REMOTE_ADDR": address}
            )
        text = (
            SAME.sub("", answer.get_data(as_text=True)).replace(typed, "NAME").replace(typed.strip(), "NAME")
        )
        headers = sorted((k, v) for k, v in answer.headers if k not in UNTOLD)
        found.append((answer.status_code, text, headers))
    return found


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that passwords were compared with."""
    from web import passwords

    found: list[str] = []
    real = passwords.check_password_hash

    def check(stored: str, password: str) -> bool:
        found.append(stored.split("$", 1)[0])
        return bool(real(stored, password))

    monkeypatch.setattr(passwords, "check_password_hash", check)
    return found


@pytest.mark.parametrize("which", SEQUENCES)
def test_the_same_tries_get_the_same_answers(place: Place, looked_at: list[str], which: str) -> None:
    steps, count = SEQUENCES[which], 0
    told = answers(place, KNOWN, steps, "10.1")
    count = len(looked_at)
    assert told == answers(place, UNKNOWN, steps, "10.2")
    assert looked_at[:count] == looked_at[count:], "as many computations, with the same parameters"
    assert count > 0


@pytest.mark.either_database
def test_any_sequence_gets_the_same_answers(place: Place, looked_at: list[str]) -> None:
    tries = iter(range(1_000))
    step = st.tuples(
        st.sampled_from([0, 1]), st.sampled_from(list(SPELLINGS)), st.sampled_from(["form", "api", "link"])
    )

    @given(st.lists(step, min_size=6, max_size=14))
    def check(steps: list[Step]) -> None:
        place.clock.move(hours=2)
        turn = next(tries)
        del looked_at[:]
        told = answers(place, KNOWN, steps, f"10.{turn % 200}")
        count = len(looked_at)
        assert told == answers(place, UNKNOWN, steps, f"11.{turn % 200}")
        assert looked_at[:count] == looked_at[count:]

    from hypothesis import settings

    settings(max_examples=8, deadline=None)(check)()


def test_five_of_one_name_and_no_more_however_it_is_spelt(place: Place, looked_at: list[str]) -> None:
    for spelling in SPELLINGS.values():
        for _turn in range(2):
            place.form({**BAD, "username": spelling("support")})
    assert len(looked_at) == 5
    assert place.form(GOOD).status_code == 429
    assert place.form({**GOOD, "username": "support@shop.test"}).status_code == 302, "which nobody tried"


def test_an_admin_unlocks_all_that_somebody_signs_in_by(place: Place) -> None:
    for name in ("support", "support@shop.test"):
        for n in range(6):
            place.form({**BAD, "username": name.upper()}, address=f"10.0.0.{n}")
        assert place.form({**GOOD, "username": name}).status_code == 429
    assert place.api().send("POST", f"/api/v1/staff/{user_id(place)}/actions/unlock").status_code == 200
    for name in ("support", "support@shop.test"):
        assert place.form({**GOOD, "username": name}).status_code == 302


def test_strangers_lock_nobody_out_of_proving_who_they_are(place: Place) -> None:
    """Whoever is signed in is counted by who they are, not by the name that strangers type."""
    client = place.signed_in()
    client.delete_cookie("known")
    for n in range(6):
        place.form(BAD, address=f"10.0.0.{n}")
    place.clock.move(minutes=16)
    for n in range(6):
        place.form(BAD, address=f"10.0.1.{n}")
    sent = {"csrf_token": client.csrf_token("/admin/proof/"), "reauth": application.PASSWORD}
    assert client.post("/admin/proof/", data=sent).status_code == 302


def test_a_cookie_of_a_browser_tells_nothing_of_a_name_either(place: Place) -> None:
    asked = {}
    for username in ("nobody-at-first", "manager", "nobody-here"):
        client = application.browser(place.app)
        client.set_cookie("known", "made up")
        sent = {"csrf_token": client.csrf_token(), "username": username, "password": "wrong, and long enough"}
        with recorded_statements() as seen:
            assert client.post("/login/", data=sent).status_code == 401
        asked[username] = len(seen)
    assert asked["manager"] == asked["nobody-here"]


def test_one_account_gets_three_mails_an_hour_by_whatever_name(place: Place) -> None:
    client = application.browser(place.app)
    for number in range(12):
        typed = ("support", "support@shop.test")[number % 2]
        sent = {"username": typed, "csrf_token": client.csrf_token()}
        assert client.post("/password/forgotten/", data=sent).status_code == 200
    with place.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Mail)) == 3


# -- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "counted_by"),
    [
        ("203.0.113.9", "203.0.113.9"), ("::ffff:203.0.113.9", "203.0.113.9"), ("::FFFF:cb00:7109", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"), ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"), ("[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"), ("fe80::1%eth0", "fe80::/64"), ("::1", "::/64"),
        ("unknown", "unknown"), ("", ""),
    ],
)  # fmt: skip
def test_an_address_is_counted_by_its_network(address: str, counted_by: str) -> None:
    assert rate_limit.network(address) == counted_by


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_all_of_one_ipv6_network_are_one(address: Any, host: int) -> None:
    neighbour = type(address)((int(address) >> 64 << 64) | host)
    if address.ipv4_mapped is None and neighbour.ipv4_mapped is None:
        assert rate_limit.network(str(address)) == rate_limit.network(str(neighbour))
        assert rate_limit.of_address(str(address)) == rate_limit.of_address(str(neighbour))
        assert rate_limit.of_reset_from(str(address)) == rate_limit.of_reset_from(str(neighbour))


def test_somebody_with_a_network_of_ipv6_gets_twenty_a_minute(place: Place) -> None:
    tries = [
        place.form({"username": f"nobody{n}", "password": "x"}, address=f"2001:db8::{n:x}:1").status_code
        for n in range(22)
    ]
    assert tries == [401] * 20 + [429] * 2
    with place.look() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(AttemptBucket)) == 21
    assert place.form(GOOD, address="2001:db8:0:1::1").status_code == 302
