"""The registry: every platform has its conformance suite, its image rule, and imports nothing over the network."""

import subprocess
import sys

from integrations.platforms.image_rules import RULES
from integrations.platforms.registry import PLATFORMS
from integrations.sandbox.platforms.app import SERVERS
from tests.integrations.platforms import test_bluesky, test_facebook, test_linkedin, test_mastodon, test_x
from tests.integrations.platforms.conformance import PlatformConformance

SUITES: tuple[type[PlatformConformance], ...] = (
    test_x.TestX,
    test_facebook.TestFacebook,
    test_linkedin.TestLinkedIn,
    test_bluesky.TestBluesky,
    test_mastodon.TestMastodon,
)
# What is posted by hand makes no call, so there is nothing for a sandbox to answer: tests/integrations/platforms/test_manual.py.
BY_HAND = {"manual"}
NO_NETWORK = """
import socket
def refuse(*args, **kwargs):
    raise AssertionError("network at import")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
import integrations.platforms.registry
"""


def test_every_registered_platform_has_its_suite_its_rule_and_its_sandbox() -> None:
    assert set(PLATFORMS) == set(RULES) == set(SERVERS) | BY_HAND
    assert set(SERVERS) == {suite.platform.name for suite in SUITES}
    assert all(name == platform.name for name, platform in PLATFORMS.items())


def test_importing_the_platforms_opens_no_connection() -> None:
    subprocess.run([sys.executable, "-c", NO_NETWORK], check=True)


def test_who_keeps_keys_proves_it_and_only_they() -> None:
    for suite in SUITES:
        proven = suite.test_the_same_key_never_makes_two_posts is not None
        assert proven == (suite.platform.keeps_keys is not None), suite
