"""A browser for a program: keeps cookies, follows redirects, reads the forms of a page and sends them back filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx2

from countersign.walk.telling import NotHeld

Values = dict[str, list[str]]
Files = Mapping[str, tuple[str, bytes, str]]
_INLINE = ("a", "b", "code", "del", "em", "i", "ins", "span", "strong", "time")
_TYPED = ("text", "hidden", "url", "email", "number", "search")


@dataclass
class Choice:
    """A checkbox, a radio button or a button with a name, and the words beside it as they stand in the page."""

    name: str
    value: str
    words: str = ""


@dataclass
class Form:
    action: str = ""
    method: str = "get"
    values: Values = field(default_factory=dict)
    choices: list[Choice] = field(default_factory=list)

    def filled(self, changes: Mapping[str, str | list[str]]) -> Values:
        """What a browser would send after these changes."""
        return {**self.values, **{name: [value] if isinstance(value, str) else value for name, value in changes.items()}}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._choice: Choice | None = None
        self._link: list[str] | None = None
        self._area: str | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._break(tag)
        if tag in ("script", "style"):
            self._silent += 1
        elif tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag == "a" and "href" in given:
            self._link = [given["href"]]
        elif self.forms and tag in ("input", "textarea", "button") and given.get("name"):
            self._control(tag, given)

    def _control(self, tag: str, given: dict[str, str]) -> None:
        form, name, kind = self.forms[-1], given["name"], given.get("type", "text")
        if tag == "textarea":
            self._area = name
            form.values[name] = [""]
        elif tag == "button" or kind in ("checkbox", "radio"):
            self._choice = Choice(name, given.get("value", "on"))
            form.choices.append(self._choice)
            if "checked" in given:
                form.values.setdefault(name, []).append(self._choice.value)
        elif kind in _TYPED:
            form.values.setdefault(name, []).append(given.get("value", ""))

    def _break(self, tag: str) -> None:
        """Words of two paragraphs are two words."""
        if tag not in _INLINE and self._area is None:
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        self._break(tag)
        if tag in ("script", "style"):
            self._silent -= 1
        elif tag == "a" and self._link:
            self.links.append((_plain(self._link[1:]), self._link[0]))
            self._link = None
        elif tag == "textarea":
            self._area = None
        elif tag in ("form", "fieldset"):
            self._choice = None

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._area is not None:
            self.forms[-1].values[self._area] = [data.removeprefix("\n")]
            return
        self.words.append(data)
        if self._link is not None:
            self._link.append(data)
        if self._choice is not None:
            self._choice.words += data


def _plain(pieces: list[str]) -> str:
    return " ".join("".join(pieces).split())


class Page:
    """An answer as a person reads it."""

    def __init__(self, response: httpx2.Response) -> None:
        reader = _Reader()
        reader.feed(response.text)
        self.status = response.status_code
        self.url = str(response.url)
        self.path = urlsplit(self.url).path
        self.origin = f"{urlsplit(self.url).scheme}://{urlsplit(self.url).netloc}"
        self.text = _plain(reader.words)
        self.forms = reader.forms
        self.links = reader.links

    def form(self, *, to: str) -> Form:
        """The form whose action ends with `to`."""
        for form in self.forms:
            if urlsplit(form.action or self.path).path.endswith(to):
                return form
        raise NotHeld(f"a form for {to} at {self.path}", f"HTTP {self.status}: {self.text[:300]}")


class Browser:
    """One person's. Errors of the network come out as httpx2.TransportError."""

    def __init__(self, url: str) -> None:
        self._client = httpx2.Client(base_url=url, follow_redirects=True, timeout=30, trust_env=False)

    def open(self, path: str) -> Page:
        return Page(self._client.get(path))

    def read(self, address: str) -> httpx2.Response:
        """What stands at an address, as it is."""
        return self._client.get(address)

    def send(self, page: Page, form: Form, changes: Mapping[str, str | list[str]], files: Files | None = None) -> Page:
        """Fill in this form of this page and press its button; redirects are followed."""
        address = urljoin(page.url, form.action)
        return Page(self._client.post(address, data=form.filled(changes), files=files))

    def post(self, path: str, values: Mapping[str, str | Sequence[str]]) -> Page:
        """Send what no form of ours would: the service must say no by itself."""
        return Page(self._client.post(path, data=dict(values)))
