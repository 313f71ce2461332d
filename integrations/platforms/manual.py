"""By hand: accounts on platforms that the service cannot reach. A person posts, and confirms with the address of the post."""

from collections.abc import Callable, Mapping
from datetime import datetime

from core.domain.content import Rendition, RenditionImage
from core.domain.outcome import Outcome, ReadBack, Result, SeenPost, SendKey
from integrations.platforms.base import Platform
from integrations.platforms.text import utf16_length, with_link
from integrations.platforms.values import Access, Count, Prepared, ReadFailed
from integrations.platforms.wire import Answer, Call


class Manual(Platform):
    """Sends nothing over any network: once released, the post waits in PROCESSING until a person confirms that it stands."""

    name = "manual"
    label = "By hand"
    limit = 25_000
    api_url = ""

    def count(self, text: str) -> Count:
        return Count(utf16_length(text), self.limit)

    def permalink(self, access: Access, post_id: str) -> str:
        """Whoever posted it gives the address; until then there is none but the account's own."""
        return access.public_url

    def compose(self, text: str, link: str | None, images: tuple[RenditionImage, ...]) -> tuple[str, str | None]:
        return with_link(text, link), None

    async def prepare(self, access: Access, rendition: Rendition, files: Mapping[str, bytes]) -> Prepared:
        return Prepared()

    async def send(
        self, access: Access, rendition: Rendition, prepared: Prepared, *, key: SendKey, may_start: Callable[[], bool]
    ) -> Outcome:
        """Release it to a person, if it is not too late for that."""
        if not may_start():
            return Outcome(Result.NOT_SENT, "Nothing was released to be posted by hand: it started too late.")
        return Outcome(Result.PROCESSING, f"The post is released and waits for somebody to post it on {access.handle} by hand.")

    def post_call(self, access: Access, rendition: Rendition, prepared: Prepared, key: SendKey) -> Call:
        raise NotImplementedError("What is posted by hand makes no call.")

    def accepted(self, access: Access, answer: Answer) -> Outcome | None:
        return None

    def retry_at(self, answer: Answer) -> datetime | None:
        return None

    async def read_back(self, access: Access, post_id: str) -> ReadBack:
        raise ReadFailed("A post made by hand cannot be read by the service. Open its address and compare it with the release.")

    async def timeline(self, access: Access, *, since: datetime) -> tuple[SeenPost, ...]:
        raise ReadFailed("The service cannot see what stands on an account that is posted to by hand. Look there yourself.")

    async def delete(self, access: Access, post_id: str) -> Outcome:
        return Outcome(
            Result.REFUSED, "The service cannot remove a post made by hand. Remove it by hand and confirm that it is gone."
        )
