/** The servers that an app can run on, with the protocols that each speaks. Plain data: the spec reads it as well. */
export const PLATFORMS = {
  express: ['http/1.1'],
  fastify: ['http/1.1'],
  'fastify http2': ['h2'],
  'fastify http2 allowHTTP1': ['h2', 'http/1.1'],
} as const;

export type Platform = keyof typeof PLATFORMS;
export type Protocol = (typeof PLATFORMS)[Platform][number];
