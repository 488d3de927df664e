import { mkdir, mkdtemp, open, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { whenOver } from './world.js';

/** Names of the TLS files of a server. */
export type TlsName = 'key' | 'cert' | 'ca' | 'crl';
export type TlsTexts = Readonly<Partial<Record<TlsName, string>>>;

/** A directory with TLS files, and a way in which they are replaced. */
export interface TlsFolder {
  readonly paths: Readonly<Record<TlsName, string>>;
  /** Replaces these files. */
  replace(texts: TlsTexts): Promise<void>;
}

/** The ways in which files are replaced. */
export const REPLACEMENTS = {
  'renamed over': async (path: string, text: string) => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  },
  'written in place, at once': async (path: string, text: string) => writeFile(path, text),
  'written in place, half by half': async (path: string, text: string) => {
    const file = await open(path, 'w');
    await file.writeFile(text.slice(0, text.length / 2));
    // The test shows that half a file is not used, so the watch needs the time to see it.
    await wait(150);
    await file.writeFile(text.slice(text.length / 2));
    await file.close();
  },
} as const;
export type Replacement = keyof typeof REPLACEMENTS;

/** A directory of plain files, whose files are replaced one by one. It ends with the test. */
export async function plainFolder(texts: TlsTexts, way: Replacement = 'renamed over'): Promise<TlsFolder> {
  const root = await temporaryFolder();
  const paths = pathsIn(root);
  const write = async (changed: TlsTexts, how: Replacement): Promise<void> => {
    for (const [name, text] of Object.entries(changed)) await REPLACEMENTS[how](paths[name as TlsName], text);
  };
  await write(texts, 'written in place, at once');
  return { paths, replace: async (changed) => write(changed, way) };
}

/**
 * A volume of Kubernetes: `key -> ..data/key`, `..data -> ..<generation>`, of which the middle link is replaced and
 * the old directory removed, as for mounted secrets and cert-manager's CSI driver. It ends with the test.
 */
export async function kubernetesFolder(texts: TlsTexts): Promise<TlsFolder> {
  const root = await temporaryFolder();
  const paths = pathsIn(root);
  let all = texts;
  let generation = 0;
  const publish = async (changed: TlsTexts): Promise<void> => {
    all = { ...all, ...changed };
    generation += 1;
    const directory = `..generation_${generation}`;
    await mkdir(join(root, directory));
    for (const [name, text] of Object.entries(all)) await writeFile(join(root, directory, name), text);
    const old = await readlink(join(root, '..data')).catch(() => undefined);
    await symlink(directory, join(root, '..data_tmp'));
    await rename(join(root, '..data_tmp'), join(root, '..data'));
    if (old !== undefined) await rm(join(root, old), { recursive: true });
  };
  await publish(texts);
  for (const [name, path] of Object.entries(paths)) await symlink(`..data/${name}`, path);
  return { paths, replace: publish };
}

async function temporaryFolder(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'watch-tls-'));
  whenOver(async () => rm(root, { recursive: true, force: true }));
  return root;
}

function pathsIn(root: string): Readonly<Record<TlsName, string>> {
  return { key: join(root, 'key'), cert: join(root, 'cert'), ca: join(root, 'ca'), crl: join(root, 'crl') };
}
