import fastify from 'fastify';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { answerSession, putCookie } from '../../lib/nest/http/session-cookie.js';

const [COOKIE, NEXT] = ['__Host-session=one; Path=/', '__Host-session=two; Path=/'];

const newResponse = (): ServerResponse => new ServerResponse(new IncomingMessage(new Socket()));

describe('the answer to a request that came by a session', () => {
  test('it is for no cache, unless the app has said otherwise, and names what it depends on, once', () => {
    const response = newResponse();
    response.setHeader('Vary', ['Origin', 'Accept, accept-language']);
    answerSession(response, undefined);
    answerSession(response, undefined);
    expect(response.getHeader('vary')).toBe('Origin, Accept, accept-language, Cookie');
    expect(response.getHeader('cache-control')).toBe('no-store');
    const cached = newResponse();
    cached.setHeader('Cache-Control', 'private');
    answerSession(cached, undefined);
    expect(cached.getHeader('cache-control')).toBe('private');
  });

  test('an answer with a cookie is for no cache, whatever the app has said, and has one of the name', () => {
    const response = newResponse();
    response.setHeader('Cache-Control', 'public');
    response.setHeader('Set-Cookie', 'theme=dark');
    answerSession(response, COOKIE);
    putCookie(response, NEXT);
    expect(response.getHeader('set-cookie')).toEqual(['theme=dark', NEXT]);
    expect(response.getHeader('cache-control')).toBe('no-store');
  });

  test('what has begun is left as it is', () => {
    const response = newResponse();
    response.flushHeaders();
    answerSession(response, COOKIE);
    putCookie(response, COOKIE);
    expect(response.hasHeader('set-cookie')).toBe(false);
  });

  test('a reply of Fastify has the cookies of both, each once, and those that a handler adds', async () => {
    const app = fastify();
    app.get('/', async (_request, reply) => {
      reply.raw.setHeader('Set-Cookie', 'raw=1');
      reply.header('Set-Cookie', 'theme=dark').header('Vary', 'Origin');
      answerSession(reply, COOKIE);
      putCookie(reply, NEXT);
      answerSession(reply, undefined);
      return reply.header('Set-Cookie', 'more=1').send('');
    });
    const { headers } = await app.inject('/');
    expect(headers['set-cookie']).toEqual(['raw=1', 'theme=dark', NEXT, 'more=1']);
    expect(headers).toMatchObject({ vary: 'Origin, Cookie', 'cache-control': 'no-store' });
    await app.close();
  });
});
