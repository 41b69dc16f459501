# nginx with TLS and HTTP/2 before the allauth site: a CA of its own, Secure and __Host- cookies, HTTP Basic,
# client certificates, and plain http that leads to https.
# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR/.. source=../lib.sh

# The site behind it is the allauth target's code with a state of its own.
SITE=$HERE/../allauth/site
VENV=$STATE/venv
TLS=$STATE/tls

target_install() {
  need_apt nginx-light openssl curl
  need_python "$VENV" 'django-allauth[mfa,headless]==65.21.1' 'django==5.2.19' gunicorn
  mkdir -p "$TLS"
  [ -e "$TLS/done" ] || { (cd "$TLS" && make_certificates) && touch "$TLS/done"; }
  site_environment
  logged django "$VENV/bin/python" -m django migrate --pythonpath "$SITE" -v 0
}

site_environment() {
  export TARGET_STATE=$STATE TARGET_TLS=1 DJANGO_SETTINGS_MODULE=settings PYTHONDONTWRITEBYTECODE=1
  [ -s "$STATE/key.pem" ] || logged openssl openssl genrsa -out "$STATE/key.pem" 2048
}

# A CA; certificates for the server, for a good client and for a revoked one; a stranger that signed itself.
make_certificates() {
  logged openssl openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=Doorstep test CA' \
    -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.crt
  signed server localhost 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  signed client probe 'extendedKeyUsage=clientAuth'
  signed revoked probe-revoked 'extendedKeyUsage=clientAuth'
  logged openssl openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=stranger \
    -keyout stranger.key -out stranger.crt
  : >index.txt
  echo 1000 >crlnumber
  printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sha256\ndefault_crl_days=3650\n' >ca.cnf
  logged openssl openssl ca -config ca.cnf -cert ca.crt -keyfile ca.key -revoke revoked.crt
  logged openssl openssl ca -config ca.cnf -cert ca.crt -keyfile ca.key -gencrl -out crl.pem
}

# signed FILE COMMON_NAME EXTENSION
signed() {
  logged openssl openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$1.key" -out "$1.csr"
  printf '%s\n' "$3" >"$1.ext"
  logged openssl openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out "$1.crt" \
    -extfile "$1.ext"
}

target_start() {
  if [ ! -e "$TLS/done" ] || [ ! -x "$VENV/bin/gunicorn" ]; then die "run 'target install $NAME' first"; fi
  pick_ports 18120 4
  site_environment
  rm -rf "$STATE/cache-tls"
  logged seed "$VENV/bin/python" "$SITE/seed.py" || die "could not create the users"
  start_server web "$VENV/bin/gunicorn" --chdir "$SITE" --bind "127.0.0.1:$((PORT + 3))" --forwarded-allow-ips=127.0.0.1 \
    --workers 1 --threads 4 wsgi:application
  mkdir -p "$STATE/nginx" "$STATE/www/basic"
  echo 'basic page of probe' >"$STATE/www/basic/index.html"
  printf 'probe:%s\n' "$(openssl passwd -apr1 "$PASSWORD")" >"$STATE/htpasswd"
  nginx_configuration >"$STATE/nginx/nginx.conf"
  start_server nginx nginx -c "$STATE/nginx/nginx.conf" -e "$LOG/nginx.log"
  ready nginx "https://localhost:$PORT/accounts/login/" --cacert "$TLS/ca.crt"
  publish "site=https://localhost:$PORT" "certificate=https://localhost:$((PORT + 1))" "plain=http://localhost:$((PORT + 2))" \
    "host=localhost:$PORT" "tls=$TLS"
}

nginx_configuration() {
  cat <<CONF
$( [ "$(id -u)" != 0 ] || echo 'user root;' )
worker_processes 1; daemon off; pid $RUN/nginx-master.id;
events { worker_connections 128; }
http {
  default_type text/html; access_log $LOG/access.log;
  client_body_temp_path $STATE/nginx/body; proxy_temp_path $STATE/nginx/proxy; fastcgi_temp_path $STATE/nginx/fastcgi;
  uwsgi_temp_path $STATE/nginx/uwsgi; scgi_temp_path $STATE/nginx/scgi;
  ssl_certificate $TLS/server.crt; ssl_certificate_key $TLS/server.key; ssl_protocols TLSv1.2 TLSv1.3;
  server {
    listen 127.0.0.1:$PORT ssl http2; server_name localhost;
    location /basic/ { auth_basic "probe realm"; auth_basic_user_file $STATE/htpasswd; alias $STATE/www/basic/; }
    location / {
      proxy_pass http://127.0.0.1:$((PORT + 3)); proxy_http_version 1.1; proxy_set_header Host \$http_host;
      proxy_set_header X-Forwarded-Proto https; proxy_set_header X-Forwarded-For \$remote_addr;
    }
  }
  server {
    listen 127.0.0.1:$((PORT + 1)) ssl http2; server_name localhost;
    ssl_client_certificate $TLS/ca.crt; ssl_crl $TLS/crl.pem; ssl_verify_client on;
    location / { return 200 "certificate of \$ssl_client_s_dn\n"; }
  }
  server { listen 127.0.0.1:$((PORT + 2)); return 301 https://localhost:$PORT\$request_uri; }
}
CONF
}

target_up() { is_up web && is_up nginx; }
target_stop() { stop_server nginx; stop_server web; }
