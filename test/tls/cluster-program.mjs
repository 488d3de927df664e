// Two workers of Node's cluster that listen on one port, each with TLS options of its own. Node lets them share their
// ticket keys. It prints the port; each answers with its number.
import cluster from 'node:cluster';
import { createServer } from 'node:https';

if (cluster.isPrimary) {
  const options = JSON.parse(process.argv[2]);
  const listening = options.map(
    (tls, number) =>
      new Promise((resolve) => {
        cluster
          .fork({ TLS: JSON.stringify(tls), NUMBER: number })
          .once('listening', ({ port }) => resolve(port));
      }),
  );
  const [port] = await Promise.all(listening);
  console.log(port);
} else {
  const { TLS, NUMBER } = process.env;
  createServer(JSON.parse(TLS), (_, response) => response.end(NUMBER)).listen(0, '127.0.0.1');
}
