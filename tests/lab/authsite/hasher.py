"""Django's own password hash, cheap enough for a lab."""
from django.contrib.auth.hashers import PBKDF2PasswordHasher


class FewerRounds(PBKDF2PasswordHasher):
    iterations = 20_000
