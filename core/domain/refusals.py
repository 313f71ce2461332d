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
            f"The {platform} text counts as {count:,} characters and {platform} takes {limit:,}. Shorten it by {count - limit:,}.",
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
