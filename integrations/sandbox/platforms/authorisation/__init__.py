"""How the sandbox platforms let a person allow an application in: consent pages, codes, tokens, refresh and revocation."""
