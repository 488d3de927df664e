import { defineConfig } from 'rolldown';

/**
 * The command as a few files, from what `nest build` has compiled: to load two hundred is most of the time that `serve` takes until it
 * listens. What is installed beside the package stays outside.
 */
export default defineConfig({
  input: {
    main: 'dist/lib/cli/main.js',
    // Found by its name, beside the file that starts it.
    'list-worker': 'dist/lib/client-certificate/revocation/list-worker.js',
  },
  platform: 'node',
  external: (id) => !/^[./]/.test(id),
  output: {
    dir: 'dist/cli',
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    cleanDir: true,
    comments: false,
  },
});
