import { Controller, Get } from '@nestjs/common';
import { AccessToken, AnyScope, Scopes } from 'nestjs-cert-bound-auth';
import { describe, expect, test } from 'vitest';
import { impliedScopesOf, withImplied } from '../../lib/claims/implied-scopes.js';
import { PLATFORMS } from '../support/platforms.js';
import { startProtectedApi } from '../support/protected-api.js';
import { API_CLIENT, challengeOf, clientOf, createWorld } from '../support/world.js';

@Controller()
class PaymentsController {
  @Get('read') @Scopes('read') read(@AccessToken('scopes') scopes: ReadonlySet<string>): readonly string[] {
    return [...scopes];
  }
  @Get('write') @Scopes('read', 'write') write(): string {
    return 'written';
  }
  @Get('any') @AnyScope('write', 'other') any(): string {
    return 'any';
  }
  @Get('admin') @Scopes('admin') admin(): string {
    return 'admin';
  }
}

const world = await createWorld();
const scopeImplies = { admin: ['write'], write: ['read'] };

describe.each(PLATFORMS)('MCP-8: scopes that stand for others on %s', (platform) => {
  test('a token has what its scopes stand for, by several steps, and never the other way round', async () => {
    const { app, as } = await startProtectedApi(world, platform, [PaymentsController], {
      options: { scopeImplies },
    });
    const statusesOf = async (scope: string): Promise<readonly number[]> => {
      const token = await as.accessToken({ certificate: world.client1, scope });
      const api = clientOf(app, world, world.client1, token);
      const paths = ['/read', '/write', '/any', '/admin'];
      // Twice: a known token has them too.
      const all = await Promise.all([...paths, ...paths].map(async (path) => (await api.get(path)).status));
      expect(all.slice(4)).toEqual(all.slice(0, 4));
      return all.slice(0, 4);
    };
    expect(await statusesOf('admin')).toEqual([200, 200, 200, 200]);
    expect(await statusesOf('write')).toEqual([200, 200, 200, 403]);
    expect(await statusesOf('read')).toEqual([200, 403, 403, 403]);
    expect(await statusesOf('Admin')).toEqual([403, 403, 403, 403]);
  });

  test('the token that a handler gets says what it said, and the challenge what the route demands', async () => {
    const { app, as } = await startProtectedApi(world, platform, [PaymentsController], {
      options: { scopeImplies },
    });
    const admin = await as.accessToken({ certificate: world.client1, scope: 'admin' });
    const { body } = await clientOf(app, world, world.client1, admin).get('/read').expect(200);
    expect(body).toEqual(['admin']);
    const none = await as.accessToken({ certificate: world.client1 });
    const refused = await clientOf(app, world, world.client1, none).get('/write').expect(403);
    expect(challengeOf(refused)).toContain('scope="read write"');
  });

  test('an opaque token has them too', async () => {
    const { app, as } = await startProtectedApi(world, platform, [PaymentsController], {
      options: { scopeImplies },
      server: { introspection: { clientAuthentication: API_CLIENT } },
    });
    const token = as.opaqueToken({ certificate: world.client1, scope: 'admin' });
    await clientOf(app, world, world.client1, token).get('/write').expect(200);
  });
});

describe('what scopes stand for', () => {
  test('a circle makes its scopes stand for one another, and ends', () => {
    const implied = impliedScopesOf({ a: ['b'], b: ['c'], c: ['a'] });
    expect(withImplied(new Set(['b']), implied)).toEqual(new Set(['b', 'c', 'a']));
  });

  test('names of members that every object has are no scopes of anybody', () => {
    const implied = impliedScopesOf({ a: ['b'] });
    expect(withImplied(new Set(['constructor', '__proto__']), implied)).toEqual(
      new Set(['constructor', '__proto__']),
    );
  });

  test('the same set is used where no scope stands for another', () => {
    const scopes = new Set(['a']);
    expect(withImplied(scopes, impliedScopesOf({}))).toBe(scopes);
  });
});
