// Two relying parties of the provider beside it: the code comes back by query, or by a page that posts itself.
import { createRequire } from 'node:module';

const state = process.env.TARGET_STATE;
const base = Number(process.env.TARGET_PORT);
const require = createRequire(`${state}/npm/package.json`);
const { auth, requiresAuth } = require('express-openid-connect');
const express = require('express');

// Sessions that the party keeps itself, so that a logout ends them.
class Sessions {
  kept = new Map();
  get(id, done) { done(null, this.kept.get(id)); }
  set(id, session, done) { this.kept.set(id, session); done?.(null); }
  destroy(id, done) { this.kept.delete(id); done?.(null); }
}

function party(port, mode) {
  const app = express();
  const posted = mode === 'form_post';
  app.use(auth({
    issuerBaseURL: `http://127.0.0.1:${base}`,
    baseURL: `http://127.0.0.1:${port}`,
    clientID: 'dance',
    clientSecret: 'dance-secret-for-tests-0123456789-0123456789',
    secret: 'cookie-secret-for-tests-0123456789-0123456789',
    authRequired: false,
    idpLogout: true,
    authorizationParams: {
      response_type: 'code',
      scope: 'openid profile email',
      ...(posted ? { response_mode: 'form_post' } : {}),
    },
    // Cookies know no ports: provider and parties share a jar, so every name is its own.
    // By form_post the session is nothing but its cookie, the product's default.
    session: { name: `party_${mode}`, ...(posted ? {} : { store: new Sessions() }) },
    transactionCookie: { name: `party_${mode}_tx`, ...(posted ? { sameSite: 'None' } : {}) },
  }));
  app.get('/', (request, response) => response.send(request.oidc.isAuthenticated() ? 'logged in' : 'logged out'));
  app.get('/private', requiresAuth(), (request, response) =>
    response.send(`<!doctype html><title>Private</title><h1>Hello ${request.oidc.user.sub}</h1><a href="/logout">Log out</a>`));
  app.get('/me', requiresAuth(), async (request, response) =>
    response.json({ claims: request.oidc.idTokenClaims, userinfo: await request.oidc.fetchUserInfo() }));
  app.use((error, request, response, _next) =>
    response.status(error.status || error.statusCode || 500).type('text').send(`login failed: ${error.error || error.name}: ${error.message}`));
  app.listen(port, '127.0.0.1');
}

party(base + 1, 'query');
party(base + 2, 'form_post');
