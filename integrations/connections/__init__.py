"""How an official account is connected: one consent flow per platform, its refresh and its revocation."""
