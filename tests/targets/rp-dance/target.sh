# A relying party (express-openid-connect) and its provider (oidc-provider with pages for name, password and consent).
# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR/.. source=../lib.sh

target_install() {
  need_apt curl
  need_node "$STATE/npm" oidc-provider@9.13.3 express-openid-connect@3.4.0 express@5.3.0
}

# Ports: the provider, then the relying party with the code by query, then the one with the code by form_post.
target_start() {
  [ -e "$STATE/npm/wanted" ] || die "run 'target install $NAME' first"
  pick_ports 18030 3
  export TARGET_STATE=$STATE TARGET_PORT=$PORT
  start_server provider node "$HERE/provider.mjs"
  ready provider "http://127.0.0.1:$PORT/.well-known/openid-configuration"
  start_server party node "$HERE/party.mjs"
  ready party "http://127.0.0.1:$((PORT + 1))/"
  ready party "http://127.0.0.1:$((PORT + 2))/"
  publish "provider=http://127.0.0.1:$PORT" "query=http://127.0.0.1:$((PORT + 1))" "form_post=http://127.0.0.1:$((PORT + 2))"
}

target_up() { is_up provider && is_up party; }
target_stop() { stop_server party; stop_server provider; }
