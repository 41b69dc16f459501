"""The smallest real Django login service: stock login, stock sessions in the database, stock last_login, psycopg 3. How
it differs from that comes from the environment (tests/lab/service.py)."""
import os

E = os.environ.get
# Of a throw-away service on loopback: no secret.
SECRET_KEY = "lab-only"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "authsite.site"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "OPTIONS": {
        "loaders": [("django.template.loaders.locmem.Loader", {
            "registration/login.html":
                "<!doctype html><title>Sign in</title><form method=post>{% csrf_token %}"
                "{{ form.as_p }}<button>Sign in</button></form>",
        })],
        "context_processors": ["django.template.context_processors.request",
                               "django.contrib.auth.context_processors.auth"],
    },
}]


def database(port):
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "auth", "USER": "app", "PASSWORD": "lab-Passw0rd!",
        "HOST": "127.0.0.1", "PORT": port,
        "CONN_MAX_AGE": 60,
        "OPTIONS": {"connect_timeout": 5, "application_name": "login-service", "options": E("LAB_DATABASE_OPTIONS", "")},
    }


# LAB_DATABASE=standby points the whole service at the wrong server.
DATABASES = {"default": database(E("LAB_STANDBY_PORT" if E("LAB_DATABASE") == "standby" else "LAB_PRIMARY_PORT"))}
# LAB_READ_FROM_STANDBY=user,session reads these models there.
READ_FROM_STANDBY = {model for model in E("LAB_READ_FROM_STANDBY", "").split(",") if model}
if READ_FROM_STANDBY:
    DATABASES["replica"] = database(E("LAB_STANDBY_PORT"))
    DATABASE_ROUTERS = ["authsite.settings.Router"]


class Router:
    """Sends reads of the named models to the standby."""

    def db_for_read(self, model, **_hints):
        return "replica" if model._meta.model_name in READ_FROM_STANDBY else "default"

    def db_for_write(self, _model, **_hints):
        return "default"

    def allow_relation(self, _one, _other, **_hints):
        return True


# The stock hasher's million rounds take about 0.4 s of processor time: the same algorithm with fewer.
PASSWORD_HASHERS = ["authsite.hasher.FewerRounds"]
SESSION_ENGINE = "django.contrib.sessions.backends.db"
LOGIN_REDIRECT_URL = "/whoami"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING = {
    "version": 1, "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"django.request": {"handlers": ["stderr"], "level": "ERROR"}},
}
