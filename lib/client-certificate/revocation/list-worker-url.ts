/** The file of the worker. Apart, and loaded when it is needed: what makes CommonJS of this package knows no `import.meta`. */
export const LIST_WORKER = new URL('./list-worker.js', import.meta.url);
