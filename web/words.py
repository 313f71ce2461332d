"""The words and tag colours pages show for what the domain names; a test keeps every standing and state covered."""

from dataclasses import dataclass

from core.domain.people import Role
from core.domain.publication import BY_HAND, State
from core.domain.route import Answer
from core.domain.standing import Standing


@dataclass(frozen=True)
class Label:
    """`text` on a GOV.UK tag of `colour`; `means` says it in one sentence."""

    text: str
    colour: str
    means: str

    @property
    def classes(self) -> str:
        modifier = "" if self.colour == "blue" else f"govuk-tag--{self.colour} "  # blue is the tag's own colour
        return f"{modifier}app-tag"


PLATFORMS = {
    "x": "X",
    "facebook": "Facebook",
    "linkedin": "LinkedIn",
    "bluesky": "Bluesky",
    "mastodon": "Mastodon",
    "manual": "By hand",
}

ROLES = {
    Role.OFFICER: "communications officer",
    Role.AUTHORISER: "authoriser",
    Role.ACCOUNT_MANAGER: "account manager",
    Role.AUDITOR: "auditor",
}

STANDINGS = {
    Standing.DRAFT: Label("Draft", "grey", "Not submitted yet. Nobody is asked to decide on it."),
    Standing.AWAITING: Label("Awaiting authorisation", "yellow", "It waits for people to authorise it. Nothing goes out before."),
    Standing.CHANGES_ASKED: Label("Changes asked for", "orange", "An authoriser asked for changes. Edit it and submit it again."),
    Standing.REJECTED: Label("Rejected", "red", "An authoriser rejected it. It will not be published as it is."),
    Standing.WITHDRAWN: Label("Withdrawn", "grey", "It was withdrawn. It will not be published unless it is submitted again."),
    Standing.AUTHORISED: Label("Authorised", "green", "Everybody required has authorised it. It goes out at its time."),
    Standing.NEEDS_NEW_TIME: Label(
        "Needs a new time", "orange", "It was authorised after its time had passed. Choose a new time inside the window."
    ),
    Standing.EXPIRED: Label(
        "Window passed", "red", "Its window ended before it could go out. Give it a new window and submit it again."
    ),
    Standing.PUBLISHING: Label("Publishing", "turquoise", "It is going out now."),
    Standing.PUBLISHED: Label("Published", "blue", "It stands on every account it was written for."),
    Standing.PARTLY_PUBLISHED: Label("Partly published", "purple", "It stands on some of its accounts and not on others."),
    Standing.TAKEN_DOWN: Label("Taken down", "grey", "It was taken down from every account on which it stood."),
    Standing.NEEDS_ATTENTION: Label(
        "Needs attention",
        "red",
        "It was stopped, or its outcome is not known. Each account below says what happened.",
    ),
}

STATES = {
    State.SCHEDULED: Label("Scheduled", "green", "It waits for its time."),
    State.CLAIMED: Label("Getting ready", "turquoise", "Images and sign-in are being prepared. Nothing has been sent."),
    State.SENDING: Label("Sending", "turquoise", "One call to the platform is under way."),
    State.PROCESSING: Label("Processing", "turquoise", "The platform accepted it and is still preparing it."),
    State.PUBLISHED: Label("Published", "blue", "The platform accepted it. It is being read back."),
    State.VERIFIED: Label("Published and checked", "blue", "It was read back and equals what was authorised."),
    State.MISMATCH: Label(
        "Differs", "red", "What stands on the platform differs from what was authorised. Two people must look."
    ),
    State.UNKNOWN: Label(
        "Outcome unknown",
        "red",
        "The platform gave no clear answer. By itself the service sends it again only where that cannot make a second post.",
    ),
    State.HELD: Label("Held", "orange", "A hold stopped it. It was not sent."),
    State.REVOKED: Label("Authorisation ended", "red", "An authorisation no longer stood at its time. It was not sent."),
    State.EXPIRED: Label("Window passed", "red", "Its window ended before it could be sent. It was not sent."),
    State.REJECTED: Label("Refused by the platform", "red", "The platform refused it. It was not published."),
    State.STALE: Label("Replaced", "grey", "A newer version took its place. It was not sent."),
    State.WITHDRAWN: Label("Withdrawn", "grey", "It was withdrawn before it was sent."),
    State.ABANDONED: Label("Abandoned", "grey", "People decided not to send it again."),
    State.REMOVING: Label("Taking down", "turquoise", "The post is being removed from the platform."),
    State.REMOVAL_UNKNOWN: Label("Removal unknown", "red", "The platform gave no clear answer about the removal."),
    State.REMOVED: Label("Taken down", "grey", "The post was removed from the platform. The evidence is kept."),
}

ANSWERS = {
    Answer.AUTHORISE: Label("Authorised", "green", "Authorised this version"),
    Answer.ASK_FOR_CHANGES: Label("Changes asked for", "orange", "Asked for changes"),
    Answer.REJECT: Label("Rejected", "red", "Rejected this version"),
}


def platform_name(platform: str) -> str:
    return PLATFORMS.get(platform, platform.replace("_", " ").capitalize())


def account_on(name: str, platform: str) -> str:
    """An account as sentences name it: “Department on X”, and “Staff intranet, posted by hand”."""
    return f"{name}, posted by hand" if platform == BY_HAND else f"{name} on {platform_name(platform)}"


def where_posted(platform: str) -> str:
    """The platform in the middle of a sentence."""
    return "posted by hand" if platform == BY_HAND else platform_name(platform)


def live_post_on(platform: str) -> str:
    """The words of a link to what stands at the platform."""
    return "See what was posted" if platform == BY_HAND else f"See the live post on {platform_name(platform)}"


def web_address(address: str | None) -> str:
    """The address if a browser may be sent there, else nothing: platforms name addresses, and not all are the web's."""
    return address if address and address.startswith(("https://", "http://")) else ""


def label_of(value: Standing | State | Answer | str) -> Label:
    """The label of any of the words above; a word this page does not know is shown as it is, never hidden."""
    if isinstance(value, Standing):
        return STANDINGS[value]
    if isinstance(value, State):
        return STATES[value]
    if isinstance(value, Answer):
        return ANSWERS[value]
    return Label(str(value).replace("_", " ").capitalize(), "grey", "")


def digest_shortly(digest: str) -> str:
    """The first twelve hex digits: enough to compare by eye; the full digest stands beside it in a details element."""
    scheme, _, value = digest.rpartition(":")
    return f"{scheme}:{value[:12]}…" if len(value) > 12 else digest
