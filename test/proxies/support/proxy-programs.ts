import { userInfo } from 'node:os';
import { join } from 'node:path';

/** The proxies that the tests run. */
export type ProxyKind = 'nginx' | 'haproxy' | 'apache' | 'caddy';

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
  /** Its package in Debian. */
  readonly package: string;
  /** What makes it print its version and end. */
  readonly versionArguments: readonly string[];
  /** How a configuration file says that it listens on port 443, and the same for another port of 127.0.0.1. */
  readonly listening?: { readonly on443: string; on(port: number): string };
  /** The configuration that a machine has beside the file of docs/proxies, which it includes. */
  main(place: ProxyPlace): string;
  /** @param main path of the main configuration */
  arguments(place: ProxyPlace, main: string): readonly string[];
}

/** The machine's own programs; Debian has them in a folder that is on the PATH of root alone. */
export const PROXY_PROGRAMS: Readonly<Record<ProxyKind, ProxyProgram>> = {
  nginx: {
    command: 'nginx',
    package: 'nginx-light',
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
    package: 'haproxy',
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
    package: 'apache2',
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

  caddy: {
    command: 'caddy',
    package: 'caddy',
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
  },
};

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
