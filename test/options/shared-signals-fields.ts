import type { MODULE_COMBINATIONS, MODULE_FIELDS } from './module-fields.js';
import { KEYS } from './wrong-values.js';

const PUSH = { issuer: 'https://as.example.com', audience: 'https://api.example.com', delivery: 'push' };
const RIGHT = { path: '/signals', transmitters: [PUSH] };

const POLL = { ...PUSH, delivery: 'poll', endpoint: 'https://as.example.com/poll?stream=1' };

const PROVIDER = { issuer: 'https://as.example.com', clientId: 'web' };
const LOGOUT = { path: '/logout', providers: [PROVIDER] };

/** Options whose one transmitter has these fields. */
const transmitter = (fields: object): object => ({ ...RIGHT, transmitters: [{ ...PUSH, ...fields }] });
const T = 'transmitters.0';

/** Every option of `SharedSignalsModule`. */
export const SIGNAL_FIELDS: typeof MODULE_FIELDS = [
  {
    title: 'options',
    right: RIGHT,
    at: '',
    fields: ['path', 'transmitters', 'onSignal', 'unknown'],
  },
  {
    title: 'a transmitter that pushes',
    right: RIGHT,
    at: T,
    fields: [
      'issuer',
      'audience',
      'delivery',
      'authorizationHeader',
      'algorithms',
      'jwksUri',
      'maxSilence',
      'onSilence',
      'verifyState',
      'unknown',
    ],
  },
  {
    title: 'a transmitter that is polled',
    right: { transmitters: [POLL] },
    at: T,
    fields: ['delivery', 'endpoint', 'authorizationHeader', 'longPoll', 'unknown'],
  },
  {
    title: 'logout',
    right: { backChannelLogout: LOGOUT },
    at: 'backChannelLogout',
    fields: ['path', 'providers', 'unknown'],
  },
  {
    title: 'a provider',
    right: { backChannelLogout: LOGOUT },
    at: 'backChannelLogout.providers.0',
    fields: ['issuer', 'clientId', 'typ', 'algorithms', 'jwksUri', 'unknown'],
  },
  {
    title: 'subjects',
    right: transmitter({ subjects: {} }),
    at: `${T}.subjects`,
    fields: ['issuers', 'find', 'unknown'],
  },
];

/** Options of which each is right by itself, and some contradict one another. */
export const SIGNAL_COMBINATIONS: typeof MODULE_COMBINATIONS = [
  ['no options at all', undefined],
  ['the shortest', RIGHT],
  ['nowhere to push to', { transmitters: [PUSH] }],
  ['nowhere to push to, nor anybody who would', { transmitters: [POLL] }],
  ['nobody at all', {}],
  ['logout alone', { backChannelLogout: LOGOUT }],
  ['logout where events are pushed', { ...RIGHT, path: '/logout', backChannelLogout: LOGOUT }],
  ['a provider twice', { backChannelLogout: { ...LOGOUT, providers: [PROVIDER, PROVIDER] } }],
  ['two transmitters with one issuer', { ...RIGHT, transmitters: [PUSH, PUSH] }],
  ['an issuer by http', transmitter({ issuer: 'http://as.example.com' })],
  ['an issuer by http on this machine', transmitter({ issuer: 'http://localhost:1' })],
  [
    'an issuer by http on this machine, which may be',
    transmitter({ issuer: 'http://localhost:1', http: { allowLoopbackHttp: true } }),
  ],
  ['an issuer with a query', transmitter({ issuer: 'https://as.example.com/?x' })],
  ['any issuer with its keys', transmitter({ issuer: 'as', jwksUri: 'https://as.example.com/keys' })],
  ['keys by http', transmitter({ jwksUri: 'http://as.example.com/keys' })],
  [
    'a key without certificate',
    transmitter({ tls: { key: KEYS.ec.privateKey.export({ format: 'pem', type: 'pkcs8' }) } }),
  ],
  ['a subject without issuer', transmitter({ subjects: { issuers: { 'https://a.example': '' } } })],
];
