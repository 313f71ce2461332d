"""The stories of docs/trying-it.md, played by people in real browsers against the whole demo and its lying sandboxes."""
