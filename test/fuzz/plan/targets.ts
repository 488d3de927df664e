import type { HtuChange, TargetChange } from './plan.js';

/** The target of a request, changed. */
export function changeTarget(path: string, how: TargetChange, token: string): string {
  switch (how) {
    case 'query':
      return `${path}?a=b&c`;
    case 'token in the query':
      return `${path}?a=b&access_token=${token}`;
    case 'token in the query, encoded':
      return `${path}?%61ccess_token=x`;
    case 'token name alone in the query':
      return `${path}?access_token`;
    case 'fragment':
      return `${path}#access_token=x`;
    case 'absolute form':
      return `https://api.example.com${path}`;
    case 'absolute form of another host':
      return `http://evil.example:81${path}`;
    case 'dots':
      return `/x/..${path}`;
    case 'encoded dots':
      return `/x/%2e%2E${path}`;
    case 'two slashes':
      return `/${path}`;
    case 'asterisk':
      return '*';
    case 'empty':
      return '';
    case 'another path':
      return `${path}x`;
    case 'path in capitals':
      return path.toUpperCase();
    case 'encoded slash':
      return `${path}%2f`;
    case 'high octets':
      return `${path}\u00e9|{`;
  }
}

/** The `htu` of a proof, changed. */
export function changeHtu(uri: string, how: HtuChange): string {
  const [, scheme = '', authority = '', path = ''] = /^(\w+):\/\/([^/]*)(.*)$/s.exec(uri) ?? [];
  const [host = '', port = ''] = authority.split(':');
  switch (how) {
    case 'query':
      return `${uri}?a=b`;
    case 'fragment':
      return `${uri}#a`;
    case 'capitals of scheme and host':
      return `${scheme.toUpperCase()}://${authority.toUpperCase()}${path}`;
    case 'capitals of the path':
      return `${scheme}://${authority}${path.toUpperCase()}`;
    case 'default port':
      return `${scheme}://${host}:${port || '443'}${path}`;
    case 'empty port':
      return `${scheme}://${host}:${port}${path}`;
    case 'port with zeros':
      return `${scheme}://${host}:0${port || '443'}${path}`;
    case 'other port':
      return `${scheme}://${host}:444${path}`;
    case 'dots':
      return `${scheme}://${authority}/x/./..${path}`;
    case 'encoded letters':
      return `${scheme}://${authority}${path.replaceAll(/[a-z]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`;
    case 'encoded slash':
      return `${scheme}://${authority}${path.replaceAll('/', '%2F')}`;
    case 'http':
      return `http://${authority}${path}`;
    case 'userinfo':
      return `${scheme}://user@${authority}${path}`;
    case 'other host':
      return `${scheme}://evil.example${path}`;
    case 'host with a dot behind':
      return `${scheme}://${host}.${path}`;
    case 'encoded host':
      return `${scheme}://%61${authority.slice(1)}${path}`;
    case 'wide host':
      return `${scheme}://%EF%BD%81${authority.slice(1)}${path}`;
    case 'soft hyphen in the host':
      return `${scheme}://%C2%AD${authority}${path}`;
    case 'relative':
      return path;
    case 'backslashes':
      return uri.replaceAll('/', '\\');
    case 'space':
      return `${uri} `;
    case 'tab':
      return `${scheme}://${authority}/\t${path.slice(1)}`;
    case 'newline':
      return `\n${uri}`;
    case 'slash behind':
      return `${uri}/`;
    case 'two slashes':
      return `${scheme}://${authority}/${path}`;
    case 'other public URL':
      return uri.startsWith('https://api')
        ? `https://gateway.example.net:8443/v1${path}`
        : `https://api.example.com${path}`;
    case 'no path':
      return `${scheme}://${authority}`;
  }
}
