# Debian's WordPress behind nginx and php-fpm, with a MariaDB of its own on a socket.
# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR/.. source=../lib.sh

SITE=$STATE/site
SOCKET=$RUN/mysql.sock

target_install() {
  need_apt nginx-light php-fpm php-mysql php-xml mariadb-server wordpress wordpress-theme-twentytwentythree curl
  [ ${#SOCKET} -lt 100 ] || die "$SOCKET is too long for a socket's path: set TARGETS_ROOT to a shorter folder"
  if [ ! -e "$SITE/complete" ]; then
    rm -rf "$SITE"
    mkdir -p "$SITE"
    # Some of the package's links lead to documentation that is not installed.
    cp -rL /usr/share/wordpress/. "$SITE/" 2>>"$LOG/copy.log" || true
    rm -f "$SITE/wp-config.php"
    [ -d "$SITE/wp-includes" ] || die "the wordpress package has no wp-includes"
    touch "$SITE/complete"
  fi
}

target_start() {
  [ -e "$SITE/complete" ] || die "run 'target install $NAME' first"
  pick_ports 18060 2
  start_database
  configuration >"$SITE/wp-config.php"
  logged setup php "$HERE/setup.php" "$SITE" "http://127.0.0.1:$PORT" "$PASSWORD" "$STATE" || die "setup failed"
  mkdir -p "$STATE/nginx" "$STATE/php"
  php_configuration >"$STATE/php/fpm.conf"
  nginx_configuration >"$STATE/nginx/nginx.conf"
  local fpm=(/usr/sbin/php-fpm[0-9]*) as_root=()
  [ "$(id -u)" != 0 ] || as_root=(--allow-to-run-as-root)
  start_server fpm "${fpm[-1]}" -F "${as_root[@]}" -y "$STATE/php/fpm.conf"
  start_server nginx nginx -c "$STATE/nginx/nginx.conf" -e "$LOG/nginx.log"
  ready nginx "http://127.0.0.1:$PORT/wp-login.php"
  publish "site=http://127.0.0.1:$PORT" "host=127.0.0.1:$PORT" "application_password=$(cat "$STATE/application-password")"
}

start_database() {
  local user
  user=$(id -un)
  if [ ! -e "$STATE/mysql/complete" ]; then
    rm -rf "$STATE/mysql"
    logged mariadb-install mariadb-install-db --user="$user" --datadir="$STATE/mysql" --skip-test-db \
      --auth-root-authentication-method=socket --auth-root-socket-user="$user" || die "no database"
    touch "$STATE/mysql/complete"
  fi
  start_server mariadb mariadbd --no-defaults --user="$user" --datadir="$STATE/mysql" --socket="$SOCKET" \
    --pid-file="$RUN/mariadb.id" --skip-networking --performance-schema=OFF --innodb-buffer-pool-size=32M \
    --innodb-log-file-size=16M --innodb-flush-log-at-trx-commit=0 --max-connections=20
  until_true 60 database_answers || { tail -n 20 "$LOG/mariadb.log" >&2; die "the database does not answer"; }
  logged setup mariadb --no-defaults -S "$SOCKET" -e "CREATE DATABASE IF NOT EXISTS wp;
    CREATE USER IF NOT EXISTS wp@localhost IDENTIFIED BY 'only-for-tests'; GRANT ALL ON wp.* TO wp@localhost;"
}
database_answers() { mariadb-admin --no-defaults -S "$SOCKET" ping >/dev/null 2>&1; }

configuration() {
  local key
  cat <<PHP
<?php
define('DB_NAME', 'wp'); define('DB_USER', 'wp'); define('DB_PASSWORD', 'only-for-tests');
define('DB_HOST', 'localhost:$SOCKET'); define('DB_CHARSET', 'utf8mb4'); define('DB_COLLATE', '');
$(for key in AUTH SECURE_AUTH LOGGED_IN NONCE; do printf "define('%s_KEY', 'test %s'); define('%s_SALT', 'salt %s');\n" $key $key $key $key; done)
define('WP_HOME', 'http://127.0.0.1:$PORT'); define('WP_SITEURL', 'http://127.0.0.1:$PORT');
// Application passwords work without https only on a site that is called local.
define('WP_ENVIRONMENT_TYPE', 'local');
define('WP_HTTP_BLOCK_EXTERNAL', true); define('DISABLE_WP_CRON', true); define('AUTOMATIC_UPDATER_DISABLED', true);
define('DISALLOW_FILE_MODS', true);
\$table_prefix = 'wp_';
if (!defined('ABSPATH')) define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
PHP
}

php_configuration() {
  cat <<CONF
[global]
error_log = $LOG/fpm.log
daemonize = no
[www]
$( [ "$(id -u)" != 0 ] || printf 'user = root\ngroup = root\n' )
listen = 127.0.0.1:$((PORT + 1))
pm = static
pm.max_children = 3
php_admin_value[sys_temp_dir] = $STATE/php
php_admin_value[error_log] = $LOG/php.log
php_admin_flag[log_errors] = on
CONF
}

nginx_configuration() {
  cat <<CONF
$( [ "$(id -u)" != 0 ] || echo 'user root;' )
worker_processes 1; daemon off; pid $RUN/nginx-master.id;
events { worker_connections 128; }
http {
  include /etc/nginx/mime.types; access_log $LOG/access.log;
  client_body_temp_path $STATE/nginx/body; proxy_temp_path $STATE/nginx/proxy; fastcgi_temp_path $STATE/nginx/fastcgi;
  uwsgi_temp_path $STATE/nginx/uwsgi; scgi_temp_path $STATE/nginx/scgi;
  server {
    listen 127.0.0.1:$PORT; server_name _; root $SITE; index index.php;
    location / { try_files \$uri \$uri/ /index.php?\$args; }
    location ~ \.php\$ {
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME \$document_root\$fastcgi_script_name; fastcgi_param HTTP_HOST \$http_host;
      fastcgi_pass 127.0.0.1:$((PORT + 1));
    }
  }
}
CONF
}

target_up() { is_up mariadb && is_up fpm && is_up nginx; }
target_stop() { stop_server nginx; stop_server fpm; stop_server mariadb; }
