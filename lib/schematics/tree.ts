/** The files of a project, as the devkit of schematics gives them. */
export interface Tree {
  exists(path: string): boolean;
  read(path: string): { toString(): string } | null;
  create(path: string, content: string): void;
  overwrite(path: string, content: string): void;
}

/** What a schematic may do beside. */
export interface SchematicContext {
  readonly logger: { info(message: string): void; warn(message: string): void };
  addTask(task: { toConfiguration(): { readonly name: string; readonly options: object } }): unknown;
}

/** What became of a step: done, or found done already, or left to the person who runs it. */
export type Outcome =
  | { readonly kind: 'done' | 'there' }
  /** Says what to do by hand. */
  | { readonly kind: 'by-hand'; readonly words: string };

export const DONE: Outcome = { kind: 'done' };
export const THERE: Outcome = { kind: 'there' };

export function byHand(words: string): Outcome {
  return { kind: 'by-hand', words };
}

/** The text of a file; nothing where there is none. */
export function textOf(tree: Tree, path: string): string | undefined {
  return tree.exists(path) ? tree.read(path)?.toString() : undefined;
}

/** Creates a file unless one is there. */
export function createOnce(tree: Tree, path: string, content: string): Outcome {
  if (tree.exists(path)) return THERE;
  tree.create(path, content);
  return DONE;
}
