"""The first half of the walk: sign in, write, check, submit, be refused as author, and two people authorise."""

import re
from dataclasses import dataclass, field

from core.domain.prompts import PROMPTS
from countersign.walk.client import Browser, Form, Page
from countersign.walk.people import AUTHOR, POLICY_OWNER, PRESS_OFFICE, Somebody
from countersign.walk.post import PLATFORMS, Post
from countersign.walk.telling import NotHeld, Teller, held

DRAFT = re.compile(r"^/drafts/([0-9a-f-]{36})/check$")
TWO_EYES = "Nothing goes out on one person's signature (paragraph 36)"
EVERY_PROMPT = [prompt.key for prompt in PROMPTS]


@dataclass
class Cast:
    """Three people: who writes could decide on other drafts, and is refused on this one."""

    author: Somebody
    press: Somebody
    policy: Somebody

    @classmethod
    def at(cls, url: str) -> "Cast":
        return cls(*(Somebody(subject, Browser(url)) for subject in (AUTHOR, PRESS_OFFICE, POLICY_OWNER)))

    @property
    def everybody(self) -> tuple[Somebody, ...]:
        return self.author, self.press, self.policy


@dataclass
class Written:
    """The draft as the service answered: `digest` is what the check page names."""

    post: Post
    draft_id: str = ""
    digest: str = ""
    accounts: dict[str, str] = field(default_factory=dict)


def sign_in(teller: Teller, cast: Cast) -> None:
    for somebody in cast.everybody:
        with teller.doing(f"{somebody.subject} signs in"):
            somebody.sign_in()
            teller.evidence(f"signed in as {somebody.name} through {somebody.issuer}")


def write(teller: Teller, cast: Cast, post: Post) -> Written:
    """The draft, saved and shown on the check page."""
    written = Written(post)
    with teller.doing(f"{cast.author.name} writes a draft for three accounts, with an image and its alt text"):
        page = cast.author.browser.open("/drafts/new")
        form = page.form(to="/drafts/new")
        written.accounts = accounts_in(form)
        files = {"upload-1": ("card.jpg", post.image, "image/jpeg")}
        check = cast.author.browser.send(page, form, post.typed(list(written.accounts.values())), files)
        saved = DRAFT.match(check.path)
        if saved is None:
            raise NotHeld(
                "the draft to be saved and its check page shown", f"HTTP {check.status} {check.path}: {check.text[:600]}"
            )
        written.draft_id = saved[1]
        teller.evidence(
            f"draft {written.draft_id}, for {', '.join(written.accounts)}, to go out at {post.publish_at:%H:%M:%S} UTC"
        )
        teller.evidence(f"text: {post.text}")
        teller.evidence(f"alt text: {post.alt}")
    with teller.doing(f"{cast.author.name} checks before sending"):
        for words in (post.text, post.linkedin_text, post.alt):
            held(words in check.text, f"the check page to show “{words}”", check.text[:600])
        written.digest = one_value(check.form(to="/submit"), "digest")
        teller.evidence(f"digest {written.digest}")
    return written


def accounts_in(form: Form) -> dict[str, str]:
    """By platform, the id of the first account that the form offers for it."""
    found: dict[str, str] = {}
    for choice in form.choices:
        named = re.search(rf", ({'|'.join(PLATFORMS)})$", choice.words.strip())
        if choice.name == "accounts" and named:
            found.setdefault(named[1], choice.value)
    held(set(found) == set(PLATFORMS), f"an account on each of {', '.join(PLATFORMS)}", found or "none")
    return found


def submit(teller: Teller, cast: Cast, written: Written) -> None:
    with teller.doing(f"{cast.author.name} submits it"):
        check = cast.author.browser.open(f"/drafts/{written.draft_id}/check")
        after = cast.author.browser.send(check, check.form(to="/submit"), {})
        held(after.status == 200 and "Awaiting authorisation" in after.text, "the draft to await authorisation", after.text[:400])
        teller.evidence("Awaiting authorisation")


def author_is_refused(teller: Teller, cast: Cast, written: Written) -> None:
    """The author holds both step roles; the page offers no decision, and a form made by hand is refused too."""
    author = cast.author
    here = f"/drafts/{written.draft_id}/decide"
    with teller.doing(f"{author.name}, who holds the authority of both steps, tries to authorise her own draft"):
        page = author.browser.open(here)
        held(TWO_EYES in page.text, f"the page to say “{TWO_EYES}”", page.text[-600:])
        held(not any(form.action.endswith("/decide") for form in page.forms), "no form to decide with", f"a form at {here}")
        forged = {"digest": written.digest, "step": "1", "answer": "authorise", "reason": "", "confirmed": EVERY_PROMPT}
        refused = author.browser.post(f"{here}/confirm", forged)
        held(refused.status == 403, "HTTP 403 for a decision sent without a form", f"HTTP {refused.status}: {refused.text[:400]}")
        held(TWO_EYES in refused.text, f"the refusal to say “{TWO_EYES}”", refused.text[:600])
        teller.evidence(f"refused on the page, and by HTTP {refused.status} when sent by hand: “{TWO_EYES}”")


def authorise(teller: Teller, somebody: Somebody, written: Written) -> None:
    """Look, confirm every statement, go on to the confirm page (signing in again if asked), and confirm."""
    here = f"/drafts/{written.draft_id}/decide"
    with teller.doing(f"{somebody.name} looks at what was submitted and authorises it"):
        page = somebody.browser.open(here)
        form = page.form(to="/decide")
        shown, step = one_value(form, "digest"), one_value(form, "step")
        held(shown == written.digest, f"the digest {written.digest} on the decide page", shown)
        held(
            written.post.text in page.text and written.post.alt in page.text, "the words to be authorised on the page", page.text
        )
        page = somebody.browser.send(page, form, {"answer": "authorise", "confirmed": EVERY_PROMPT})
        page = somebody.proven(page)
        confirm = page.form(to="/decide/confirm")
        held(one_value(confirm, "digest") == written.digest, f"the digest {written.digest} on the confirm page", confirm.values)
        outcome = somebody.browser.send(page, confirm, {})
        held(
            outcome.path.endswith("/outcome") and "You authorised it" in outcome.text, "the outcome page to say so", said(outcome)
        )
        teller.evidence(f"step {step}, digest {shown}, statements confirmed: {', '.join(EVERY_PROMPT)}")


def in_time(cast: Cast, written: Written) -> None:
    """Everybody authorised it, and it is due: else nothing of what follows can come true."""
    page = cast.author.browser.open(f"/drafts/{written.draft_id}")
    if "Needs a new time" in page.text:
        raise NotHeld(
            f"both decisions before {written.post.publish_at:%H:%M:%S} UTC",
            "a machine too slow for that: the draft now needs a new time. Run the walk again",
        )


def one_value(form: Form, name: str) -> str:
    values = form.values.get(name, [])
    held(len(values) == 1, f"one field {name} in the form {form.action}", values)
    return values[0]


def said(page: Page) -> str:
    return f"HTTP {page.status} {page.path}: {page.text[:400]}"
