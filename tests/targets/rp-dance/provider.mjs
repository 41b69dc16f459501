// An OpenID provider whose login has several pages (name, password, code, consent), written over the package's
// interaction API. Users: probe, probe-wrong and probe-throttled, probe-totp (a code is asked for; no test gives one), probe-locked.
import crypto from 'node:crypto';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const state = process.env.TARGET_STATE;
const port = Number(process.env.TARGET_PORT);
const require = createRequire(`${state}/npm/package.json`);
const load = async (name) => import(pathToFileURL(require.resolve(name)).href);
const { default: Provider, errors } = await load('oidc-provider');
const { default: express } = await load('express');

const PASSWORD = 'probe-Passw0rd!';
const USERS = {
  probe: {},
  'probe-wrong': {},
  'probe-throttled': {},
  'probe-totp': { code: true },
  'probe-locked': { locked: true },
};
const FAILURES_ALLOWED = 5;
const WAIT_SECONDS = 60;

const { privateKey } = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
const parties = [port + 1, port + 2].map((each) => `http://127.0.0.1:${each}`);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'dance',
    client_secret: 'dance-secret-for-tests-0123456789-0123456789',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: parties.map((party) => `${party}/callback`),
    post_logout_redirect_uris: parties,
  }],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig', kid: 'only' }] },
  cookies: { keys: ['cookie-key-for-tests'], names: { session: 'op_session', interaction: 'op_interaction', resume: 'op_resume' } },
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
  features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  ttl: { AccessToken: 300, AuthorizationCode: 60, IdToken: 300, Interaction: 600, Session: 3600, Grant: 3600 },
  findAccount: async (_context, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, name: 'Probe User', preferred_username: id, email: `${id}@example.test`, email_verified: true }),
  }),
});

const failures = new Map(); // name -> { count, until }
const progress = new Map(); // interaction -> { token, name, passwordRight }
const begun = (uid) => {
  if (!progress.has(uid)) progress.set(uid, { token: crypto.randomBytes(16).toString('hex') });
  return progress.get(uid);
};

const escaped = (text) => String(text ?? '').replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const page = (response, status, title, content) => response.status(status).type('html').set('cache-control', 'no-store')
  .send(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title></head><body><h1>${title}</h1>${content}</body></html>`);
const form = (uid, action, content, error) =>
  `${error ? `<p class="error" role="alert">${escaped(error)}</p>` : ''}<form method="post" action="/interaction/${uid}/${action}"><input type="hidden" name="_csrf" value="${begun(uid).token}">${content}</form>`;
const namePage = (response, uid, status, error) => page(response, status, 'Sign in',
  form(uid, 'user', '<label>User name <input name="username" autocomplete="username" required></label><button>Next</button>', error));
const passwordPage = (response, uid, status, error) => page(response, status, 'Enter your password',
  `<p>Signing in as <b>${escaped(begun(uid).name)}</b></p>` + form(uid, 'password', '<label>Password <input type="password" name="password" autocomplete="current-password" required></label><button>Sign in</button>', error));
const codePage = (response, uid, status, error) => page(response, status, 'Verification code',
  form(uid, 'code', '<label>Code <input name="otp" inputmode="numeric" autocomplete="one-time-code" required></label><button>Verify</button>', error));

// A handler for one page of a login that is under way.
const during = (handler) => async (request, response, next) => {
  try {
    await handler(request, response, await provider.interactionDetails(request, response));
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return page(response, 400, 'Sign-in expired', '<p>This sign-in page has expired.</p>');
    next(error);
  }
};
const submitted = (handler) => during(async (request, response, details) => {
  if (request.body?._csrf !== begun(details.uid).token) return page(response, 403, 'Form expired', '<p>The form token is missing or wrong.</p>');
  await handler(request, response, details, begun(details.uid));
});

const app = express();
const body = express.urlencoded({ extended: false });

app.get('/interaction/:uid', during(async (_request, response, details) => {
  if (details.prompt.name === 'login') return namePage(response, details.uid, 200);
  page(response, 200, 'Authorize', `<p>${escaped(details.params.client_id)} asks for: ${escaped(details.params.scope)}</p>`
    + form(details.uid, 'consent', '<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button>'));
}));

app.post('/interaction/:uid/user', body, submitted(async (request, response, details, login) => {
  login.name = (request.body.username || '').trim();
  if (!login.name) return namePage(response, details.uid, 422, 'Enter a user name.');
  response.redirect(303, `/interaction/${details.uid}/password`); // the same answer for unknown names
}));

app.get('/interaction/:uid/password', during(async (_request, response, details) => {
  if (!begun(details.uid).name) return response.redirect(303, `/interaction/${details.uid}`);
  passwordPage(response, details.uid, 200);
}));

app.post('/interaction/:uid/password', body, submitted(async (request, response, details, login) => {
  const user = USERS[login.name];
  let failed = failures.get(login.name) ?? { count: 0, until: 0 };
  if (Date.now() > failed.until) failed = { count: 0, until: 0 };
  if (failed.count >= FAILURES_ALLOWED) {
    response.set('retry-after', String(WAIT_SECONDS));
    return passwordPage(response, details.uid, 429, 'Too many failed attempts. Try again in a minute.');
  }
  if (!user || request.body.password !== PASSWORD) {
    failures.set(login.name, { count: failed.count + 1, until: Date.now() + WAIT_SECONDS * 1000 });
    return passwordPage(response, details.uid, 401, 'Wrong user name or password.');
  }
  if (user.locked) return passwordPage(response, details.uid, 403, 'This account is locked. Contact your administrator.');
  if (user.code) {
    login.passwordRight = true;
    return response.redirect(303, `/interaction/${details.uid}/code`);
  }
  progress.delete(details.uid);
  failures.delete(login.name);
  await provider.interactionFinished(request, response, { login: { accountId: login.name } }, { mergeWithLastSubmission: false });
}));

app.get('/interaction/:uid/code', during(async (_request, response, details) => {
  if (!begun(details.uid).passwordRight) return response.redirect(303, `/interaction/${details.uid}`);
  codePage(response, details.uid, 200);
}));

app.post('/interaction/:uid/code', body, submitted(async (_request, response, details) =>
  codePage(response, details.uid, 401, 'That code is not right. Wait for a new one.')));

app.post('/interaction/:uid/consent', body, submitted(async (request, response, details) => {
  if (request.body.decision !== 'allow') {
    return provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'the user said no' }, { mergeWithLastSubmission: false });
  }
  const { prompt, params, session } = details;
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (prompt.details.missingOIDCScope) grant.addOIDCScope(prompt.details.missingOIDCScope.join(' '));
  if (prompt.details.missingOIDCClaims) grant.addOIDCClaims(prompt.details.missingOIDCClaims);
  await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}));

app.use(provider.callback());
app.listen(port, '127.0.0.1');
