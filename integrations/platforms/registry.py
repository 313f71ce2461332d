"""Every platform the service can publish on. A new one is its module, its line here and its conformance suite."""

from integrations.platforms.base import Platform
from integrations.platforms.bluesky import Bluesky
from integrations.platforms.facebook import Facebook
from integrations.platforms.linkedin import LinkedIn
from integrations.platforms.manual import Manual
from integrations.platforms.mastodon import Mastodon
from integrations.platforms.x import X

PLATFORMS: dict[str, Platform] = {
    "x": X(),
    "facebook": Facebook(),
    "linkedin": LinkedIn(),
    "bluesky": Bluesky(),
    "mastodon": Mastodon(),
    "manual": Manual(),
}
