const { IgnorePlugin } = require('webpack');

/** Optional peers of Nest's own, which the Nest CLI leaves out in this way. */
const LEFT_OUT = ['@nestjs/microservices', '@nestjs/websockets', 'class-transformer', 'class-validator'];

module.exports = {
  mode: 'production',
  target: 'node',
  entry: './main.js',
  output: { path: `${__dirname}/out-webpack`, filename: 'main.cjs' },
  optimization: { minimize: false },
  plugins: [
    new IgnorePlugin({
      checkResource: (name) =>
        LEFT_OUT.slice(0, 3).some((left) => name === left || name.startsWith(`${left}/`)),
    }),
  ],
};
