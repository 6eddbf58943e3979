"""The catalogue holds what the codes promise."""

import re

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import CATALOGUE, ErrorSpec, Kind

AREAS = {
    "AUTH": range(1, 100),
    "PROV": range(100, 200),
    "CONF": range(200, 300),
    "NET": range(300, 400),
    "RATE": range(400, 500),
    "SYS": range(500, 600),
    "LIC": range(600, 700),
    "REQ": range(700, 800),
}
ROWS = [
    pytest.param(value, id=name)
    for name, value in vars(catalogue).items()
    if isinstance(value, ErrorSpec)
]


def test_no_two_rows_share_a_code() -> None:
    names = [name for name, value in vars(catalogue).items() if isinstance(value, ErrorSpec)]
    assert len(names) == len(CATALOGUE)


def test_all_names_are_exported() -> None:
    names = {name for name, value in vars(catalogue).items() if isinstance(value, ErrorSpec)}
    assert names < set(catalogue.__all__)


@pytest.mark.parametrize("spec", ROWS)
def test_code_lies_in_its_area(spec: ErrorSpec) -> None:
    match = re.fullmatch(r"KP-([A-Z]+)-(\d{3})", spec.code)
    assert match is not None
    assert int(match[2]) in AREAS[match[1]]


@pytest.mark.parametrize("spec", ROWS)
def test_row_speaks_to_a_person(spec: ErrorSpec) -> None:
    assert spec.title
    assert not spec.title.endswith(".")
    assert spec.cause.endswith(".")
    assert spec.remedy
    assert all(step.endswith(".") for step in spec.remedy)


@pytest.mark.parametrize("spec", ROWS)
def test_only_a_bad_local_key_is_401(spec: ErrorSpec) -> None:
    """A tool logs its user out on 401, so no fault of *our* credential may say 401; no tool asks the management API."""
    keys = (catalogue.LOCAL_KEY_REFUSED, catalogue.MANAGEMENT_KEY_REFUSED)
    assert (spec.status == 401) == (spec in keys)
    assert (spec.kind is Kind.AUTHENTICATION) == (spec in keys)


@pytest.mark.parametrize("spec", ROWS)
def test_status_is_an_error(spec: ErrorSpec) -> None:
    assert 400 <= spec.status < 600


@pytest.mark.parametrize(
    ("code", "spec"),
    [
        ("KP-AUTH-001", catalogue.LOCAL_KEY_REFUSED),
        ("KP-AUTH-002", catalogue.TOKEN_EXPIRED),
        ("KP-AUTH-003", catalogue.OAUTH_FAILED),
        ("KP-PROV-101", catalogue.UPSTREAM_UNAVAILABLE),
        ("KP-PROV-102", catalogue.UPSTREAM_INVALID_REPLY),
        ("KP-PROV-103", catalogue.MODEL_UNSUPPORTED),
        ("KP-CONF-201", catalogue.CONFIG_INVALID),
        ("KP-CONF-202", catalogue.CONFIG_MISSING_FIELD),
        ("KP-CONF-203", catalogue.CONFIG_SCHEMA),
        ("KP-NET-301", catalogue.CONNECT_REFUSED),
        ("KP-NET-302", catalogue.CONNECT_TIMEOUT),
        ("KP-NET-303", catalogue.DNS_FAILED),
        ("KP-RATE-401", catalogue.RATE_LIMITED),
        ("KP-RATE-402", catalogue.QUOTA_EXHAUSTED),
        ("KP-RATE-403", catalogue.CONCURRENCY),
        ("KP-SYS-501", catalogue.INTERNAL),
        ("KP-SYS-502", catalogue.OUT_OF_MEMORY),
        ("KP-SYS-503", catalogue.DISK_FULL),
    ],
)
def test_codes_of_the_earlier_apps_keep_their_meaning(code: str, spec: ErrorSpec) -> None:
    assert CATALOGUE[code] is spec
