"""The people of the walk, each with a browser of their own, signing in as everybody does."""

import re
from dataclasses import dataclass

from countersign.walk.client import Browser, Page
from countersign.walk.telling import NotHeld, held

AUTHOR, PRESS_OFFICE, POLICY_OWNER = "sam", "ade", "priya"
SANDBOX_SAYS = "The platforms here are a sandbox"
_LEADS_TO_SIGN_IN = ("/sign-in", "/step-up")


@dataclass
class Somebody:
    """One person; `issuer` is where they signed in."""

    subject: str
    browser: Browser
    name: str = ""
    issuer: str = ""

    def sign_in(self) -> None:
        """Through the provider's own pages. Raises NotHeld where the service is not one of demonstration."""
        page = self.browser.open("/sign-in")
        held(page.status == 200, "the sign-in page", f"HTTP {page.status}")
        # The walk publishes: on a service with real accounts it must stop before it wrote a word.
        held(
            SANDBOX_SAYS in page.text, "a service whose pages say that its platforms are a sandbox", "a service that may be real"
        )
        page = self.through_provider(page)
        signed_in = re.search(r"Signed in as ([^,]+),", page.text)
        if page.status != 200 or signed_in is None:
            raise NotHeld(f"{self.subject} to be signed in", f"HTTP {page.status}: {page.text[:300]}")
        self.name = signed_in[1]

    def through_provider(self, page: Page) -> Page:
        """Press the sign-in button of `page` and choose oneself at the provider: the page that this leads back to."""
        provider = self.browser.send(page, page.form(to=page.path), {})
        self.issuer = provider.origin
        form = provider.form(to="authorize")
        here = any((choice.name, choice.value) == ("sub", self.subject) for choice in form.choices)
        held(here, f"the demonstration's {self.subject} among those who can sign in", provider.text[:300])
        return self.browser.send(provider, form, {"sub": self.subject})

    def proven(self, page: Page) -> Page:
        """`page`, or, where it asks to sign in again first, the page after that."""
        return self.through_provider(page) if page.path in _LEADS_TO_SIGN_IN else page
