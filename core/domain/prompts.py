"""The statements an authoriser must confirm before authorising, each from its paragraph."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Prompt:
    key: str
    paragraph: int
    statement: str


PROMPTS: tuple[Prompt, ...] = (
    Prompt("standards", 36, "Nothing here conflicts with the Standards of Behaviour."),
    Prompt("information", 36, "The department may publish everything here: it is cleared, and I am authorised to say so."),
    Prompt(
        "commitments", 37, "It makes no commitment and gives no opinion on behalf of government that has not been authorised."
    ),
    Prompt("public", 31, "I would be content to hear these words said in public, in the department's name."),
    Prompt("respect", 39, "It is respectful of colleagues, customers and the department."),
)
