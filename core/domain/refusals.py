"""Every refusal as a type: a code for programs, a sentence for people, a paragraph where it is policy.

Only the doors know status numbers; they group refusals by the five families below.
"""


class Refusal(Exception):
    """Something was refused and nothing was changed. `str(refusal)` is the sentence shown to the person."""

    code = "refused"
    paragraph: int | None = None
    sentence = "This was refused and nothing was changed."

    def __init__(self, sentence: str | None = None, *, field: str | None = None) -> None:
        super().__init__(sentence or self.sentence)
        self.field = field


class NotFound(Refusal):
    """Family: there is no such thing, or the asker may not know of it (404)."""

    code = "not_found"
    sentence = "There is nothing at this address that you can see. Check the link, or ask the person who sent it."


class NotAllowed(Refusal):
    """Family: this person may not do this (403)."""

    code = "not_allowed"


class Conflict(Refusal):
    """Family: what was asked no longer fits what stands on the record (409)."""

    code = "conflict"


class BadInput(Refusal):
    """Family: what was typed cannot be accepted as it is (422). `field` names where."""

    code = "bad_input"


class TooLarge(BadInput):
    """Family: more bytes than are taken (413)."""

    code = "too_large"


class Several(BadInput):
    """More than one thing must be put right; `refusals` holds each, in the order of the form."""

    code = "several"

    def __init__(self, refusals: list[BadInput]) -> None:
        super().__init__(" ".join(str(refusal) for refusal in refusals))
        self.refusals = refusals


class TextTooLong(BadInput):
    code = "text_too_long"

    def __init__(self, *, platform: str, count: int, limit: int, field: str = "text") -> None:
        super().__init__(
            f"The {platform} text counts as {count:,} characters and {platform} takes {limit:,}. "
            f"Shorten it by {count - limit:,}.",
            field=field,
        )


class TextMissing(BadInput):
    code = "text_missing"
    sentence = "Enter the text of the post."


class TooManyImages(BadInput):
    code = "too_many_images"
    sentence = "A post takes up to four images. Remove some before you save."


class AltTextMissing(BadInput):
    code = "alt_text_missing"
    sentence = "Describe the image in words, for people who cannot see it."


class AltTextTooLong(BadInput):
    code = "alt_text_too_long"

    def __init__(self, *, platform: str, limit: int, field: str = "images") -> None:
        super().__init__(f"{platform} takes alt text of up to {limit:,} characters. Shorten the description.", field=field)


class LinkInvalid(BadInput):
    code = "link_invalid"
    sentence = "The link must be a full web address that starts with https:// or http://."


class MediaUnreadable(BadInput):
    code = "media_unreadable"
    sentence = "The image could not be read. Save it again as a JPEG or PNG and upload that."


class MediaWrongType(BadInput):
    code = "media_wrong_type"
    sentence = "The file must be a JPEG, PNG, GIF or WebP image."


class MediaTooManyPixels(BadInput):
    code = "media_too_many_pixels"
    sentence = "The image has too many pixels. Make it smaller than 40 million pixels and upload it again."


class MediaTooLarge(TooLarge):
    code = "media_too_large"
    sentence = "The file is larger than 10 MB. Make it smaller and upload it again."


class NoRole(NotAllowed):
    code = "no_role"
    paragraph = 36
    sentence = "Your sign-in carries no role that allows this (paragraph 36). Ask your account manager which role you need."


class StepUpNeeded(NotAllowed):
    code = "step_up_needed"
    sentence = "Sign in again before you decide: your last sign-in is more than 15 minutes old. What you wrote is kept."


class MachineCannotDecide(NotAllowed):
    code = "machine_cannot_decide"
    paragraph = 36
    sentence = (
        "Only people authorise what is published (paragraph 36): a machine client cannot decide. "
        "Ask somebody who holds the authority to sign in and decide."
    )


class DraftChanged(Conflict):
    code = "draft_changed"
    sentence = "This draft has changed since you opened it, so nothing was recorded. Open it again and look at what is there now."


class AlreadySubmitted(Conflict):
    code = "already_submitted"
    sentence = "This version has already been submitted. Withdraw it first if you want to submit it again."


class ChangesNeeded(Conflict):
    code = "changes_needed"
    sentence = "The authorisers said no to these words. Save a new version first, then submit that."


class NothingToWithdraw(Conflict):
    code = "nothing_to_withdraw"
    sentence = (
        "There is nothing to withdraw: this draft is not waiting for authorisation or for its time. "
        "Open it again to see where it stands."
    )


class AlreadySent(Conflict):
    code = "already_sent"
    sentence = (
        "It is too late: this post has been sent, or is being sent now. It cannot be changed, moved or withdrawn; "
        "a correction is a new draft."
    )


class NoPlan(Conflict):
    code = "no_plan"
    paragraph = 36
    sentence = "No route says who must authorise this draft (paragraph 36). Ask the account manager to set one up."


class NoAccount(BadInput):
    code = "no_account"
    sentence = "Choose at least one account to publish on."


class AccountNotRegistered(BadInput):
    code = "account_not_registered"
    paragraph = 38
    sentence = "Choose accounts from the register of official accounts that are connected (paragraph 38)."


class PurposeMissing(BadInput):
    code = "purpose_missing"
    sentence = "Say what this post is for, in a few words that authorisers will see first."


class PurposeTooLong(BadInput):
    code = "purpose_too_long"
    sentence = "The purpose takes up to 200 characters. Shorten it."


class WindowBackwards(BadInput):
    code = "window_backwards"
    sentence = "The window must end after it starts. Change its start or its end."


class WindowPast(BadInput):
    code = "window_past"
    sentence = "The window has already ended. Choose an end in the future."


class OutsideWindow(BadInput):
    code = "outside_window"
    sentence = (
        "The publish time must lie inside the authorised window. Choose a time inside it, or change the window, "
        "which makes a new version that needs authorising again."
    )


class TimePast(BadInput):
    code = "time_past"
    sentence = "The publish time has already passed. Choose a time in the future."


class ReasonMissing(BadInput):
    code = "reason_missing"
    sentence = "Give a reason: the people who wrote this need to know what to change."


class PromptsUnanswered(BadInput):
    code = "prompts_unanswered"
    paragraph = 36
    sentence = "Confirm each statement before you authorise (paragraphs 31, 36, 37 and 39), or ask for changes instead."


class ImageUnknown(BadInput):
    code = "image_unknown"
    sentence = "One of the images is not in the service. Upload it again."


class HoldTargetUnknown(BadInput):
    code = "hold_target_unknown"
    sentence = "Say what to hold: everything, a platform, an account or a draft that exists."


class HiddenOrder(BadInput):
    code = "hidden_order"
    paragraph = 36
    sentence = (
        "This text holds invisible characters that show words in another order than they are sent (paragraph 36). "
        "Enter it by hand instead of pasting it."
    )
