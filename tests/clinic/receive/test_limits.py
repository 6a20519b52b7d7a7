"""Limits by address: an IPv6 caller cannot be as many as its network has addresses."""

from __future__ import annotations

import pytest

from overread.clinic.receive.limits import Associations, Holding, block_of, gives_way


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::7", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(address: str, block: str) -> None:
    assert block_of(address) == block


def test_one_network_takes_the_places_of_one_address() -> None:
    places = Associations(total=10, per_address=2)
    assert [places.enter(f"2001:db8::{n}") for n in range(1, 5)] == [True, True, False, False]
    assert places.enter("2001:db8:0:1::1"), "another network has places of its own"
    assert places.held("2001:db8::99") == 2
    places.leave("2001:db8::1")
    places.leave("2001:db8::2")
    assert places.counts() == {"2001:db8:0:1::/64": 1}


def test_who_comes_from_many_addresses_of_one_network_gives_way() -> None:
    holdings = [Holding(n, f"2001:db8::{n}", float(n)) for n in range(5)] + [Holding(9, "192.0.2.1", 0.0)]
    assert gives_way(holdings, "192.0.2.2") == 0
    assert gives_way(holdings, "2001:db8::77") is None, "it is one of those that have most"
