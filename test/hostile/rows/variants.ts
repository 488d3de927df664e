/** Makes a value out of a kit, at the time of the request. */
export type Maker<Kit, T> = (kit: Kit) => T;

/** A name for each variant of one idea. */
export type Variants<Kit, T> = Readonly<Record<string, Maker<Kit, T>>>;

/** The same names for what is made of the values. */
export function mapped<Kit, T, U>(
  variants: Variants<Kit, T>,
  make: (value: T, kit: Kit) => U,
): Variants<Kit, U> {
  return Object.fromEntries(
    Object.entries(variants).map(([name, value]) => [name, (kit: Kit) => make(value(kit), kit)]),
  );
}

/** The same values under longer names. */
export function named<Kit, T>(prefix: string, variants: Variants<Kit, T>): Variants<Kit, T> {
  return Object.fromEntries(Object.entries(variants).map(([name, value]) => [`${prefix} ${name}`, value]));
}
