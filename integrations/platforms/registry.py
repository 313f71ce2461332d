"""Every platform the service can publish on. A new one is its module, its line here and its conformance suite."""

from integrations.platforms.base import Platform
from integrations.platforms.facebook import Facebook
from integrations.platforms.linkedin import LinkedIn
from integrations.platforms.x import X

PLATFORMS: dict[str, Platform] = {
    "x": X(),
    "facebook": Facebook(),
    "linkedin": LinkedIn(),
}
