"""The activities as the workflows call them: names and types alone, so that a definition never loads a body."""

from temporalio import activity

from workflows.messages import DraftStand, PublicationStand


class DraftContract:
    @activity.defn(name="carry_draft_on")
    async def carry_on(self, draft_id: str) -> DraftStand:
        """Open what the rows say is open, start what they say is due, close what they say is over; safe to repeat."""
        raise NotImplementedError


class PublicationContract:
    @activity.defn(name="look_at_publication")
    async def look(self, publication_id: str) -> PublicationStand:
        """Read the state, settle what needs no platform, and say what comes next; safe to repeat."""
        raise NotImplementedError

    @activity.defn(name="publish")
    async def publish(self, publication_id: str) -> str:
        """Claim, prepare, wait at the gate, dispatch, make one call, record. Never retried: the state is read instead."""
        raise NotImplementedError

    @activity.defn(name="send_publication_again")
    async def send_again(self, publication_id: str) -> str:
        """Out of UNKNOWN, on two people's word or under a kept key: one call. Never retried: the state is read instead."""
        raise NotImplementedError

    @activity.defn(name="look_publication_up")
    async def look_up(self, publication_id: str) -> PublicationStand:
        """Look for a post of unknown outcome on its account and adopt it, or tell people what there is; safe to repeat."""
        raise NotImplementedError

    @activity.defn(name="remove_publication")
    async def remove(self, publication_id: str) -> PublicationStand:
        """Keep the evidence, remove the post, look whether it is gone; says when to go on. Safe to repeat."""
        raise NotImplementedError

    @activity.defn(name="read_publication_back")
    async def read_back(self, publication_id: str) -> PublicationStand:
        """Compare what stands at the platform with what was authorised; says when to look again if it cannot tell yet."""
        raise NotImplementedError
