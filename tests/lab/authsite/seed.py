"""Makes the tables, the users u0000 to u2999 and the probe's accounts probe1 to probe6; all with the one password."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import django

django.setup()
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.management import call_command

call_command("migrate", verbosity=0)
secret = make_password(settings.DATABASES["default"]["PASSWORD"])
names = [f"probe{number}" for number in range(1, 7)] + [f"u{number:04d}" for number in range(3000)]
User.objects.bulk_create(User(username=name, password=secret) for name in names)
