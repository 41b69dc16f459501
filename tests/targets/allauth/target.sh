# A Django site with django-allauth: form with CSRF, Django admin, JSON API for apps and for browsers.
# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR/.. source=../lib.sh

target_install() {
  need_apt openssl curl
  need_python "$STATE/venv" 'django-allauth[mfa,headless]==65.21.1' 'django==5.2.19' gunicorn
  [ -s "$STATE/key.pem" ] || logged openssl openssl genrsa -out "$STATE/key.pem" 2048
  django migrate -v 0
}

django() {
  TARGET_STATE=$STATE DJANGO_SETTINGS_MODULE=settings PYTHONDONTWRITEBYTECODE=1 \
    logged django "$STATE/venv/bin/python" -m django "$1" --pythonpath "$HERE/site" "${@:2}"
}

target_start() {
  [ -x "$STATE/venv/bin/gunicorn" ] || die "run 'target install $NAME' first"
  pick_ports 18010 1
  # Counters of failed logins live in the cache: each start begins without any.
  rm -rf "$STATE/cache"
  export TARGET_STATE=$STATE PYTHONDONTWRITEBYTECODE=1
  logged seed "$STATE/venv/bin/python" "$HERE/site/seed.py" || die "could not create the users"
  start_server web "$STATE/venv/bin/gunicorn" --chdir "$HERE/site" --bind "127.0.0.1:$PORT" --workers 1 --threads 4 \
    --access-logfile "$LOG/access.log" wsgi:application
  ready web "http://127.0.0.1:$PORT/accounts/login/"
  publish "site=http://127.0.0.1:$PORT"
}

target_up() { is_up web; }
target_stop() { stop_server web; }
