"""Creates the test users, or puts them back to their first state."""

import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")

import django

django.setup()

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth import get_user_model

PASSWORD = "probe-Passw0rd!"
TOTP_SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
# name, may log in, may use the admin site. Wrong passwords are tried on the last three only, so that their waiting
# times hurt no other test.
USERS = [
    ("probe", True, True),
    ("probe-totp", True, True),
    ("probe-locked", False, False),
    ("probe-wrong", True, True),
    ("probe-refused", True, False),
    ("probe-throttled", True, False),
]

User = get_user_model()
# Hashing a password is meant to be dear: it is done once and shared.
shared_hash = None
for name, active, staff in USERS:
    user, _ = User.objects.get_or_create(username=name, defaults={"email": f"{name}@example.test"})
    user.is_active, user.is_staff, user.is_superuser = active, staff, staff
    if shared_hash is None:
        user.set_password(PASSWORD)
        shared_hash = user.password
    user.password = shared_hash
    user.save()
    EmailAddress.objects.get_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )
    Authenticator.objects.filter(user=user).delete()
    if name == "probe-totp":
        TOTP.activate(user, TOTP_SEED)
